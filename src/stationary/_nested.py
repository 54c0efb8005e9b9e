"""One problem inside another: the lower one's answer is an argument of the upper one."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PyTree

from ._constraints import Constraint, ConstraintTerm, bind_constraint, equal
from ._dtypes import cast, working_dtype
from ._functions import Expectation, Term, takes_data
from ._operators import AbstractOperator, Pull
from ._point import Point
from ._statements import AbstractStatement, Function, Minimize, conditions, scalar_term, spell
from ._system import Block, System
from .sets import Product, as_product

DENSE_LIMIT = 500
"""Up to this many lower unknowns the adjoint equation is solved densely."""


class AbstractResponse(eqx.Module):
    """How the upper problem sees the lower one's answer: a builder of the system."""

    @abc.abstractmethod
    def embed(self, problem: "Nested", x: PyTree, y: PyTree) -> PyTree:
        """The system's unknown, from a start for x and y."""

    @abc.abstractmethod
    def operator(self, parts: "Parts") -> AbstractOperator:
        """The system's operator."""

    def constraints(self, parts: "Parts", like: PyTree, data: PyTree) -> dict[str, ConstraintTerm]:
        """Constraints beyond those of the upper problem."""
        return {}


class KKT(AbstractResponse):
    """Replace the lower problem by its stationarity conditions, as constraints of the upper one.

    The lower problem may have constraints and a set. Its multipliers join the unknown, which is
    then `(x, y, multipliers)`, and `"lower"` is an equality constraint whose own multiplier is
    the adjoint state. The system has a potential, so every method for constrained problems
    applies.
    """

    def embed(self, problem, x, y):
        follower = problem.follower_at(x, y)
        return (x, y, follower.zero_duals(y)) if follower.constraints else (x, y)

    def operator(self, parts):
        return KKTOperator(parts)

    def constraints(self, parts, like, data):
        residual = equal(_LowerResidual(parts.follower))
        return {"lower": bind_constraint("lower", residual, like, data, working_dtype(like))}


class Implicit(AbstractResponse):
    """Differentiate the lower answer by the implicit function theorem (one adjoint solve a step).

    The system's unknown is `(x, y)`: x follows the hypergradient at the present y, y descends the
    lower objective, so one loop moves both. The lower problem may have a set, no constraints.
    """

    def embed(self, problem, x, y):
        _refuse_constraints(problem, "Implicit")
        return x, y

    def operator(self, parts):
        return HypergradientOperator(parts)


class Unrolled(AbstractResponse):
    """Differentiate through a few gradient steps on the lower problem.

    **Arguments:**

    - `steps`: how many.
    - `learning_rate`: their length.
    """

    steps: int = eqx.field(static=True, default=10)
    learning_rate: float = 0.1

    def embed(self, problem, x, y):
        _refuse_constraints(problem, "Unrolled")
        return x, y

    def operator(self, parts):
        return UnrolledOperator(parts, self.steps, self.learning_rate)


class ValueFunction(AbstractResponse):
    """Penalise the lower problem's optimality gap g(x, y) - min g(x, .).

    The unknown is `(x, y, z)`, where z descends g(x, .) on its own: first-order only, no adjoint.
    Stationary points approach those of the nested problem as the penalty grows (Kwon et al.,
    2023, arXiv:2301.10945).

    **Arguments:**

    - `penalty`: the weight of the gap.
    """

    penalty: float = 10.0

    def embed(self, problem, x, y):
        _refuse_constraints(problem, "ValueFunction")
        return x, y, y

    def operator(self, parts):
        return ValueFunctionOperator(parts, self.penalty)


class Nested(AbstractStatement):
    """Minimise F(x, y) over x, where y minimises g(x, .): a bilevel problem.

    **Arguments:**

    - `upper`: F, as a function `F(x, y)` or `F(x, y, data)`; or a `Minimize` of such functions,
        whose `over` is the set of x and whose constraints are functions of x and y.
    - `lower`: g, likewise; its `over` is the set of y, its constraints restrict y.
    - `response`: how the upper problem sees the lower answer: `KKT()` (default), `Implicit()`,
        `Unrolled(steps)` or `ValueFunction(penalty)`.
    - `data`: a pytree of arrays, for both.

    Start a solve with `x0=(x, y)`. The solution's value begins with x and y.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Nested(
        ...     upper=lambda x, y: (x - 1.0) ** 2 + y**2, lower=lambda x, y: (y - x) ** 2
        ... )
        >>> solution = st.solve(problem, (jnp.array(0.0), jnp.array(0.0)))
        >>> [round(float(v), 4) for v in solution.value]
        [0.5, 0.5]
    """

    leader: Minimize
    follower: Minimize
    response: AbstractResponse
    data: PyTree

    def __init__(
        self,
        upper: Function | Minimize,
        lower: Function | Minimize,
        response: AbstractResponse | None = None,
        data: PyTree = None,
    ) -> None:
        self.leader = _as_statement(upper, "upper")
        self.follower = _as_statement(lower, "lower")
        self.response = KKT() if response is None else response
        self.data = data

    def embed(self, x0: PyTree) -> PyTree:
        if not (isinstance(x0, tuple) and len(x0) >= 2):
            raise TypeError(
                "a Nested problem's unknown is the pair (x, y): pass x0=(x, y), "
                f"got {type(x0).__name__}."
            )
        return x0 if len(x0) > 2 else self.response.embed(self, *x0)

    def lower(self, like: PyTree) -> System:
        like = self.embed(like)
        x, y, *_ = like
        dtype = working_dtype(like)
        unknown = (self.leader.over, self.follower.over, *[None] * (len(like) - 2))
        space = cast(as_product(unknown, like), dtype)
        parts = Parts(
            pair=Pair(
                scalar_term(_of_pair(self.leader), "the upper objective", (x, y), self.data),
                scalar_term(_of_pair(self.follower), "the lower objective", (x, y), self.data),
            ),
            signs=(_sign(self.leader), _sign(self.follower)),
            space=cast(as_product(self.follower.over, y), dtype),
            follower=self.follower_at(x, y),
        )
        constraints = {
            name: bind_constraint(name, _constraint_of_pair(c), like, self.data, dtype)
            for name, c in self.leader.subject_to.items()
        }
        constraints |= self.response.constraints(parts, like, self.data)
        blocks = (Block("x", "minimize"), Block("y", "minimize"))
        return System(self.response.operator(parts), constraints, space, blocks)

    def follower_at(self, x: PyTree, y: PyTree) -> System:
        """The lower problem alone: a system in y, whose data are the pair (x, data)."""
        constraints = {
            name: eqx.tree_at(lambda c: c.fn, c, _GivenUpper(_plain(c.fn)))
            for name, c in self.follower.subject_to.items()
        }
        statement = Minimize(
            _GivenUpper(_plain(self.follower.objective)),
            constraints,
            self.follower.over,
            (x, self.data),
            flipped=self.follower.flipped,
        )
        return statement.lower(y)

    def describe(self) -> list[str]:
        return [
            *_level(self.leader, "over x"),
            "where y is the answer to",
            *[f"  {line}" for line in _level(self.follower, "over y")],
            f"upper sees lower through {self.response}",
        ]


class Pair(eqx.Module):
    """The upper and lower objectives in compiled form, each of the pair (x, y)."""

    upper: Term
    lower: Term


class Parts(eqx.Module):
    """What a response builds a system from.

    **Arguments:**

    - `pair`: the two objectives.
    - `signs`: -1 for a level that is maximised.
    - `space`: the set of y.
    - `follower`: the lower problem alone, with data `(x, data)`.
    """

    pair: Pair
    signs: tuple[float, float] = eqx.field(static=True)
    space: Product
    follower: System

    def upper(self, x: PyTree, y: PyTree, data: PyTree, index: Array) -> Array:
        """The upper objective, to be minimised."""
        return self.signs[0] * self.pair.upper((x, y), data, index)

    def lower(self, x: PyTree, y: PyTree, data: PyTree, index: Array) -> Array:
        """The lower objective, to be minimised."""
        return self.signs[1] * self.pair.lower((x, y), data, index)

    def lower_gradient(self, x: PyTree, y: PyTree, data: PyTree, index: Array) -> PyTree[Array]:
        """The gradient of the lower objective in y."""
        return jax.grad(self.lower, argnums=1)(x, y, data, index)


class _PairOperator(AbstractOperator):
    """Shared by the operators of nested problems: upper constraints pull on the whole unknown."""

    parts: Parts

    @property
    def has_potential(self) -> bool:
        return False

    @abc.abstractmethod
    def field(self, primal: PyTree, data: PyTree, index: Array) -> PyTree[Array]:
        """The direction without constraints."""

    def linearize(self, primal, data, index, constraints) -> Pull:
        g, pullback = jax.vjp(constraints, primal)
        field = self.field(primal, data, index)
        objectives = {
            "upper": self.parts.pair.upper(primal[:2], data, index),
            "lower": self.parts.pair.lower(primal[:2], data, index),
        }

        def direction(duals):
            return jax.tree.map(jnp.add, field, pullback(duals)[0])

        return Pull(objectives["upper"], objectives, g, direction)


class KKTOperator(_PairOperator):
    """The gradient of the upper objective in (x, y): zero in any further unknowns."""

    @property
    def sign(self) -> float:
        """-1 when the upper objective is maximised."""
        return self.parts.signs[0]

    @property
    def has_potential(self) -> bool:
        return True

    def field(self, primal, data, index):
        return jax.grad(lambda p: self.parts.upper(p[0], p[1], data, index))(primal)


class HypergradientOperator(_PairOperator):
    """(hypergradient in x, lower gradient in y)."""

    def field(self, primal, data, index):
        import lineax as lx  # imported when it is first needed, as in _adjoint

        x, y = primal
        parts = self.parts
        by_x, by_y = jax.grad(parts.upper, argnums=(0, 1))(x, y, data, index)
        flat_y, unravel = ravel_pytree(y)

        def root(x, flat):
            y = unravel(flat)
            gradient = parts.lower_gradient(x, y, data, index)
            return ravel_pytree(parts.space.residual(y, gradient))[0]

        jacobian = lx.JacobianLinearOperator(lambda v, _: root(x, v), flat_y).T
        if flat_y.size <= DENSE_LIMIT:
            jacobian = lx.MatrixLinearOperator(jacobian.as_matrix())
            solver = lx.LU()
        else:
            tolerance = float(jnp.sqrt(jnp.finfo(flat_y.dtype).eps))
            solver = lx.GMRES(rtol=tolerance, atol=tolerance)
        target = ravel_pytree(by_y)[0]
        adjoint = lx.linear_solve(jacobian, target, solver, throw=False).value
        _, pullback = jax.vjp(lambda x: root(x, flat_y), x)
        hypergradient = jax.tree.map(jnp.subtract, by_x, pullback(adjoint)[0])
        return hypergradient, parts.lower_gradient(x, y, data, index)


class UnrolledOperator(_PairOperator):
    """(gradient in x through gradient steps on y, lower gradient in y)."""

    steps: int = eqx.field(static=True)
    learning_rate: float

    def field(self, primal, data, index):
        x, y = primal
        parts = self.parts

        def after_steps(x):
            def step(y, _):
                gradient = parts.lower_gradient(x, y, data, index)
                moved = jax.tree.map(lambda a, g: a - self.learning_rate * g, y, gradient)
                return parts.space.project(moved), None

            return parts.upper(x, jax.lax.scan(step, y, None, self.steps)[0], data, index)

        return jax.grad(after_steps)(x), parts.lower_gradient(x, y, data, index)


class ValueFunctionOperator(_PairOperator):
    """(gradient of the penalised objective in x and y, lower gradient in z)."""

    penalty: float

    def field(self, primal, data, index):
        x, y, z = primal
        parts = self.parts

        def penalised(x, y):
            gap = parts.lower(x, y, data, index) - parts.lower(x, z, data, index)
            return parts.upper(x, y, data, index) + self.penalty * gap

        by_x, by_y = jax.grad(penalised, argnums=(0, 1))(x, y)
        return by_x, by_y, parts.lower_gradient(x, z, data, index)


class _FirstTwo(eqx.Module):
    """`fn(x, y)` or `fn(x, y, data)` on an unknown that begins with the pair (x, y)."""

    fn: Callable

    def __call__(self, unknown: tuple, data: PyTree) -> Any:
        x, y = unknown[:2]
        return self.fn(x, y, data) if takes_data(self.fn, 2) else self.fn(x, y)


class _GivenUpper(eqx.Module):
    """A function of (x, y) as one of y, with data `(x, data)`."""

    fn: Callable

    def __call__(self, y: PyTree, data: tuple[PyTree, PyTree]) -> Any:
        x, own = data
        return self.fn(x, y, own) if takes_data(self.fn, 2) else self.fn(x, y)


class _LowerResidual(eqx.Module):
    """The lower problem's stationarity residual, as a function of the whole unknown."""

    follower: System

    def __call__(self, unknown: tuple, data: PyTree) -> Array:
        x, y, *multipliers = unknown
        duals = multipliers[0] if multipliers else {}
        return ravel_pytree(self.follower.root(Point(y, duals), (x, data)))[0]


def _plain(fn: Function) -> Callable:
    if isinstance(fn, Expectation):
        raise TypeError(
            "response=KKT() and constraints of the lower problem need plain functions of all the "
            "data; for an Expectation use response=st.Implicit() or st.ValueFunction()."
        )
    return fn


def _of_pair(level: Minimize) -> Function:
    fn = level.objective
    return fn if isinstance(fn, Expectation) else _FirstTwo(fn)


def _constraint_of_pair(constraint: Constraint) -> Constraint:
    return eqx.tree_at(lambda c: c.fn, constraint, _FirstTwo(_plain(constraint.fn)))


def _sign(level: Minimize) -> float:
    return -1.0 if level.flipped else 1.0


def _level(level: Minimize, where: str) -> list[str]:
    verb = "maximise" if level.flipped else "minimise"
    return [
        f"{verb} {where}: {spell(level.objective, ('x', 'y'))}",
        *conditions(level.subject_to, level.over, where[-1]),
    ]


def _as_statement(level: Function | Minimize, name: str) -> Minimize:
    if isinstance(level, Minimize):
        if level.data is not None:
            raise TypeError(f"the {name} problem has data of its own; pass data to Nested instead.")
        return level
    return Minimize(level)


def _refuse_constraints(problem: Nested, response: str) -> None:
    if problem.follower.subject_to:
        raise TypeError(
            f"response={response} needs a lower problem without constraints (a set is fine), but "
            f"it has {sorted(problem.follower.subject_to)}. Use response=KKT()."
        )
