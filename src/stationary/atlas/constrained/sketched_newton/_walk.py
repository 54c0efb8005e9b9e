"""Runs of Newton's method, step by step: residuals, step lengths and the work of inner solvers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import stationary as st

from ._form import Problem

HISTORY = 200
"""The most steps that are followed."""


class Walk(NamedTuple):
    """A run.

    **Arguments:**

    - `norms`: |(grad_x L, c)| at the start, with multipliers, and after each step.
    - `lengths`: the share of the full step that led from each of them to the next.
    - `work`: inner iterations spent until each of them.
    - `x`, `y`: where it ended.
    - `objective`: f there.
    """

    norms: np.ndarray
    lengths: np.ndarray
    work: np.ndarray
    x: np.ndarray
    y: np.ndarray
    objective: float

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return self.norms.size - 1

    def reached(self, tol: float) -> bool:
        """Whether the last residual is at most `tol`."""
        return bool(self.norms[-1] <= tol)


class Walker:
    """Runs problems of one size, which share a compiled program per kind of method.

    **Arguments:**

    - `problems`: of one number of unknowns and of constraints.
    """

    def __init__(self, problems: Sequence[Problem]):
        self.problems = tuple(problems)
        fs, cs = [p.f for p in problems], [p.c for p in problems]

        def choice(functions: list[Callable]) -> Callable:
            return lambda x, which: jax.lax.switch(which, functions, x)

        statement = st.Minimize(
            choice(fs), {"rows": st.equal(choice(cs))}, data=jnp.zeros((), jnp.int32)
        )
        x0 = jnp.asarray(problems[0].x0)
        self.statement, self.system = statement, statement.lower(x0)
        self._run = eqx.filter_jit(self._steps)

    def __call__(self, name: str, method, tol: float, key, x0=None) -> Walk:
        """Run a problem by its name, until |(grad_x L, c)| <= tol or nothing moves any more."""
        which = [p.name for p in self.problems].index(name)
        start = jnp.asarray(self.problems[which].x0 if x0 is None else x0)
        state, count, norms, lengths, work = self._run(
            method, start, jnp.asarray(which, jnp.int32), key, jnp.asarray(tol)
        )
        point = method.point(state)
        # The first look is at the start without multipliers, which the second one has.
        norms, lengths, work = (np.asarray(a)[1 : int(count)] for a in (norms, lengths, work))
        objective = float(self.problems[which].f(point.primal))
        x, y = np.asarray(point.primal), np.asarray(point.duals["rows"])
        return Walk(norms, lengths[:-1], np.concatenate([[0], work[:-1]]), x, y, objective)

    def _steps(self, method, x0, which, key, tol):
        system = self.system
        state = method.init(system, st.Point(x0, system.zero_duals(x0)), which, key=key)
        none, zero = jnp.zeros(HISTORY), jnp.zeros((), jnp.int32)

        def going(carry):
            _, count, norms, _, _, moving = carry
            fine = norms[count - 1] > tol  # not for NaN
            return (count < 2) | (fine & moving & (count < HISTORY))

        def step(carry):
            state, count, norms, lengths, work, _ = carry
            state, metrics = method.step(system, state, which)
            root = system.root(method.point(state), which)
            norm = jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(root)))
            moving = method.status(state, metrics, tol) == st.Status.RUNNING
            return (
                state,
                count + 1,
                norms.at[count].set(norm),
                lengths.at[count].set(state.length),
                work.at[count].set(state.work),
                moving,
            )

        moving = jnp.array(True)
        start = state, zero, none, none, jnp.zeros(HISTORY, jnp.int32), moving
        return jax.lax.while_loop(going, step, start)[:-1]


def walkers(problems: Sequence[Problem]) -> dict[str, Walker]:
    """A walker for each problem, by name; those of one size share it."""
    sizes: dict[tuple[int, int], list[Problem]] = {}
    for p in problems:
        rows = jax.eval_shape(p.c, p.x0).shape[0]
        sizes.setdefault((p.x0.size, rows), []).append(p)
    return {p.name: w for group in sizes.values() for w in [Walker(group)] for p in group}
