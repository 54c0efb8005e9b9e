"""One problem inside another: the lower one's answer is an argument of the upper one."""

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from . import _levels
from ._constraints import ConstraintTerm, bind_constraint
from ._dtypes import cast, working_dtype
from ._functions import Expectation
from ._operators import Duals
from ._responses import KKT, AbstractResponse, Pair, Parts
from ._statements import AbstractStatement, Balance, Function, Minimize, Saddle
from ._system import Block, System
from .sets import as_product


class Nested(AbstractStatement):
    """Minimise F(x, y) over x, where y minimises g(x, .): a bilevel problem.

    **Arguments:**

    - `upper`: F, as a function `F(x, y)` or `F(x, y, data)`; or a `Minimize` of such functions,
        whose `over` is the set of x and whose constraints are functions of x and y; or a `Balance`
        of several; or a `Saddle` of `F(u, v, y)`, where x is the pair (u, v) of its players. The
        last two need a response that gives x a direction of its own: any but `KKT()`.
    - `lower`: g, likewise; its `over` is the set of y, its constraints restrict y.
    - `response`: how the upper problem sees the lower answer: `KKT()` (default), `Implicit()`,
        `Unrolled(steps)`, `ValueFunction(penalty)`, `Averaged()` or `ProximalLagrangian()`.
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

    leader: Minimize | Balance | Saddle
    follower: Minimize
    response: AbstractResponse
    data: PyTree

    def __init__(
        self,
        upper: Function | Minimize | Balance | Saddle,
        lower: Function | Minimize,
        response: AbstractResponse | None = None,
        data: PyTree = None,
    ) -> None:
        self.leader = _levels.as_leader(upper)
        self.follower = _levels.as_follower(lower)
        self.response = KKT() if response is None else response
        self.data = data

    def embed(self, x0: PyTree) -> PyTree:
        if not (isinstance(x0, tuple) and len(x0) >= 2):
            raise TypeError(
                "a Nested problem's unknown is the pair (x, y): pass x0=(x, y), "
                f"got {type(x0).__name__}."
            )
        self.response.check(self)
        if len(x0) == 2:
            return self.response.embed(self, *x0)
        wanted = jax.eval_shape(lambda *pair: self.response.embed(self, *pair), *x0[:2])
        _check_unknown(x0, wanted, type(self.response).__name__)
        return x0

    def lower(self, like: PyTree) -> System:
        like = self.embed(like)
        pair = like[:2]
        dtype = working_dtype(like)
        parts = Parts(
            pair=Pair(
                _levels.terms(self.leader, "the upper objective", pair, self.data),
                *_levels.terms(self.follower, "the lower objective", pair, self.data).values(),
            ),
            signs=(_levels.sign(self.leader), _levels.sign(self.follower)),
            players=isinstance(self.leader, Saddle),
            space=cast(as_product(self.follower.over, pair[1]), dtype),
            constraints=self._bound(self.follower, pair),
        )
        sets = self.response.sets(parts, like)
        unknown = (_levels.over(self.leader), self.follower.over, *sets)
        space = cast(as_product(unknown, like), dtype)
        constraints = self._bound(self.leader, like)
        constraints |= self.response.constraints(parts, like, self.data)
        blocks = (Block("x", "minimize"), Block("y", "minimize"))
        return System(self.response.operator(parts), constraints, space, blocks)

    def _bound(self, level: _levels.Leader, like: tuple) -> dict[str, ConstraintTerm]:
        """The constraints of a level in compiled form, functions of an unknown like `like`."""
        dtype = working_dtype(like)
        return {
            name: bind_constraint(name, constraint, like, self.data, dtype)
            for name, constraint in _levels.constraints(level).items()
        }

    def lower_duals(self, x: PyTree, y: PyTree) -> Duals:
        """Zero multipliers of the lower constraints."""
        terms = self._bound(self.follower, (x, y))
        dtype = working_dtype((x, y))
        return {name: jnp.zeros(c.shape, dtype) for name, c in terms.items()}

    @property
    def is_sampled(self) -> bool:
        """Whether either level has an objective that mini-batches estimate."""
        levels = (self.leader, self.follower)
        stated = [fn for level in levels for fn in _levels.objectives(level).values()]
        return any(isinstance(fn, Expectation) for fn in stated)

    def describe(self) -> list[str]:
        return [
            *_levels.describe(self.leader, "x"),
            "where y is the answer to",
            *[f"  {line}" for line in _levels.describe(self.follower, "y")],
            f"upper sees lower through {self.response}",
        ]


def _check_unknown(x0: tuple, wanted: tuple, response: str) -> None:
    """Refuse a whole unknown that is not what the response makes of x and y.

    **Raises:** `ValueError` naming the entry.
    """
    if len(x0) != len(wanted):
        raise ValueError(
            f"x0 has {len(x0)} entries, but the unknown of response={response} has {len(wanted)}. "
            "Pass x0=(x, y) to begin the others."
        )
    for i, (given, like) in enumerate(zip(x0, wanted, strict=True)):
        same = jax.tree.structure(given) == jax.tree.structure(like)
        if not same or jax.tree.map(jnp.shape, given) != jax.tree.map(jnp.shape, like):
            have, want = (jax.tree.map(jnp.shape, entry) for entry in (given, like))
            raise ValueError(
                f"x0[{i}] has the shape {have}, but with response={response} it has {want}."
            )
