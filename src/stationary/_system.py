"""What a statement lowers to: a system whose zero is the answer."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from ._constraints import ConstraintTerm
from ._functions import Term
from ._method import Metrics, Oracle
from ._operators import AbstractOperator, Duals
from ._point import Point
from .sets import Capability, Product


class Block(NamedTuple):
    """One player of a system: which variable it owns and what it wants of the Lagrangian."""

    name: str
    sense: str
    """`"minimize"`, `"maximize"` or `"solve"`."""


class Residual(eqx.Module):
    """The named parts of a system's residual; all vanish exactly at a stationary point.

    **Arguments:**

    - `stationarity`: a pytree like the primal: the set's residual of the Lagrangian's gradient.
    - `primal`: per constraint, g - P_K(g).
    - `dual`: per constraint, dual - P_polar(dual).
    - `complementarity`: per constraint, the entrywise product of dual and g.
    """

    stationarity: PyTree[Array]
    primal: Duals
    dual: Duals
    complementarity: Duals


class Linearization(NamedTuple):
    """A system at one point: values now, and directions at any multipliers."""

    objective: Float[Array, ""]
    """The one number to report: the objective, the mean of several, NaN where there is none."""
    objectives: dict[str, Float[Array, ""]]
    constraints: Duals
    """True values g(x)."""
    smooth: Duals
    """What the direction differentiates: surrogates where there are any, else g(x)."""
    direction: Callable[[Duals], PyTree[Array]]


class System(eqx.Module):
    """Blocks of variables with one operator, constraints and a set: what methods work on.

    Obtained from a statement by `problem.lower(x0)`. Every method of the library sees a problem
    only through this class.

    **Arguments:**

    - `operator`: the direction that must vanish, up to constraints and the set.
    - `constraints`: the named constraints, in the order they were stated.
    - `space`: the set, one leaf set per array of the primal.
    - `blocks`: the players, in leader-to-follower order.
    """

    operator: AbstractOperator
    constraints: dict[str, ConstraintTerm]
    space: Product
    blocks: tuple[Block, ...] = eqx.field(static=True)

    @property
    def provides(self) -> frozenset[Oracle]:
        """The oracles that this system can answer."""
        offered = {Oracle.GRAD, Oracle.SAMPLE}
        if self.operator.has_potential:
            offered |= {Oracle.VALUE, Oracle.HVP}
        if not self.is_stochastic:
            offered.add(Oracle.FULL)
        translation = {
            Capability.PROJECT: Oracle.PROJECT,
            Capability.RETRACT: Oracle.RETRACT,
            Capability.LMO: Oracle.LMO,
        }
        offered |= {translation[c] for c in self.space.capabilities if c in translation}
        return frozenset(offered)

    @property
    def is_stochastic(self) -> bool:
        """Whether any function of the statement is an `Expectation`."""
        nodes = jax.tree.leaves(self, is_leaf=lambda node: isinstance(node, Term))
        return any(isinstance(node, Term) and node.stream is not None for node in nodes)

    def linearize(
        self, primal: PyTree[Array], data: PyTree = None, index: Int[Array, ""] | int = 0
    ) -> Linearization:
        """Objectives and constraints at `primal`, with one forward pass kept for directions.

        **Arguments:**

        - `primal`: the point.
        - `data`: the statement's data.
        - `index`: which mini-batch, where the statement has streams.
        """
        index = jnp.asarray(index)

        def smooth(x: PyTree) -> Duals:
            return {name: c.smooth(x, data, index) for name, c in self.constraints.items()}

        pull = self.operator.linearize(primal, data, index, smooth)
        true = {
            name: pull.constraints[name] if c.surrogate is None else c.value(primal, data, index)
            for name, c in self.constraints.items()
        }
        return Linearization(
            pull.objective, pull.objectives, true, pull.constraints, pull.direction
        )

    def merit(
        self,
        primal: PyTree[Array],
        duals: Duals,
        penalty: Duals,
        data: PyTree = None,
        index: Int[Array, ""] | int = 0,
    ) -> tuple[Float[Array, ""], PyTree[Array], Linearization]:
        """The augmented Lagrangian, its gradient, and the linearisation behind them.

        f + sum (|P_polar(dual + penalty g)|^2 - |dual|^2) / (2 penalty): Rockafellar's form, for
        any cone. Its gradient is the Lagrangian's at the shifted duals.
        """
        at = self.linearize(primal, data, index)
        return *self.merit_at(at, duals, penalty), at

    def merit_at(
        self, at: Linearization, duals: Duals, penalty: Duals
    ) -> tuple[Float[Array, ""], PyTree[Array]]:
        """The augmented Lagrangian and its gradient at a point that is already linearised."""
        shifted = self.shift(duals, penalty, at.smooth)
        value = self.sign * at.objective
        for name, dual in duals.items():
            gain = jnp.sum(shifted[name] ** 2) - jnp.sum(dual**2)
            value = value + gain / (2 * penalty[name])
        return value, at.direction(shifted)

    @property
    def sign(self) -> float:
        """-1 when the user's objective is maximised, else 1."""
        return getattr(self.operator, "sign", 1.0)

    def shift(self, duals: Duals, penalty: Duals, values: Duals) -> Duals:
        """P_polar(dual + penalty g) per constraint: the multiplier method's next duals."""
        return {
            name: self.constraints[name].cone.polar(dual + penalty[name] * values[name])
            for name, dual in duals.items()
        }

    def zero_duals(self, primal: PyTree[Array]) -> Duals:
        """Zero multipliers of the right names, shapes and dtype."""
        dtype = jnp.result_type(*jax.tree.leaves(primal))
        return {name: jnp.zeros(c.shape, dtype) for name, c in self.constraints.items()}

    def residual(
        self, point: Point, data: PyTree = None, index: Int[Array, ""] | int = 0
    ) -> Residual:
        """The named residual at `point`: zero exactly when it is stationary."""
        at = self.linearize(point.primal, data, index)
        cones = {name: c.cone for name, c in self.constraints.items()}
        g, duals = at.constraints, point.duals
        return Residual(
            self.space.residual(point.primal, at.direction(duals)),
            {name: g[name] - cone.project(g[name]) for name, cone in cones.items()},
            {name: duals[name] - cone.polar(duals[name]) for name, cone in cones.items()},
            {name: duals[name] * g[name] for name in cones},
        )

    def root(self, point: Point, data: PyTree = None) -> Point:
        """The square form of the residual, as a `Point`: primal, dual and complementarity in one.

        Its zero is the answer and its Jacobian is generically nonsingular there, which is what
        implicit derivatives need. Per constraint it is dual - P_polar(dual + g).
        """
        at = self.linearize(point.primal, data)
        unit = {name: jnp.ones((), dual.dtype) for name, dual in point.duals.items()}
        shifted = self.shift(point.duals, unit, at.constraints)
        return Point(
            self.space.residual(point.primal, at.direction(point.duals)),
            {name: dual - shifted[name] for name, dual in point.duals.items()},
        )

    def metrics(self, point: Point, at: Linearization, direction: PyTree[Array]) -> Metrics:
        """Progress at `point` from what a step has already computed.

        **Arguments:**

        - `point`: primal and duals.
        - `at`: the linearisation at `point.primal`.
        - `direction`: `at.direction(point.duals)`.
        """
        natural, violations = {}, {}
        for name, c in self.constraints.items():
            g, dual = at.constraints[name], point.duals[name]
            violations[name] = _largest(g - c.cone.project(g))
            natural[name] = dual - c.cone.polar(dual + g)
        stationarity = largest(self.space.residual(point.primal, direction))
        stationarity /= jnp.maximum(1.0, largest(point.duals).astype(stationarity.dtype))
        feasibility = largest(violations).astype(stationarity.dtype)
        complementarity = largest(natural).astype(stationarity.dtype)
        return Metrics(
            objective=at.objective,
            residual=jnp.maximum(stationarity, jnp.maximum(feasibility, complementarity)),
            stationarity=stationarity,
            feasibility=feasibility,
            violations=violations,
        )


def largest(tree: PyTree[Array]) -> Float[Array, ""]:
    """The largest absolute entry of a pytree; 0 for an empty one."""
    leaves = [_largest(leaf) for leaf in jax.tree.leaves(tree)]
    return jnp.max(jnp.stack(leaves)) if leaves else jnp.array(0.0)


def _largest(x: Float[Array, "..."]) -> Float[Array, ""]:
    return jnp.max(jnp.abs(x)) if x.size else jnp.zeros((), x.dtype)


def all_finite(tree: PyTree[Array]) -> Bool[Array, ""]:
    """Whether every entry of every floating array in `tree` is finite."""
    checks = [jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]
    return jnp.all(jnp.stack(checks)) if checks else jnp.array(True)
