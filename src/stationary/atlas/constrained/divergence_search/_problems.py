"""Functions of two unknowns, with one equality or none, that the experiments look at."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary.methods import newton_divergence

_CHUNK = 1000


class Example(NamedTuple):
    """A problem by its functions; z holds the two unknowns and, last, the multiplier."""

    name: str
    objective: Callable[[Any], Any]
    equality: Callable[[Any], Any] | None = None

    @property
    def size(self) -> int:
        """The number of unknowns and multipliers."""
        return 2 if self.equality is None else 3

    def lagrangian(self, z: Any) -> Any:
        """f + y c, or f."""
        if self.equality is None:
            return self.objective(z)
        return self.objective(z[:2]) + z[2] * self.equality(z[:2])

    def gradient(self, z: Any) -> Any:
        """What vanishes at stationary points."""
        return jax.grad(self.lagrangian)(z)

    def newton_step(self, z: Any) -> Any:
        """-H^-1 gamma, by no code of the library."""
        return -jnp.linalg.solve(jax.hessian(self.lagrangian)(z), self.gradient(z))

    @property
    def statement(self) -> st.Minimize:
        """The same as the library sees it."""
        if self.equality is None:
            return st.Minimize(self.objective)
        return st.Minimize(self.objective, {"curve": st.equal(self.equality, 0.0)})

    def point(self, z: Any) -> st.Point:
        """z as the library sees it."""
        return st.Point(z[:2], {} if self.equality is None else {"curve": z[2]})

    def flat(self, point: st.Point) -> Any:
        """The way back."""
        return jnp.concatenate([point.primal, *(jnp.ravel(y) for y in point.duals.values())])

    def divergence(self, z: Any) -> Any:
        """tau, by the library."""
        return newton_divergence(self.statement)(self.point(z))


def _valley(x: Any) -> Any:
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def _himmelblau(x: Any) -> Any:
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def _circle(x: Any) -> Any:
    return x @ x - 2


circle = Example("circle", jnp.sum, _circle)
valley_on_circle = Example("Rosenbrock on a circle", _valley, _circle)
hs7 = Example(
    "HS7",
    lambda x: jnp.log(1 + x[0] ** 2) - x[1],
    lambda x: (1 + x[0] ** 2) ** 2 + x[1] ** 2 - 4,
)
himmelblau_on_circle = Example("Himmelblau on a circle", _himmelblau, _circle)
ellipse = Example("product on an ellipse", jnp.prod, lambda x: x[0] ** 2 / 4 + x[1] ** 2 - 1)
himmelblau = Example("Himmelblau", _himmelblau)
valley = Example("Rosenbrock", _valley)

CONSTRAINED = (circle, valley_on_circle, hs7, himmelblau_on_circle, ellipse)
"""The five at whose stationary points the criterion is looked at."""


def stationary_points(example: Example, starts: np.ndarray, steps: int = 100) -> np.ndarray:
    """Where plain Newton ends: every stationary point that it found, once each, a row each."""

    def follow(z):
        z = jax.lax.fori_loop(0, steps, lambda _, z: z + example.newton_step(z), z)
        return jnp.append(z, jnp.linalg.norm(example.gradient(z)))

    ends = in_chunks(follow)(starts)
    found = ends[ends[:, -1] <= 1e-9, :-1]
    _, first = np.unique(np.round(found, 5) + 0.0, axis=0, return_index=True)
    return found[first]


def in_chunks(fn: Callable[[Any], Any]) -> Callable[[np.ndarray], np.ndarray]:
    """A function over rows, compiled for one number of rows: any number of them is served."""
    compiled = jax.jit(jax.vmap(fn))

    def over(rows: np.ndarray) -> np.ndarray:
        count = max(1, -(-len(rows) // _CHUNK))
        filled = np.zeros((count * _CHUNK, rows.shape[1]))
        filled[: len(rows)] = rows
        values = [np.asarray(compiled(part)) for part in filled.reshape(count, _CHUNK, -1)]
        return np.concatenate(values)[: len(rows)]

    return over
