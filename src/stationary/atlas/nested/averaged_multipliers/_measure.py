"""The experiments of paper 8: its example, what other ways make of it, cost, flipped labels."""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.atlas import Measurements, Table
from stationary.methods import BilevelDescent

from ._flipped import flipped

TAU, BETA = 1 / 40, 0.1
STEPS = 5000


def measure(scale, seed, observe):
    """All claims; `laptop` adds the flipped labels."""
    found = Measurements()
    for part in (example, fast_weights, cost, *((flipped,) if scale == "laptop" else ())):
        observe(part.__doc__)
        part(found, seed)
    return found


def upper(x, y):
    return 0.5 * jnp.sum((x - y[1]) ** 2) + 0.5 * jnp.sum((y[0] - 1) ** 2)


def lower(x, y):
    """Any y[1] will do."""
    return 0.5 * jnp.sum(y[0] ** 2) - jnp.vdot(x, y[0])


def weight(k):
    return 0.9 * (k + 1.0) ** -0.1


def outer_rate(k):
    return BETA * (k + 1.0) ** (-1.5 * TAU) * weight(k) ** 3


def multiplier_rate(k):
    return BETA * (k + 1.0) ** (-0.5 * TAU)


def fading_like_one_over_k(k):
    return 0.1 / (k + 1)


def start(size):
    return jnp.full(size, 0.01), jnp.full((2, size), 0.01)


def trajectory(response, method, size, steps):
    """x, y and the norms of the three directions at every step."""

    @jax.jit
    def run(pair):
        problem = st.Nested(upper, lower, response)
        system, unknown = problem.lower(pair), problem.embed(pair)
        begun = method.init(system, st.Point(unknown, {}))

        def step(state, k):
            state, _ = method.step(system, state)
            found = system.linearize(state.seen, None, k).direction({})
            norms = jnp.stack([jnp.linalg.norm(entry) for entry in found])
            return state, (*state.seen[:2], norms)

        return jax.lax.scan(step, begun, jnp.arange(steps))[1]

    return jax.tree.map(np.asarray, run(start(size)))


def example(found, _):
    """The example with many lower answers, by the averaged method and by unrolling."""
    size = 100
    runs = {}
    for claim, exact, rule in (
        ("beyond strong convexity", False, multiplier_rate),
        ("exact multiplier steps", True, 1.0),
    ):
        method = BilevelDescent(outer_rate, (BETA, rule), order="simultaneous")
        runs[claim] = trajectory(st.Averaged(weight, exact), method, size, STEPS + 1)
    errors = {name: _error(run[0]) for name, run in runs.items()}
    for name, error in errors.items():
        found.values[name] = float(error[STEPS])
    norms = runs["beyond strong convexity"][2].max(axis=1)
    k = np.arange(1000, STEPS)
    found.values["optimality"] = float(np.polyfit(np.log(k), np.log(norms[k]), 1)[0])

    response = st.Unrolled(64, 0.3, warm_start=False)
    outcome = st.run(
        st.Nested(upper, lower, response),
        start(size),
        BilevelDescent(0.1),
        max_steps=3000,
        tol=1e-14,
        differentiable=False,
    )
    unrolled = float(_error(np.asarray(outcome.point.primal[0])[None])[0])
    found.values["against unrolling"] = found.values["beyond strong convexity"] / unrolled

    shown = (0, 100, 1000, STEPS)
    found.tables["|x - 1| / |1| by steps"] = Table(
        ("steps", *errors),
        tuple((step, *(float(error[step]) for error in errors.values())) for step in shown),
    )
    marks = np.unique(np.geomspace(1, STEPS, 150).astype(int))
    three = runs["beyond strong convexity"][2]
    names = ("Lagrangian in x", "averaged slope in y", "multiplier's equation")
    found.figures["Residuals of the optimality conditions"] = plot.line(
        {name: (marks, three[marks, i]) for i, name in enumerate(names)},
        title="Residuals of the optimality conditions",
        x_label="steps",
        y_label="norm",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )
    found.figures["Error of x on the example with many lower answers"] = plot.line(
        {
            **{name: (marks, error[marks]) for name, error in errors.items()},
            "64 unrolled steps, at the end": (marks, np.full(marks.size, unrolled)),
        },
        title="Error of x",
        x_label="steps",
        y_label="|x - 1| / |1|",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )
    found.notes.append(
        "Example: F = |x - y2|^2 / 2 + |y1 - 1|^2 / 2 over f = |y1|^2 / 2 - x'y1, which does not "
        "see y2. All three directions of a step are taken at the old point, as in the paper."
    )


def fast_weights(found, _):
    """Weights that fade too fast."""
    method = BilevelDescent(0.005, (BETA, 1.0), order="simultaneous")
    steps = 20_000
    x, y, _ = trajectory(st.Averaged(fading_like_one_over_k), method, 1, steps + 1)
    found.values["fast weights"] = float(y[steps, 1, 0])
    error = _error(x)
    found.notes.append(
        f"With the weights 0.1 / (k + 1) the error of x is {error[5000]:.2g} after 5000 steps and "
        f"{error[steps]:.2g} after 20 000, where y2 is {y[steps, 1, 0]:.2g} although x is near 1: "
        "the sum of such weights grows like a logarithm."
    )


def cost(found, _):
    """What a step costs, beside an outer step with 40 unrolled inner ones."""
    size, steps = 10_000, 20
    averaged = st.Averaged(0.3), BilevelDescent(0.01, (BETA, 1.0), order="simultaneous")
    unrolled = st.Unrolled(40, 0.1, upper_weight=0.3, warm_start=False), BilevelDescent(0.01)

    def ready(response, method):
        problem = st.Nested(upper, lower, response)
        system = problem.lower(start(size))
        begun = method.init(system, st.Point(problem.embed(start(size)), {}))

        def step(state):
            return method.step(system, state)[0]

        @jax.jit
        def several(state):
            return jax.lax.fori_loop(0, steps, lambda _, s: step(s), state)

        jax.block_until_ready(several(begun))
        return step, begun, several

    (step, begun, one), (_, other_begun, other) = ready(*averaged), ready(*unrolled)
    program = jax.make_jaxpr(step)(begun).jaxpr
    found.values["no inner loop"] = sum(e.primitive.name in _LOOPS for e in _equations(program))
    ratios, ours = [], []
    for _ in range(9):
        ours.append(_seconds(one, begun) / steps)
        ratios.append(ours[-1] / (_seconds(other, other_begun) / steps))
    found.values["time of a step"] = statistics.median(ratios)
    found.notes.append(
        f"A step in 2 x 10 000 lower unknowns takes {1e3 * statistics.median(ours):.2g} ms; 20 "
        "steps per measurement, compiled once."
    )


_LOOPS = frozenset({"while", "scan"})


def _equations(program):
    """Every equation of a program, within others too."""
    for equation in program.eqns:
        yield equation
        for value in equation.params.values():
            for part in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(part, "jaxpr", part)
                if hasattr(inner, "eqns"):
                    yield from _equations(inner)


def _seconds(task, state):
    began = time.perf_counter()
    jax.block_until_ready(task(state))
    return time.perf_counter() - began


def _error(x):
    return np.linalg.norm(x - 1, axis=1) / x.shape[1] ** 0.5
