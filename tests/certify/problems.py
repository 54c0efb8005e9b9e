"""Problems whose answers are known in closed form, with their multipliers."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary.sets import (
    Box,
    L1Ball,
    L2Ball,
    PositiveSemidefinite,
    SecondOrder,
    Simplex,
    Sphere,
    Stiefel,
)


@dataclasses.dataclass(frozen=True)
class Known:
    """A problem, its answer, and what a certificate has to say about it.

    `build(f, g)` states it with the objective times f and every constraint times g.
    """

    build: Callable[[float, float], st.AbstractStatement]
    answer: Any
    duals: dict[str, Any]
    verdict: str
    maximum: Any = None
    """A stationary point that is no minimum."""


def quadratic() -> Known:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(5, 5))
    q = root @ root.T + np.eye(5)
    rows, sums = rng.normal(size=(3, 5)), np.ones((1, 5))
    x, prices, price = rng.normal(size=5), np.array([0.7, 0.0, 0.3]), np.array([-0.4])
    bound = rows @ x + np.array([0.0, 0.5, 0.0])
    linear = -(q @ x + rows.T @ prices + sums.T @ price)

    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(
            lambda x: f * (x @ q @ x / 2 + linear @ x),
            {
                "rows": st.at_most(lambda x: g * (rows @ x), g * bound),
                "sum": st.equal(lambda x: g * (sums @ x), g * (sums @ x_)),
            },
            convex=True,
        )

    x_ = x
    return Known(build, x, {"rows": prices, "sum": price}, "optimal")


def hs7() -> Known:
    """Hock and Schittkowski, problem 7: x = (0, sqrt 3)."""

    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(
            lambda x: f * (jnp.log(1 + x[0] ** 2) - x[1]),
            {"ring": st.equal(lambda x: g * ((1 + x[0] ** 2) ** 2 + x[1] ** 2), 4 * g)},
        )

    root = np.sqrt(3)
    answer, duals = np.array([0.0, root]), {"ring": np.array(1 / (2 * root))}
    return Known(build, answer, duals, "local minimum")


def hs35() -> Known:
    """Beale's problem: x = (4/3, 7/9, 4/9) with multiplier 2/9."""

    def objective(x):
        a, b, c = x
        return 9 - 8 * a - 6 * b - 4 * c + 2 * a**2 + 2 * b**2 + c**2 + 2 * a * b + 2 * a * c

    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(
            lambda x: f * objective(x),
            {"budget": st.at_most(lambda x: g * (x[0] + x[1] + 2 * x[2]), 3 * g)},
            Box(0, np.inf),
            convex=True,
        )

    return Known(build, np.array([4 / 3, 7 / 9, 4 / 9]), {"budget": np.array(2 / 9)}, "optimal")


def hs71() -> Known:
    """Hock and Schittkowski, problem 71, from its published answer by Newton's method."""

    def objective(x):
        return x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2]

    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(
            lambda x: f * objective(x),
            {
                "product": st.at_most(lambda x: -g * jnp.prod(x), -25 * g),
                "sphere": st.equal(lambda x: g * (x @ x), 40 * g),
            },
            Box(1, 5),
        )

    def conditions(z):
        x, product, sphere = jnp.concatenate([jnp.ones(1), z[:3]]), z[3], z[4]
        lagrangian = jax.grad(lambda x: objective(x) - product * jnp.prod(x) + sphere * (x @ x))
        return jnp.concatenate([lagrangian(x)[1:], jnp.stack([jnp.prod(x) - 25, x @ x - 40])])

    z = jnp.array([4.74299963, 3.82114998, 1.37940829, 0.55229366, 0.16146857])
    for _ in range(5):
        z = z - jnp.linalg.solve(jax.jacfwd(conditions)(z), conditions(z))
    z = np.asarray(z)
    answer = np.concatenate([[1.0], z[:3]])
    return Known(build, answer, {"product": z[3], "sphere": z[4]}, "local minimum")


def circle() -> Known:
    """A linear function on a disc, not declared convex: the multiplier carries the curvature."""

    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(
            lambda x: f * (x[0] + 2 * x[1]), {"disc": st.at_most(lambda x: g * (x @ x), 5 * g)}
        )

    return Known(build, np.array([-1.0, -2.0]), {"disc": np.array(0.5)}, "local minimum")


_MATRIX = np.diag([3.0, 1.0, 2.0, 5.0]) + 0.1


def sphere() -> Known:
    _, vectors = np.linalg.eigh(_MATRIX)

    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(lambda x: f * (x @ _MATRIX @ x), over=Sphere())

    return Known(build, vectors[:, 0], {}, "local minimum", maximum=vectors[:, -1])


def stiefel() -> Known:
    _, vectors = np.linalg.eigh(_MATRIX)
    weights = np.array([2.0, 1.0])  # apart, so that the frame is unique up to signs

    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(
            lambda x: f * jnp.sum(weights * jnp.sum(x * (_MATRIX @ x), axis=0)), over=Stiefel()
        )

    return Known(build, vectors[:, :2], {}, "local minimum", maximum=vectors[:, :-3:-1])


def simplex() -> Known:
    target = np.array([0.9, 0.5, -0.3, 0.2])
    answer = np.array([0.7, 0.3, 0.0, 0.0])

    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(lambda x: f * jnp.sum((x - target) ** 2), over=Simplex())

    return Known(build, answer, {}, "local minimum")


def l1_ball() -> Known:
    target, answer = np.array([2.0, -1.5, 0.2]), np.array([0.75, -0.25, 0.0])

    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(lambda x: f * jnp.sum((x - target) ** 2), over=L1Ball(1.0), convex=True)

    return Known(build, answer, {}, "optimal")


def l2_ball() -> Known:
    """A concave function that the ball's own curvature makes strictly minimal at one pole."""

    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(lambda x: f * (2 * x[0] - 0.5 * (x[1] ** 2)), over=L2Ball(1.0))

    return Known(build, np.array([-1.0, 0.0]), {}, "local minimum")


def second_order_cone() -> Known:
    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(
            lambda x: f * (x[1] + x[2]),
            {
                "cone": st.in_cone(lambda x: g * x, SecondOrder()),
                "top": st.at_most(lambda x: g * x[0], g),
            },
            convex=True,
        )

    half = -1 / np.sqrt(2)
    duals = {"cone": np.array([-np.sqrt(2), -1.0, -1.0]), "top": np.array(np.sqrt(2))}
    return Known(build, np.array([1.0, half, half]), duals, "optimal")


def semidefinite() -> Known:
    """The smallest eigenvalue as a semidefinite program in the upper triangle."""
    upper = np.triu_indices(3)
    matrix = _MATRIX[:3, :3]
    values, vectors = np.linalg.eigh(matrix)

    def full(v):
        half = jnp.zeros((3, 3)).at[upper].set(v)
        return half + half.T - jnp.diag(jnp.diag(half))

    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Minimize(
            lambda v: f * jnp.sum(matrix * full(v)),
            {
                "psd": st.in_cone(lambda v: g * full(v), PositiveSemidefinite()),
                "trace": st.equal(lambda v: g * jnp.trace(full(v)), g),
            },
        )

    answer = np.outer(vectors[:, 0], vectors[:, 0])[upper]
    duals = {"psd": values[0] * np.eye(3) - matrix, "trace": np.array(-values[0])}
    return Known(build, answer, duals, "local minimum")


def maximize() -> Known:
    def build(f, g):
        f, g = jnp.asarray(f), jnp.asarray(g)
        return st.Maximize(
            lambda x: f * (x[0] * x[1]), {"sum": st.equal(lambda x: g * jnp.sum(x), 2 * g)}
        )

    # L = -f + dual (x + y - 2): -1 + dual = 0.
    return Known(build, np.ones(2), {"sum": np.array(1.0)}, "local minimum")


KNOWN = {
    made.__name__: made
    for made in (
        quadratic,
        hs7,
        hs35,
        hs71,
        circle,
        sphere,
        stiefel,
        simplex,
        l1_ball,
        l2_ball,
        second_order_cone,
        semidefinite,
        maximize,
    )
}
