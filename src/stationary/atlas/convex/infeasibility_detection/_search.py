"""How soon each scheme's displacement is a proof, on a batch of linear programs at once."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary.methods import Halpern, Picard, PrimalDualOperator, primal_dual_operator

from ._programs import Program, statement

SCHEMES = {
    "Picard": Picard(),
    "Halpern": Halpern(),
    "Halpern restarted": Halpern(restart=200),
    "reflected, restarted": Halpern(restart=200, reflect=True),
}
EVERY = 5
"""Iterations between two looks."""
LEVELS = (1e-2, 1e-3, 1e-6)


class Search(NamedTuple):
    """What came of running a scheme on a batch of programs.

    **Arguments:**

    - `residuals`: programs x looks x kinds (infeasible, unbounded) x candidates (displacement,
        mean displacement, last move): how far each is from a proof.
    - `rays`: the candidates at the first look at which one was within 1e-6 of a proof of a kind,
        per program and kind; NaN where there was none.
    """

    residuals: np.ndarray
    rays: st.Point

    def part(self, chosen: slice) -> "Search":
        """The same for some of the programs."""
        return Search(self.residuals[chosen], jax.tree.map(lambda leaf: leaf[chosen], self.rays))

    def first(self, kind: int, level: float, candidates=slice(None)) -> np.ndarray:
        """Iterations until a level was reached, per program; infinite where it was not."""
        best = self.residuals[:, :, kind, candidates].min(axis=-1) <= level
        reached = best.any(axis=1)
        return np.where(reached, (best.argmax(axis=1) + 1) * EVERY, np.inf)


def operators(programs: list[Program]) -> PrimalDualOperator:
    """One operator per program, stacked; steps 0.9 / |A| for both unknowns."""
    norms = jnp.array([0.9 / np.linalg.norm(p.a, 2) for p in programs])
    first = primal_dual_operator(statement(programs[0]), jnp.zeros(programs[0].c.size))
    data = jax.tree.map(lambda *leaves: jnp.stack(list(map(jnp.asarray, leaves))), *programs)

    def spread(like):
        return jax.tree.map(
            lambda s: jnp.broadcast_to(norms[:, None], (len(programs), s.size)), like
        )

    stacked = data, spread(first.primal_step), spread(first.dual_step)
    return eqx.tree_at(_varying, first, stacked)


def _varying(operator: PrimalDualOperator):
    return operator.data, operator.primal_step, operator.dual_step


def axes(operator: PrimalDualOperator):
    """Which leaves of a stacked operator differ between programs: all but the statement's own."""
    nothing = jax.tree.map(lambda _: None, operator)
    return eqx.tree_at(_varying, nothing, (0, 0, 0), is_leaf=lambda leaf: leaf is None)


def search(method, operator: PrimalDualOperator, iterations: int) -> Search:
    """Run a scheme from zero, and look at its candidates every few iterations."""
    residuals, rays = _batch(method, operator, iterations // EVERY)
    return Search(np.asarray(residuals), jax.tree.map(np.asarray, rays))


@eqx.filter_jit
def _batch(method, operator: PrimalDualOperator, looks: int):
    return jax.vmap(lambda op: _run(method, op, looks), in_axes=(axes(operator),))(operator)


def _run(method, operator, looks):
    data = operator.data
    zero = st.Point(jnp.zeros_like(data.c), {"rows": jnp.zeros_like(data.b)})

    def advance(_, carry):
        state, _ = carry
        new = method.step(operator, state)
        return new, jax.tree.map(jnp.subtract, new.iterate, state.iterate)

    def look(carry, _):
        state, rays = carry
        state, move = jax.lax.fori_loop(0, EVERY, advance, (state, zero))
        back = [method.displacement(state), method.mean_displacement(state)]
        candidates = [*(jax.tree.map(jnp.negative, v) for v in back), move]
        stacked = jax.tree.map(lambda *c: jnp.stack(c), *candidates)
        sizes = jax.vmap(lambda c: _residuals(data, c))(stacked).T  # kinds x candidates
        best = jax.tree.map(lambda leaf: leaf[jnp.argmin(sizes, axis=1)], stacked)
        new = jnp.isnan(rays.primal[:, 0]) & (jnp.min(sizes, axis=1) <= LEVELS[-1])
        rays = jax.tree.map(lambda old, now: jnp.where(new[:, None], now, old), rays, best)
        return (state, rays), sizes

    none = jax.tree.map(lambda leaf: jnp.full((2, leaf.size), jnp.nan), zero)
    start = method.init(operator, zero), none
    (_, rays), sizes = jax.lax.scan(look, start, None, length=looks)
    return sizes, rays


def _residuals(data: Program, candidate: st.Point) -> jax.Array:
    """How far a direction is from either proof: largest wrong entry over b'y or -c'x."""
    x, y = candidate.primal, candidate.duals["rows"]

    def over(wrong, height):
        return jnp.where(height > 0, jnp.max(wrong) / jnp.where(height > 0, height, 1), jnp.inf)

    infeasible = over(jnp.maximum(-data.a.T @ y, 0), -data.b @ y)
    leaving = jnp.concatenate([jnp.abs(data.a @ x), jnp.maximum(-x, 0)])
    return jnp.stack([infeasible, over(leaving, -data.c @ x)])
