"""The experiments of paper 113: its counter-example, schedules of the weight, wrong labels."""

import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.atlas import Measurements, Table
from stationary.methods import BilevelDescent

from ._cleaning import cleaning

SCHEDULES = {
    "lower alone": None,
    "1/2": 0.5,
    "0.5 / (k + 1)": lambda k: 0.5 / (k + 1),
    "2 / (k + 2)": lambda k: 2 / (k + 2),
}


def measure(scale, seed, observe):
    """All claims; `laptop` adds larger K and the mislabelled samples."""
    found = Measurements()
    laptop = scale == "laptop"
    for part in (counter_example, unique_answer, *((cleaning,) if laptop else ())):
        observe(part.__doc__)
        part(found, seed, laptop)
    return found


def upper(x, y):
    return 0.5 * (x - y[1]) ** 2 + 0.5 * (y[0] - 1) ** 2


def indifferent(x, y):
    """Any y[1] will do."""
    return 0.5 * y[0] ** 2 - x * y[0]


def unique(x, y):
    """One answer, with curvatures 4 and 1."""
    return 2 * (y[0] - x) ** 2 + 0.5 * (y[1] + x) ** 2


def descend(lower, weight, steps):
    """x after 3000 outer steps."""
    response = st.Unrolled(steps, 0.3, upper_weight=weight, warm_start=False)
    problem = st.Nested(upper, lower, response)
    start = jnp.zeros(()), jnp.zeros(2)
    outcome = st.run(
        problem, start, BilevelDescent(0.1), tol=1e-14, max_steps=3000, differentiable=False
    )
    return float(outcome.point.primal[0])


def counter_example(found, _, laptop):
    """Where the lower problem does not care about y[1]."""
    counts = (16, 64, 256) if laptop else (16, 64)
    ends = {
        name: np.array([descend(indifferent, rule, count) for count in counts])
        for name, rule in SCHEDULES.items()
    }
    found.values["lower alone"] = float(np.max(np.abs(ends["lower alone"] - 0.5)))
    found.values["mixture"] = float(1 - ends["1/2"][1])
    for claim, name in (("slow schedule", "0.5 / (k + 1)"), ("fast schedule", "2 / (k + 2)")):
        last = np.log((1 - ends[name])[-2:])
        found.values[claim] = float((last[1] - last[0]) / np.log(counts[-1] / counts[-2]))
    caption = "x after 3000 outer steps of the counter-example, whose answer is 1"
    found.tables[caption] = Table(
        ("weight of the upper objective", *(f"K = {count}" for count in counts)),
        tuple((name, *map(float, own)) for name, own in ends.items()),
    )
    found.figures["Distance from the answer of the counter-example"] = plot.line(
        {name: (np.array(counts), np.maximum(1 - own, 1e-16)) for name, own in ends.items()},
        title="Distance from the answer",
        x_label="inner steps K",
        y_label="1 - x",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )
    found.notes.append(
        "Counter-example: F = (x - y2)^2 / 2 + (y1 - 1)^2 / 2 over f = y1^2 / 2 - x y1. The inner "
        "steps begin at y = 0 every time; a start that follows the last y moves the limit of the "
        "steps on the lower objective alone, which is (1 + y2) / 2 for the y2 they start from."
    )


def unique_answer(found, *_):
    """Where the lower problem has one answer: what a weight that stays costs."""
    fading = descend(unique, lambda k: 1 / (k + 1) ** 2, 200)
    constant = descend(unique, 0.5, 200)
    found.values["fading weight"] = abs(fading - 0.2)
    found.values["constant weight"] = abs(constant - 16 / 41)
    found.notes.append(
        "Bias: with lower curvatures that are all 1 every weight gives x = 1/5, so that such "
        "examples hide it."
    )
