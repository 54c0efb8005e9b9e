"""Problems over sets and cones, with answers from linear algebra."""

import jax.numpy as jnp
import numpy as np

from .._constraints import in_cone
from .._statements import Maximize, Minimize
from ..sets import PositiveSemidefinite, SecondOrder, Simplex, Sphere, Stiefel
from ._example import Example

_MATRIX = np.array([[2.0, 1.0, 0.0, 0.5], [1.0, 3.0, 1.0, 0.0], [0, 1, 4, 1], [0.5, 0, 1, 6]])


def simplex() -> Example:
    """The nearest mixture to a point."""
    target = jnp.array([0.6, 0.4, -0.2, 0.3])
    return Example(
        "simplex",
        Minimize(lambda x: jnp.sum((x - target) ** 2) / 2, over=Simplex(), convex=True),
        np.full(4, 0.25),
        np.array([0.5, 0.3, 0.0, 0.2]),
        {},
        0.035,
        "a projection: each positive entry is its target less a tenth",
    )


def sphere() -> Example:
    """The smallest eigenvalue, as the least Rayleigh quotient."""
    values, vectors = np.linalg.eigh(_MATRIX)
    matrix, answer = jnp.asarray(_MATRIX), vectors[:, 0]
    return Example(
        "sphere",
        Minimize(lambda x: x @ matrix @ x, over=Sphere()),
        np.full(4, 0.5),
        answer,
        {},
        float(values[0]),
        "an eigenvector, up to its sign",
        nearest=lambda x: answer * np.sign(answer @ np.asarray(x)),
    )


def stiefel() -> Example:
    """The two leading eigenvectors, as the largest trace over orthonormal frames."""
    values, vectors = np.linalg.eigh(_MATRIX)
    matrix, answer = jnp.asarray(_MATRIX), vectors[:, 2:]

    def nearest(x):
        left, _, right = np.linalg.svd(answer.T @ np.asarray(x))
        return answer @ left @ right

    return Example(
        "Stiefel",
        Maximize(lambda x: jnp.trace(x.T @ matrix @ x), over=Stiefel()),
        np.eye(4)[:, :2],
        answer,
        {},
        float(values[2:].sum()),
        "an eigenspace: any orthonormal basis of it is an answer (Ky Fan)",
        nearest=nearest,
    )


def second_order_cone() -> Example:
    """The nearest point of the second-order cone to one outside it."""
    target = jnp.array([0.0, 3.0, 4.0])
    return Example(
        "second-order cone",
        Minimize(
            lambda x: jnp.sum((x - target) ** 2),
            {"cone": in_cone(lambda x: x, SecondOrder())},
            convex=True,
        ),
        np.array([1.0, 0.0, 0.0]),
        np.array([2.5, 1.5, 2.0]),
        {"cone": np.array([-5.0, 3.0, 4.0])},
        12.5,
        "a projection; the multiplier is twice that onto the polar cone",
    )


def semidefinite_cone() -> Example:
    """The nearest positive semidefinite matrix to an indefinite one."""
    target = np.array([[1.0, 2.0], [2.0, -1.0]])
    values, vectors = np.linalg.eigh(target)
    answer = (vectors * np.maximum(values, 0)) @ vectors.T
    centre = jnp.asarray(target)
    return Example(
        "semidefinite cone",
        Minimize(
            lambda x: jnp.sum((x - centre) ** 2),
            {"cone": in_cone(lambda x: (x + x.T) / 2, PositiveSemidefinite())},
            convex=True,
        ),
        np.eye(2),
        answer,
        {"cone": 2 * (target - answer)},
        5.0,
        "a projection: the positive part of the spectrum",
    )


BUILDERS = {
    "simplex": simplex,
    "sphere": sphere,
    "Stiefel": stiefel,
    "second-order cone": second_order_cone,
    "semidefinite cone": semidefinite_cone,
}
