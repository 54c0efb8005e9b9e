"""Two desired states and one control, through the equation with a kink."""

from typing import NamedTuple

import numpy as np

import stationary as st
from stationary.fields import MaxTypeElliptic

SIGMA = 1e-3


def desired(laplacian):
    """The two desired states: on an interval a sine up and half of it down.

    On a square a hill and, off its middle, a narrower hollow, so that no symmetry makes modes few.
    """
    if len(laplacian.shape) == 1:
        (x,) = laplacian.points
        return np.sin(np.pi * x), -0.5 * np.sin(np.pi * x)
    x, z = laplacian.points
    hill = 16 * x * (1 - x) * z * (1 - z)
    return hill, -hill * np.exp(-8 * ((x - 0.65) ** 2 + (z - 0.4) ** 2))


class Control(NamedTuple):
    """The equation, and the state that each objective wants."""

    equation: MaxTypeElliptic
    wanted: dict[str, np.ndarray]


def up(control, data: Control):
    """Half the squared distance to the first desired state, and half the control's cost."""
    return _track(control, data, "up")


def down(control, data: Control):
    """The same for the second."""
    return _track(control, data, "down")


def _track(control, data: Control, name: str):
    laplacian = data.equation.laplacian
    off = data.equation.solve(control) - data.wanted[name]
    return 0.5 * laplacian.inner(off, off) + 0.5 * SIGMA * laplacian.inner(control, control)


def problem(equation: MaxTypeElliptic) -> st.Balance:
    """Half the squared distance to either, each with half the control's cost.

    The equation is data of the problem, so that another kink compiles nothing.
    """
    first, second = desired(equation.laplacian)
    wanted = {"up": first, "down": second}
    return st.Balance({"up": up, "down": down}, data=Control(equation, wanted))


def closed_form(laplacian, weights):
    """The front for kappa = 0 on an interval: both objectives, one row per pair of weights.

    The sine s is an eigenvector of the discrete Laplacian, with eigenvalue e, and its square
    integrates to 1/2. With u = c s and y = (c / e) s, the weighted sum is least at
    c = e (w_1 - w_2 / 2) / (1 + sigma e^2).
    """
    e = float(laplacian.eigenvalues[0])
    up, down = np.asarray(weights).T
    c = e * (up - 0.5 * down) / (1 + SIGMA * e**2)
    return np.stack([0.25 * ((c / e - t) ** 2 + SIGMA * c**2) for t in (1.0, -0.5)], axis=1)
