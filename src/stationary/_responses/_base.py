"""What every response shares: the parts of a nested pair, and operators built from them."""

import abc
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float, Int, PyTree

from .._constraints import ConstraintTerm
from .._dtypes import working_dtype
from .._functions import Term
from .._operators import AbstractOperator, Duals, Pull, gramian, minimum_norm_weights
from ..sets import Product

if TYPE_CHECKING:
    from .._nested import Nested

Schedule = Callable[[Int[Array, ""]], Any]
"""A number for every step: a function of the step's count, from 0."""

Level = Callable[[PyTree, PyTree], Float[Array, ""]]
"""An objective of the pair (x, y)."""


class Pair(eqx.Module):
    """The upper objectives by name and the lower one in compiled form, each of the pair (x, y)."""

    uppers: "Mapping[str, Term | Nothing]"
    lower: "Term | Nothing"

    @property
    def upper(self) -> "Term | Nothing":
        """The upper objective, where there is one."""
        (term,) = self.uppers.values()
        return term


class Nothing(eqx.Module):
    """An objective that is zero: what a level leaves when it is looked past."""

    stream: ClassVar[None] = None

    def __call__(self, primal: PyTree, data: PyTree, index: Array) -> Float[Array, ""]:
        return jnp.zeros((), working_dtype(primal))


class Parts(eqx.Module):
    """What a response builds a system from.

    **Arguments:**

    - `pair`: the two objectives.
    - `signs`: -1 for a level that is maximised.
    - `players`: whether x is a pair, of which the second ascends.
    - `space`: the set of y.
    - `constraints`: those of the lower problem, functions of the pair (x, y).
    """

    pair: Pair
    signs: tuple[float, float] = eqx.field(static=True)
    players: bool = eqx.field(static=True)
    space: Product
    constraints: dict[str, ConstraintTerm]

    def upper(
        self,
        x: PyTree,
        y: PyTree,
        data: PyTree,
        index: Array,
        weights: Float[Array, "m"] | None = None,
    ) -> Float[Array, ""]:
        """The upper objective, to be minimised; of several their weighted sum, or their mean."""
        values = [term((x, y), data, index) for term in self.pair.uppers.values()]
        if len(values) == 1:
            return self.signs[0] * values[0]
        stacked = jnp.stack(values)
        return jnp.mean(stacked) if weights is None else weights @ stacked

    def lower(self, x: PyTree, y: PyTree, data: PyTree, index: Array) -> Float[Array, ""]:
        """The lower objective, to be minimised."""
        return self.signs[1] * self.pair.lower((x, y), data, index)

    def lower_gradient(self, x: PyTree, y: PyTree, data: PyTree, index: Array) -> PyTree[Array]:
        """The gradient of the lower objective in y."""
        return jax.grad(self.lower, argnums=1)(x, y, data, index)

    def lower_constraints(self, x: PyTree, y: PyTree, data: PyTree, index: Array) -> Duals:
        """The values of the lower constraints."""
        return {name: c.value((x, y), data, index) for name, c in self.constraints.items()}

    def lower_lagrangian(
        self, x: PyTree, y: PyTree, duals: Duals, data: PyTree, index: Array
    ) -> Float[Array, ""]:
        """The lower objective and its constraints, weighed by multipliers."""
        value = self.lower(x, y, data, index)
        return value + weigh(duals, self.lower_constraints(x, y, data, index))

    def lower_root(
        self, x: PyTree, y: PyTree, duals: Duals, data: PyTree, index: Array
    ) -> tuple[PyTree[Array], Duals]:
        """The lower optimality conditions as equations: zero at an answer with its multipliers."""
        gradient = jax.grad(self.lower_lagrangian, argnums=1)(x, y, duals, data, index)
        values = self.lower_constraints(x, y, data, index)
        shifted = {
            name: dual - self.constraints[name].cone.polar(dual + values[name])
            for name, dual in duals.items()
        }
        return self.space.residual(y, gradient), shifted


class AbstractPairOperator(AbstractOperator):
    """A direction for x and, from the same unknown, one for everything that follows x.

    The upper problem enters as its Lagrangian, so that constraints of the upper problem act
    through whatever way the response gives to its objective.
    """

    parts: eqx.AbstractVar[Parts]

    saddle: ClassVar[tuple[int, ...]] = ()
    """Places that are together a saddle of their own."""

    @property
    def natural(self) -> frozenset[int]:
        """Places in the unknown whose direction is a whole step: 1 is their learning rate."""
        return frozenset()

    @property
    def chooses(self) -> bool:
        """Whether the upper objective chooses among lower answers."""
        return False

    @property
    def has_potential(self) -> bool:
        return False

    @property
    def additive(self) -> bool:
        """Whether directions are a sum of what the two objectives contribute, linear in each.

        The directions on one batch after another then have the directions on all rows as their
        mean.
        """
        return False

    @property
    def coefficients(self) -> dict[str, Any]:
        """Numbers or schedules, by field name."""
        return {}

    @property
    def scheduled(self) -> bool:
        return any(callable(value) for value in self.coefficients.values())

    @property
    def modulus(self) -> Any:
        """How strongly monotone the field of `saddle` is."""
        return 1.0

    def inner(self, entries: int) -> tuple[int, ...]:
        """The places that move below, where there are steps above and below."""
        return tuple(range(1, entries))

    @property
    def share(self) -> Any:
        """What the upper Lagrangian's gradient is multiplied by in the direction of x."""
        return 1.0

    def at(self, count: Int[Array, ""] | int, dtype: Any) -> "AbstractPairOperator":
        """This operator with its coefficients at step `count`, as numbers of a dtype."""
        found = self.coefficients
        values = [coefficient_at(value, count) for value in found.values()]
        return eqx.tree_at(
            lambda op: [getattr(op, name) for name in found],
            self,
            [jnp.asarray(value, dtype) for value in values],
            is_leaf=callable,
        )

    def cautions(self, primal: tuple) -> list[str]:
        """What speaks against these coefficients, given as numbers, for an unknown like this."""
        return []

    def without(self, *levels: str) -> "AbstractPairOperator":
        """This operator with the objectives of some levels, `"upper"` or `"lower"`, put to zero."""
        pair, none = self.parts.pair, Nothing()
        uppers = {name: none if "upper" in levels else t for name, t in pair.uppers.items()}
        left = Pair(uppers, none if "lower" in levels else pair.lower)
        return eqx.tree_at(lambda op: op.parts.pair, self, left)

    def remarks(self, primal: tuple, data: PyTree) -> list[str]:
        """What there is to say about an answer."""
        return []

    @abc.abstractmethod
    def lead(self, primal: tuple, data: PyTree, index: Array, upper: Level) -> PyTree[Array]:
        """The direction of x.

        **Arguments:**

        - `primal`: the whole unknown, which begins with x and y.
        - `index`: which mini-batch.
        - `upper`: the upper Lagrangian, a function of x and y.
        """

    @abc.abstractmethod
    def follow(self, primal: tuple, data: PyTree, index: Array, upper: Level) -> tuple:
        """The directions of everything but x."""

    def value(self, primal: tuple, data: PyTree, index: Array, upper: Level) -> Float[Array, ""]:
        """What the direction of x is the gradient of, once everything else is at its zero."""
        return upper(*primal[:2])

    def field(self, primal: tuple, data: PyTree, index: Array, upper: Level) -> tuple:
        """All directions at once."""
        lead = self.lead(primal, data, index, upper)
        return (lead, *self.follow(primal, data, index, upper))

    def lagrangian(
        self,
        duals: Duals,
        rest: tuple,
        constraints: Callable[[PyTree], Duals],
        data: PyTree,
        index: Array,
        weights: Float[Array, "m"] | None = None,
    ) -> Level:
        """The upper Lagrangian at fixed multipliers and weights, as a function of x and y."""

        def upper(x: PyTree, y: PyTree) -> Float[Array, ""]:
            value = self.parts.upper(x, y, data, index, weights)
            return value + weigh(duals, constraints((x, y, *rest))) if duals else value

        return upper

    def directions(
        self,
        primal: tuple,
        duals: Duals,
        constraints: Callable[[PyTree], Duals],
        data: PyTree,
        index: Array,
    ) -> tuple:
        """The directions of everything at fixed multipliers.

        Of several upper objectives x takes the shortest convex combination of hypergradients, and
        everything that feels the upper problem feels them in the same proportion.
        """
        count = len(self.parts.pair.uppers)

        def upper(weights: Array | None) -> Level:
            return self.lagrangian(duals, primal[2:], constraints, data, index, weights)

        weights = None
        if count > 1:

            def row(share: Array) -> PyTree[Array]:
                return self.lead(primal, data, index, upper(share))

            rows = jax.vmap(row)(jnp.eye(count, dtype=working_dtype(primal)))
            weights = minimum_norm_weights(gramian(rows))
        found = self.field(primal, data, index, upper(weights))
        if self.parts.players:
            descend, ascend = found[0]
            found = ((descend, jax.tree.map(jnp.negative, ascend)), *found[1:])
        return found

    def linearize(self, primal, data, index, constraints) -> Pull:
        operator = self.at(index, working_dtype(primal))
        pair = self.parts.pair
        uppers = {name: term(primal[:2], data, index) for name, term in pair.uppers.items()}
        objectives = {**uppers, "lower": pair.lower(primal[:2], data, index)}
        reported = jnp.mean(jnp.stack(list(uppers.values())))

        def direction(duals):
            return operator.directions(primal, duals, constraints, data, index)

        return Pull(reported, objectives, constraints(primal), direction)


class AbstractResponse(eqx.Module):
    """How the upper problem sees the lower one's answer: a builder of the system."""

    @abc.abstractmethod
    def embed(self, problem: "Nested", x: PyTree, y: PyTree) -> tuple:
        """The system's unknown, from a start for x and y."""

    @abc.abstractmethod
    def operator(self, parts: Parts) -> AbstractOperator:
        """The system's operator."""

    def sets(self, parts: Parts, like: tuple) -> tuple:
        """The sets of what the unknown holds beyond x and y."""
        return (None,) * (len(like) - 2)

    def constraints(self, parts: Parts, like: PyTree, data: PyTree) -> dict[str, ConstraintTerm]:
        """Constraints beyond those of the upper problem."""
        return {}

    def check(self, problem: "Nested") -> None:
        """Refuse a problem that this response cannot express.

        **Raises:** `TypeError` saying why, and what to use instead.
        """


def coefficient_at(value: Any, count: Int[Array, ""] | int) -> Any:
    """A number, or what a schedule says at a step."""
    return value(count) if callable(value) else value


def weigh(duals: Duals, values: Duals) -> Float[Array, ""]:
    """The sum of products of multipliers and constraints."""
    return sum((jnp.vdot(dual, values[name]) for name, dual in duals.items()), jnp.zeros(()))


def check_schedule(
    value: Any,
    where: str,
    valid: Callable[[Any], bool],
    words: str,
    counts: tuple[int, ...] = (0, 1, 10, 1000, 10**6),
) -> None:
    """Refuse a number, or a schedule at some step, that is not valid.

    **Arguments:**

    - `counts`: the steps at which a schedule is asked.

    **Raises:** `ValueError` naming the place, and for a schedule the step.
    """
    if isinstance(value, Tracer):
        return
    if not callable(value):
        if jnp.ndim(value) == 0 and not valid(float(value)):
            raise ValueError(f"{where} must be {words}, got {value}.")
        return
    with jax.ensure_compile_time_eval():
        for count in counts:
            found: Any = value(jnp.asarray(count, jnp.int32))
            if not isinstance(found, Tracer) and not valid(float(found)):
                raise ValueError(
                    f"{where} must be {words} at every step, but the schedule gives "
                    f"{float(found):g} at step {count}."
                )


def refuse_constraints(problem: "Nested", response: str, instead: str) -> None:
    """Refuse a lower problem with constraints.

    **Raises:** `TypeError`.
    """
    if problem.follower.subject_to:
        raise TypeError(
            f"response={response} needs a lower problem without constraints (a set is fine), but "
            f"it has {sorted(problem.follower.subject_to)}. Use {instead}."
        )
