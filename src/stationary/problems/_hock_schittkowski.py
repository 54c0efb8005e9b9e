"""Small nonlinear programmes from the test collection of Hock and Schittkowski (1981).

Multipliers follow from the answers by the first-order conditions; the tests check both.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from .._constraints import at_most, equal
from .._statements import Minimize
from ..sets import Box, Nonnegative
from ._example import Example

_SOURCE = "Hock and Schittkowski, Test Examples for Nonlinear Programming Codes (1981)"


def _example(number, problem, x0, optimum, duals, objective, why) -> Example:
    return Example(
        f"HS{number}",
        problem,
        np.asarray(x0, float),
        np.asarray(optimum, float),
        {name: np.asarray(dual, float) for name, dual in duals.items()},
        float(objective),
        f"{why} ({_SOURCE}, problem {number})",
    )


def hs6() -> Example:
    """A parabola as the only constraint."""
    problem = Minimize(
        lambda x: (1 - x[0]) ** 2,
        {"parabola": equal(lambda x: 10 * (x[1] - x[0] ** 2))},
    )
    return _example(6, problem, [-1.2, 1], [1, 1], {"parabola": 0}, 0, "follows a curved valley")


def hs7() -> Example:
    """A linear term pushes along a quartic curve."""
    problem = Minimize(
        lambda x: jnp.log(1 + x[0] ** 2) - x[1],
        {"curve": equal(lambda x: (1 + x[0] ** 2) ** 2 + x[1] ** 2, 4.0)},
    )
    root = np.sqrt(3)
    duals = {"curve": 1 / (2 * root)}
    return _example(7, problem, [2, 2], [0, root], duals, -root, "a nonzero equality multiplier")


def hs14() -> Example:
    """An ellipse and a line."""
    problem = Minimize(
        lambda x: (x[0] - 2) ** 2 + (x[1] - 1) ** 2,
        {
            "ellipse": at_most(lambda x: x[0] ** 2 / 4 + x[1] ** 2, 1.0),
            "line": equal(lambda x: x[0] - 2 * x[1], -1.0),
        },
    )
    x, y = (np.sqrt(7) - 1) / 2, (np.sqrt(7) + 1) / 4
    ellipse = -(2 * (y - 1) + 4 * (x - 2)) / (2 * y + x)
    duals = {"ellipse": ellipse, "line": -2 * (x - 2) - ellipse * x / 2}
    value = 9 - 23 * np.sqrt(7) / 8
    return _example(14, problem, [2, 2], [x, y], duals, value, "one constraint of each kind")


def hs21() -> Example:
    """Bounds, of which one is active, and an inequality that is not."""
    low: Any = np.array([2.0, -50.0])
    high: Any = np.array([50.0, 50.0])
    problem = Minimize(
        lambda x: 0.01 * x[0] ** 2 + x[1] ** 2 - 100,
        {"line": at_most(lambda x: x[1] - 10 * x[0], -10.0)},
        over=Box(low, high),
        convex=True,
    )
    why = "an active bound and an idle constraint"
    return _example(21, problem, [2, -1], [2, 0], {"line": 0}, -99.96, why)


def hs28() -> Example:
    """A singular quadratic made unique by one equality."""
    problem = Minimize(
        lambda x: (x[0] + x[1]) ** 2 + (x[1] + x[2]) ** 2,
        {"plane": equal(lambda x: x[0] + 2 * x[1] + 3 * x[2], 1.0)},
        convex=True,
    )
    answer = [0.5, -0.5, 0.5]
    return _example(28, problem, [-4, 1, 1], answer, {"plane": 0}, 0, "a semidefinite Hessian")


def hs35() -> Example:
    """Beale's convex quadratic programme."""
    problem = Minimize(
        lambda x: (
            9 - 8 * x[0] - 6 * x[1] - 4 * x[2]
            + 2 * x[0] ** 2 + 2 * x[1] ** 2 + x[2] ** 2 + 2 * x[0] * x[1] + 2 * x[0] * x[2]
        ),
        {"budget": at_most(lambda x: x[0] + x[1] + 2 * x[2], 3.0)},
        over=Nonnegative(),
        convex=True,
    )  # fmt: skip
    answer = np.array([12, 7, 4]) / 9
    return _example(35, problem, [0.5] * 3, answer, {"budget": 2 / 9}, 1 / 9, "a convex QP")


def hs39() -> Example:
    """A linear objective over the intersection of two surfaces."""
    problem = Minimize(
        lambda x: -x[0],
        {
            "cubic": equal(lambda x: x[1] - x[0] ** 3 - x[2] ** 2),
            "quadratic": equal(lambda x: x[0] ** 2 - x[1] - x[3] ** 2),
        },
    )
    duals = {"cubic": -1, "quadratic": -1}
    return _example(39, problem, [2] * 4, [1, 1, 0, 0], duals, -1, "curved by constraints alone")


def hs40() -> Example:
    """A product over three surfaces."""
    problem = Minimize(
        lambda x: -x[0] * x[1] * x[2] * x[3],
        {
            "first": equal(lambda x: x[0] ** 3 + x[1] ** 2, 1.0),
            "second": equal(lambda x: x[0] ** 2 * x[3] - x[2]),
            "third": equal(lambda x: x[3] ** 2 - x[1]),
        },
    )
    x = 2.0 ** -np.array([1 / 3, 1 / 2, 11 / 12, 1 / 4])
    second = -x[0] * x[1] * x[3]
    third = (x[0] * x[1] * x[2] - x[0] ** 2 * second) / (2 * x[3])
    first = (x[0] * x[2] * x[3] + third) / (2 * x[1])
    duals = {"first": first, "second": second, "third": third}
    return _example(40, problem, [0.8] * 4, x, duals, -0.25, "three nonlinear equalities")


def hs43() -> Example:
    """The problem of Rosen and Suzuki."""
    problem = Minimize(
        lambda x: (
            x @ (x * jnp.array([1.0, 1.0, 2.0, 1.0])) + x @ jnp.array([-5.0, -5.0, -21.0, 7.0])
        ),
        {
            "first": at_most(lambda x: x @ x + x[0] - x[1] + x[2] - x[3], 8.0),
            "second": at_most(
                lambda x: x @ (x * jnp.array([1.0, 2.0, 1.0, 2.0])) - x[0] - x[3], 10.0
            ),
            "third": at_most(
                lambda x: 2 * x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + 2 * x[0] - x[1] - x[3], 5.0
            ),
        },
        convex=True,
    )
    duals = {"first": 1, "second": 0, "third": 2}
    return _example(43, problem, [0] * 4, [0, 1, 2, -1], duals, -44, "active and idle quadratics")


def hs48() -> Example:
    """A quadratic over two planes."""
    problem = Minimize(
        lambda x: (x[0] - 1) ** 2 + (x[1] - x[2]) ** 2 + (x[3] - x[4]) ** 2,
        {"sum": equal(jnp.sum, 5.0), "plane": equal(lambda x: x[2] - 2 * (x[3] + x[4]), -3.0)},
        convex=True,
    )
    duals = {"sum": 0, "plane": 0}
    return _example(48, problem, [3, 5, -3, 2, -2], [1] * 5, duals, 0, "linear equalities")


def hs71() -> Example:
    """The problem that manuals of nonlinear solvers begin with."""
    problem = Minimize(
        lambda x: x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2],
        {
            "product": at_most(lambda x: -jnp.prod(x), -25.0),
            "sphere": equal(lambda x: x @ x, 40.0),
        },
        over=Box(1.0, 5.0),
    )
    answer = [1.0, 4.7429996372644, 3.8211499841849, 1.3794082931727]
    duals = {"product": 0.5522936601207, "sphere": 0.1614685667705}
    why = "nonconvex, with bounds, an inequality and an equality, all active"
    return _example(71, problem, [1, 5, 5, 1], answer, duals, 17.014017289156, why)


def hs76() -> Example:
    """A convex quadratic programme with three inequalities and bounds."""
    hessian = jnp.array([[2.0, 0, -1, 0], [0, 1, 0, 0], [-1, 0, 2, 1], [0, 0, 1, 1]])
    rows = jnp.array([[1.0, 2, 1, 1], [3, 1, 2, -1], [0, -1, -4, 0]])
    problem = Minimize(
        lambda x: x @ hessian @ x / 2 + x @ jnp.array([-1.0, -3, 1, -1]),
        {"rows": at_most(lambda x: rows @ x, np.array([5.0, 4.0, -1.5]))},
        over=Nonnegative(),
        convex=True,
    )
    answer = np.array([3, 23, 0, 6]) / 11
    duals = {"rows": np.array([5, 0, 0]) / 11}
    return _example(76, problem, [0.5] * 4, answer, duals, -103 / 22, "a vector of inequalities")


BUILDERS = {
    f"HS{build.__name__[2:]}": build
    for build in (hs6, hs7, hs14, hs21, hs28, hs35, hs39, hs40, hs43, hs48, hs71, hs76)
}
