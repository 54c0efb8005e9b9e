"""The statement once more in float64, whatever precision the solve was run in."""

import itertools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

from .._dtypes import as_arrays, is_floating
from .._functions import Term
from .._hoist import Program
from .._statements import AbstractStatement
from .._system import System

CHUNK = 1024
"""Samples evaluated at once."""


class Exact(NamedTuple):
    """A problem at a point, in float64 and without mini-batches.

    Where the statement has an `Expectation`, its mean runs over all the data, or over fresh
    draws; `sampled` says whether any were drawn.
    """

    system: System
    primal: PyTree[Array]
    data: PyTree
    sampled: bool
    notes: list[str]


def exactly(
    problem: AbstractStatement, primal: PyTree, data: PyTree, *, samples: int, seed: int
) -> Exact:
    """Lower `problem` in float64 at `primal`. Call it, and use the result, in `enable_x64`.

    **Arguments:**

    - `problem`, `primal`: the statement and the point.
    - `data`: replaces the statement's data, unless None.
    - `samples`, `seed`: how many fresh draws each stream without an end gives, and which.
    """
    if data is not None:
        problem = eqx.tree_at(lambda p: p.data, problem, data, is_leaf=lambda x: x is None)
    primal = widen(primal)
    problem = widen(problem)
    data = as_arrays(problem.data)
    problem = eqx.tree_at(lambda p: p.data, problem, data, is_leaf=lambda x: x is None)
    system = as_arrays(problem.lower(primal))
    notes = [
        f"{name} is computed in {term.program.out.dtype}, whatever the precision of x"
        for name, term in named_terms(system)
        if getattr(term.program.out, "dtype", np.float64) != np.float64
    ]
    system, sampled = _whole(system, samples, seed)
    return Exact(system, primal, data, sampled, notes)


def widen(tree: PyTree) -> PyTree:
    """`tree` with its floating arrays and numbers in float64, except inside traced programs."""

    def leaf(x: Any) -> Any:
        if isinstance(x, float) or is_floating(x):
            return jnp.asarray(x, jnp.float64)
        return x

    return jax.tree.map(leaf, tree, is_leaf=lambda node: isinstance(node, Program))


def named_terms(system: System) -> list[tuple[str, Term]]:
    """Every function of a system, with a name for messages."""
    found = jax.tree_util.tree_leaves_with_path(system, is_leaf=_is_term)
    return [(_spell(path), node) for path, node in found if _is_term(node)]


def _is_term(node: Any) -> bool:
    return isinstance(node, Term)


def _spell(path: tuple) -> str:
    keys = [str(getattr(key, "key", getattr(key, "name", key))) for key in path]
    if keys[0] == "constraints":
        return f"constraint {keys[1]!r}"
    return f"objective {keys[-1]!r}" if len(keys) > 2 else "the " + keys[-1]


class Mean(eqx.Module):
    """The mean of a program over samples, a chunk at a time; stands in for a `Term`."""

    program: Program
    samples: PyTree[Array]
    counts: Bool[Array, "rows"]
    drawn: bool = eqx.field(static=True)

    def __call__(self, primal, data, index):
        return jnp.tensordot(self.weights, self.each(primal), 1)

    @property
    def weights(self) -> Float[Array, "rows"]:
        """The share of every sample in the mean."""
        return self.counts / jnp.sum(self.counts)

    def each(self, primal: PyTree) -> Array:
        """The value for every sample, stacked."""
        # Rematerialised, so that differentiating the mean keeps no more than a chunk.
        value = jax.checkpoint(lambda sample: self.program(primal, sample))
        return jax.lax.map(value, self.samples, batch_size=min(CHUNK, self.counts.size))


def _whole(system: System, samples: int, seed: int) -> tuple[System, bool]:
    """`system` with every mini-batch mean replaced by the mean over all rows or fresh draws."""
    counter = itertools.count()
    sampled = False

    def replace(node: Any) -> Any:
        nonlocal sampled
        if not _is_term(node) or node.stream is None:
            return node
        # A constant apart from any that a solve folds in, so that the draws are new.
        key = jax.random.fold_in(jax.random.key(seed), 0xCE27 + next(counter))
        sampled = sampled or not node.stream.finite
        rows, counts = node.stream.fresh(key, samples)
        return Mean(node.program, rows, counts, not node.stream.finite)

    return jax.tree.map(replace, system, is_leaf=_is_term), sampled
