"""One table of sets, which every law in this folder runs over."""

import dataclasses
from collections.abc import Callable

import cvxpy as cp
import jax
import numpy as np
import pytest

from stationary import sets as S


@dataclasses.dataclass(frozen=True)
class Case:
    """A set, a shape that it can hold, and the same set as CVXPY says it where it is convex."""

    name: str
    set: S.AbstractSet
    shape: tuple[int, ...]
    cvxpy: Callable[[cp.Expression], list] | None = None

    def points(self, count: int, seed: int, scale: float = 1.5) -> np.ndarray:
        """Random points, most of them outside the set."""
        return scale * np.random.default_rng(seed).standard_normal((count, *self.shape))

    def inside(self, count: int, seed: int) -> np.ndarray:
        """Random points of the set."""
        points = self.points(count, seed)
        if S.Capability.PROJECT in self.set.capabilities:
            return np.asarray(jax.jit(jax.vmap(lambda p: self.set.project(p)))(points))
        return np.abs(points) + 0.1


LOWER, UPPER = np.array([-1.0, -np.inf, 0.5]), np.array([0.5, 1.0, 0.5])
CENTER = np.array([0.5, -1.0, 0.25, 2.0])

CASES = [
    Case("euclidean", S.Euclidean(), (2, 3), lambda x: []),
    Case(
        "box",
        S.Box(-0.5, [0.0, 1.0, 2.0]),
        (2, 3),
        lambda x: [x >= -0.5, x <= np.array([[0, 1, 2]] * 2)],
    ),
    Case(
        "half-open box", S.Box(LOWER, UPPER), (3,), lambda x: [x[0] >= -1, x[2] == 0.5, x <= UPPER]
    ),
    Case("positive", S.Positive(), (4,)),
    Case("simplex", S.Simplex(), (5,), lambda x: [x >= 0, cp.sum(x) == 1]),
    Case("simplices", S.Simplex(3.0), (2, 4), lambda x: [x >= 0, cp.sum(x, axis=1) == 3]),
    Case("l1", S.L1Ball(2.0), (2, 3), lambda x: [cp.sum(cp.abs(x)) <= 2]),
    Case("l1 moved", S.L1Ball(1.0, CENTER), (4,), lambda x: [cp.norm1(x - CENTER) <= 1]),
    Case("l2", S.L2Ball(1.5), (2, 3), lambda x: [cp.norm(x, "fro") <= 1.5]),
    Case("l2 moved", S.L2Ball(0.5, CENTER), (4,), lambda x: [cp.norm2(x - CENTER) <= 0.5]),
    Case("linf", S.LinfBall(0.75, CENTER), (4,), lambda x: [cp.norm_inf(x - CENTER) <= 0.75]),
    Case("zero", S.Zero(), (3,), lambda x: [x == 0]),
    Case("nonnegative", S.Nonnegative(), (2, 3), lambda x: [x >= 0]),
    Case("nonpositive", S.Nonpositive(), (4,), lambda x: [x <= 0]),
    Case("second order", S.SecondOrder(), (4,), lambda x: [cp.SOC(x[0], x[1:])]),
    Case("second orders", S.SecondOrder(), (2, 3), lambda x: [cp.SOC(x[:, 0], x[:, 1:], axis=1)]),
    Case("psd", S.PositiveSemidefinite(), (4, 4), lambda x: [x >> 0, x == x.T]),
    Case("sphere", S.Sphere(2.0), (2, 3)),
    Case("stiefel", S.Stiefel(), (4, 2)),
    Case("stiefel square", S.Stiefel(), (3, 3)),
    Case("stiefels", S.Stiefel(), (2, 3, 1)),
]


def table(keep: Callable[[Case], bool]):
    return {"params": [c for c in CASES if keep(c)], "ids": lambda c: c.name}


def can(capability: str) -> Callable[[Case], bool]:
    return lambda case: S.Capability[capability] in case.set.capabilities


@pytest.fixture(**table(lambda case: True))
def case(request) -> Case:
    return request.param


@pytest.fixture(**table(can("PROJECT")))
def projectable(request) -> Case:
    return request.param


@pytest.fixture(**table(lambda case: case.cvxpy is not None))
def convex(request) -> Case:
    return request.param


@pytest.fixture(**table(lambda case: isinstance(case.set, S.AbstractCone)))
def cone(request) -> Case:
    return request.param


@pytest.fixture(**table(lambda case: case.set.curved))
def manifold(request) -> Case:
    return request.param


@pytest.fixture(**table(can("LMO")))
def compact(request) -> Case:
    return request.param


@pytest.fixture(**table(lambda case: case.set.elementwise))
def elementwise(request) -> Case:
    return request.param
