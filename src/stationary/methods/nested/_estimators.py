"""Directions from mini-batches, and estimators of them whose variance fades at a fixed point."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PyTree

from ..._dtypes import working_dtype
from ..._operators import Duals
from ..._responses import AbstractPairOperator
from ..._streams import AbstractStream
from ..._system import System


class Directions(eqx.Module):
    """The directions of a nested system at fixed multipliers.

    **Arguments:**

    - `system`: the system.
    - `operator`: its operator, with coefficients of one step.
    - `duals`: the multipliers that are felt.
    - `data`: the statement's data.
    """

    system: System
    operator: AbstractPairOperator
    duals: Duals
    data: PyTree

    def __call__(self, primal: tuple, index: Int[Array, ""]) -> tuple:
        """On the mini-batch at an index."""
        return self._of(self.operator, self.duals, primal, index)

    def of_none(self, primal: tuple, index: Int[Array, ""]) -> tuple:
        """What no objective contributes to."""
        return self._of(self.operator.without("upper", "lower"), self.duals, primal, index)

    def of(self, level: str, primal: tuple, index: Int[Array, ""]) -> tuple:
        """What one level's objective contributes, on the mini-batch at an index."""
        other = {"upper": "lower", "lower": "upper"}[level]
        found = self._of(self.operator.without(other), self.duals, primal, index)
        return jax.tree.map(jnp.subtract, found, self.of_none(primal, index))

    def _of(
        self, operator: AbstractPairOperator, duals: Duals, primal: tuple, index: Int[Array, ""]
    ) -> tuple:
        def constraints(primal: tuple) -> Duals:
            named = self.system.constraints.items()
            return {name: c.smooth(primal, self.data, index) for name, c in named}

        found = operator.directions(primal, duals, constraints, self.data, index)
        return jax.tree.map(lambda d, p: d.astype(p.dtype), found, primal)


class AbstractEstimator(eqx.Module):
    """How the directions on all rows are estimated from one mini-batch after another.

    Each level's contribution is estimated on its own, so that the levels may have streams of
    different lengths; a level without a stream contributes exactly.
    """

    @abc.abstractmethod
    def begin(self, stream: AbstractStream, primal: tuple) -> PyTree[Array]:
        """What is remembered of a level before the first step."""

    @abc.abstractmethod
    def refine(
        self,
        stream: AbstractStream,
        part: Callable[[tuple, Int[Array, ""]], tuple],
        memory: PyTree[Array],
        primal: tuple,
        index: Int[Array, ""],
    ) -> tuple[tuple, PyTree[Array]]:
        """A level's contribution, estimated, and what is remembered now.

        **Arguments:**

        - `part`: the contribution on the mini-batch at an index.
        """

    def init(self, system: System, primal: tuple) -> dict[str, PyTree[Array]]:
        """A memory for each level that has a stream."""
        self.check(system)
        streams = _streams(system.operator)
        return {
            name: self.begin(stream, primal)
            for name, stream in streams.items()
            if stream is not None
        }

    def __call__(
        self,
        directions: Directions,
        memories: dict[str, PyTree[Array]],
        primal: tuple,
        index: Int[Array, ""],
    ) -> tuple[tuple, dict[str, PyTree[Array]]]:
        """The directions, estimated, and what is remembered now."""
        total = directions.of_none(primal, index)
        kept = {}
        for name, stream in _streams(directions.operator).items():

            def part(primal: tuple, index: Array, name: str = name) -> tuple:
                return directions.of(name, primal, index)

            if stream is None:
                found = part(primal, index)
            else:
                found, kept[name] = self.refine(stream, part, memories[name], primal, index)
            total = jax.tree.map(jnp.add, total, found)
        return total, kept

    def check(self, system: Any) -> None:
        """Refuse a system whose directions cannot be estimated so.

        **Raises:** `TypeError` saying why, and what to use instead.
        """
        name, operator = type(self).__name__, system.operator
        if not operator.additive or len(operator.parts.pair.uppers) > 1:
            raise TypeError(
                f"estimator={name}() needs directions that are means over samples, but with this "
                "response, or with several upper objectives, they are not linear in the "
                "objectives. Use response=st.Averaged(0.0, exact=False), st.ValueFunction() with "
                "shared samples, or st.ProximalLagrangian()."
            )
        streams = {k: s for k, s in _streams(operator).items() if s is not None}
        for level, stream in streams.items():
            if stream.shares is None:
                remedy = (
                    "st.Batches(..., shuffle='batches') keeps the rows of each together"
                    if stream.finite
                    else "draws never come again, so it needs st.Batches(..., shuffle='batches')"
                )
                raise TypeError(
                    f"estimator={name}() remembers batches by number, but those of the {level} "
                    f"objective are new ones in every epoch: {remedy}."
                )


class SAGA(AbstractEstimator):
    """Remember what every batch contributed last, and correct by it.

    The estimate is mean(table) + weight (new - table[i]): unbiased, with a variance that goes to
    zero as the unknown comes to rest, so that constant learning rates converge. Costs no further
    evaluation, and the memory of one unknown per batch and level; the table begins with zeros.

    !!! example
        >>> import jax.numpy as jnp, numpy as np, stationary as st
        >>> rows = np.random.default_rng(0).normal(1.0, 1.0, size=(64, 2))
        >>> stream = st.Batches(rows, 8, shuffle="batches")
        >>> problem = st.Nested(
        ...     lambda x, y: jnp.sum((x - 1.0) ** 2 + y**2),
        ...     st.Expectation(lambda pair, row: jnp.sum((pair[1] - pair[0] - row) ** 2), stream),
        ...     st.Averaged(0.0, exact=False),
        ... )
        >>> method = st.methods.BilevelDescent(0.05, (0.1, 0.1), estimator=st.methods.SAGA())
        >>> point = st.run(problem, (jnp.zeros(2), jnp.zeros(2)), method, max_steps=2000).point
        >>> error = point.primal[0] - (1 - rows.mean(axis=0)) / 2
        >>> bool(jnp.max(jnp.abs(error)) < 1e-6)
        True

    !!! cite "Reference"
        Defazio, Bach and Lacoste-Julien (2014), arXiv:1407.0202; for bilevel problems Dagreou,
        Ablin, Vaiter and Moreau (2022), arXiv:2201.13409 (SABA).
    """

    def begin(self, stream, primal):
        shares = _shares(stream)
        row = jnp.zeros_like(ravel_pytree(primal)[0])
        table = jnp.zeros((len(shares), row.size), row.dtype)
        return Table(table, row, row, jnp.zeros((), jnp.int32))

    def refine(self, stream, part, memory, primal, index):
        number = stream.number(index).astype(jnp.int32)
        share, weight = _weights(stream, index, primal)
        # The last row is written before another is read, so that a compiled loop keeps one table
        # in place; to read first would copy it at every step.
        table = memory.table.at[memory.number].set(memory.row)
        new, unravel = ravel_pytree(part(primal, index))
        change = new - table[number]
        found = memory.mean + weight * change
        return unravel(found), Table(table, memory.mean + share * change, new, number)


class Table(eqx.Module):
    """What batches contributed, and their mean over rows.

    **Arguments:**

    - `table`: a row per batch, all but the last seen up to date.
    - `mean`: of all rows, with the last seen.
    - `row`, `number`: the last seen.
    """

    table: Float[Array, "batches size"]
    mean: Float[Array, "size"]
    row: Float[Array, "size"]
    number: Int[Array, ""]


class SVRG(AbstractEstimator):
    """Correct a batch's directions by those at an anchor, where those on all rows are known.

    The estimate is mean(anchor) + weight (new - new at the anchor): unbiased, with a variance that
    goes to zero with the distance to the anchor. It doubles the evaluations of a step, and every
    `period` steps it goes through all batches at a new anchor; the memory is that of two unknowns
    per level whatever the number of batches. Under `vmap` every step goes through all batches.

    **Arguments:**

    - `period`: evaluations of directions between anchors: about the number of batches.

    **Raises:** `ValueError` for a period below 1.

    !!! cite "Reference"
        Johnson and Zhang (2013), Accelerating stochastic gradient descent using predictive
        variance reduction.
    """

    period: int = eqx.field(static=True)

    def __check_init__(self):
        _check_period(self)

    def begin(self, stream, primal):
        return _nothing_yet(primal)

    def refine(self, stream, part, memory, primal, index):
        anchor, mean, count = memory

        def anew(_):
            return primal, _over_all(stream, part, primal)

        due = count % self.period == 0
        anchor, mean = jax.lax.cond(due, anew, lambda kept: kept, (anchor, mean))
        change = jax.tree.map(jnp.subtract, part(primal, index), part(anchor, index))
        found = _moved(mean, change, _weights(stream, index, primal)[1])
        return found, (anchor, mean, count + 1)


class SARAH(AbstractEstimator):
    """Add to the last estimate how a batch's directions changed since, and begin anew at times.

    The estimate is last + weight (new - new at the last point): its errors add up between passes
    through all batches, every `period` steps, but are small while steps are. It allows longer steps
    than an anchor that stays. Costs and memory are those of [`SVRG`][stationary.methods.SVRG].

    **Arguments:**

    - `period`: evaluations of directions between passes: about the number of batches.

    **Raises:** `ValueError` for a period below 1.

    !!! cite "Reference"
        Nguyen, Liu, Scheinberg and Takac (2017), arXiv:1703.00102; for bilevel problems Dagreou,
        Moreau, Vaiter and Ablin (2023), arXiv:2302.08766 (SRBA).
    """

    period: int = eqx.field(static=True)

    def __check_init__(self):
        _check_period(self)

    def begin(self, stream, primal):
        return _nothing_yet(primal)

    def refine(self, stream, part, memory, primal, index):
        last, estimate, count = memory

        def anew(_):
            return _over_all(stream, part, primal)

        def onward(estimate):
            change = jax.tree.map(jnp.subtract, part(primal, index), part(last, index))
            return _moved(estimate, change, _weights(stream, index, primal)[1])

        found = jax.lax.cond(count % self.period == 0, anew, onward, estimate)
        return found, (primal, found, count + 1)


def _check_period(estimator: "SVRG | SARAH") -> None:
    if estimator.period < 1:
        raise ValueError(
            f"{type(estimator).__name__}(period=...) must be at least 1, got {estimator.period}."
        )


def _nothing_yet(primal: tuple) -> tuple[tuple, tuple, Int[Array, ""]]:
    """A point, an estimate that the first step replaces, and how many steps there were."""
    return primal, jax.tree.map(jnp.zeros_like, primal), jnp.zeros((), jnp.int32)


def _over_all(stream: AbstractStream, part: Callable, primal: tuple) -> tuple:
    """A level's contribution on all rows, a batch at a time."""

    def add(i: Int[Array, ""], mean: tuple) -> tuple:
        return _moved(mean, part(primal, i), _weights(stream, i, primal)[0])

    zero = jax.tree.map(jnp.zeros_like, primal)
    return jax.lax.fori_loop(0, len(_shares(stream)), add, zero)


def _shares(stream: AbstractStream) -> Float[np.ndarray, "batches"]:
    shares = stream.shares
    assert shares is not None, "checked at the start"
    return shares


def _weights(stream: AbstractStream, index: Int[Array, ""], primal: tuple) -> tuple[Any, Any]:
    """The part of all rows in the batch at an index, and that over its part of all batches."""
    shares = _shares(stream)
    if np.all(shares == shares[0]):
        return float(shares[0]), 1.0
    share = jnp.asarray(shares, working_dtype(primal))[stream.number(index)]
    return share, len(shares) * share


def _moved(mean: tuple, change: tuple, weight: Any) -> tuple:
    return jax.tree.map(lambda m, c: (m + weight * c).astype(m.dtype), mean, change)


def _streams(operator: Any) -> dict[str, AbstractStream | None]:
    """The samples of each level."""
    pair = operator.parts.pair
    return {"upper": pair.upper.stream, "lower": pair.lower.stream}
