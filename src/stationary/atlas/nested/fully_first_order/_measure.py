"""The experiments of paper 51: bias, rates, a penalty that stays, and hyper-cleaning."""

import numpy as np

from stationary import plot
from stationary.atlas import Measured, Measurements, Table

from . import _quadratics
from ._cleaning import ROWS, STEPS, WAYS, clean

PENALTIES = (1e2, 1e3, 1e4, 1e5)


def measure(scale, seed, observe):
    """All claims; `smoke` leaves out noise and hyper-cleaning, and takes fewer steps."""
    found = Measurements()
    laptop = scale == "laptop"
    rng = np.random.default_rng(seed)
    known = _quadratics.draw(rng)
    observe("bias")
    bias = _quadratics.errors(known, PENALTIES)
    found.values["bias"] = slope(PENALTIES, bias)
    observe("rates")
    steps = 100_000 if laptop else 10_000
    paths = {"no noise": _quadratics.path(known, steps)}
    found.values["rate without noise"] = fall(paths["no noise"])
    if laptop:
        paths["noise in both levels"] = _quadratics.noisy_path(known, steps, seed)
        found.values["rate with noise"] = fall(paths["noise in both levels"])
    shown = np.unique(np.geomspace(1, steps, 100).astype(int)) - 1
    found.figures["Squared hypergradient along a run, with penalties that grow"] = plot.line(
        {name: (shown + 1, path[shown]) for name, path in paths.items()},
        title="Squared norm of the true hypergradient",
        x_label="steps",
        y_label="|grad F|^2",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )
    observe("a penalty that stays")
    end = _quadratics.fixed(known, 200_000)
    exact = known.penalised(10.0)
    found.values["fixed penalty"] = float(np.max(np.abs(end - exact)))
    floor = np.linalg.norm(known.gradient(exact))
    left = np.linalg.norm(known.gradient(end))
    found.values["bias floor"] = float(abs(left - floor) / floor)
    found.tables["Relative error of the penalised gradient"] = Table(
        ("lambda", "error"),
        tuple((penalty, float(error)) for penalty, error in zip(PENALTIES, bias, strict=True)),
    )
    if laptop:
        cleaning(found, seed, observe)
    return found


def cleaning(found, seed, observe):
    """Hyper-cleaning over five seeds."""
    observe("hyper-cleaning")
    runs = [clean(np.random.default_rng(100 * seed + i)) for i in range(5)]
    ours, theirs = WAYS
    found.values["hyper-cleaning loss"] = Measured.over(
        [run[ours]["loss"] / run[theirs]["loss"] for run in runs]
    )
    found.values["hyper-cleaning time"] = float(
        np.median([run[ours]["seconds"] / run[theirs]["seconds"] for run in runs])
    )
    found.tables[f"Hyper-cleaning of {ROWS} rows, {STEPS} upper steps, means over five seeds"] = (
        Table(
            ("method", "validation loss", "seconds", "weight of right minus wrong labels"),
            tuple(
                (name, *(float(np.mean([r[name][k] for r in runs])) for k in runs[0][name]))
                for name in WAYS
            ),
        )
    )
    found.notes.append(
        "Both methods of hyper-cleaning use the same Adam above and ten of Nesterov's steps below "
        "per upper step; compilation is not counted. With plain gradient steps below, the lower "
        "copies lag behind and the penalised method ends 13 % worse."
    )


def slope(x, y):
    """Of log y against log x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def fall(path):
    """The slope of a path from step 1000 on."""
    steps = np.unique(np.geomspace(1000, len(path), 50).astype(int))
    return slope(steps, path[steps - 1])
