"""The primal-dual hybrid gradient operator of a linear or convex quadratic program."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ..._operators import Duals
from ..._point import Point
from ..._start import prepare, settle
from ..._statements import AbstractStatement
from ..._system import System
from ._products import Evaluated, evaluate, pull, push
from ._require import require_convex_quadratic
from ._steps import check_steps, step_sizes, survey


class PrimalDualOperator(eqx.Module):
    """T of the primal-dual hybrid gradient method: (x, y) to the next (x, y).

    For min f(x) over a box with g(x) = Ax - b in a cone K, and L = f + <y, g>:

        x+ = P(x - tau (grad f(x) + A'y)),  y+ = P_polar(y + sigma (A(2 x+ - x) - b)).

    With f(x) = x'Qx/2 + c'x it is a proximal-point step in the norm of M = [[1/tau - Q, -A'],
    [-A, 1/sigma]]: averaged with 1/2 there whenever M is positive definite, that is when
    tau (Q + sigma A'A) has no eigenvalue as large as 1; tau sigma |A|^2 < 1 for linear programs.
    Fixed points are the stationary points. Where there are none the infimal displacement v
    proves why: -v is a ray in y when constraints contradict each other, and in x when the
    objective has no bound.

    Make one with [`primal_dual_operator`][stationary.methods.primal_dual_operator].

    **Arguments:**

    - `system`: a lowered `Minimize` with affine constraints.
    - `data`: its data.
    - `primal_step`, `dual_step`: tau, like x, and sigma, like y: a step per entry.

    !!! cite "Reference"
        Chambolle and Pock (2011), A first-order primal-dual algorithm for convex problems;
        He and Yuan (2012) for the norm; Condat (2013) for the explicit gradient.
    """

    system: System
    data: PyTree
    primal_step: PyTree[Array]
    dual_step: Duals

    def __call__(self, point: Point) -> Point:
        """T at a point."""
        return self.advance(self.evaluate(point)).point

    def evaluate(self, point: Point) -> Evaluated:
        """A point with the functions' values there."""
        return evaluate(self.system, self.data, point.primal, lambda _: point.duals)

    def advance(self, at: Evaluated) -> Evaluated:
        """T with the functions' values carried along: one forward and one backward pass.

        All parts but the objective are affine in the point, so that affine combinations of what
        this returns are again evaluated points.
        """

        def ahead(values: Duals) -> Duals:
            shifted = jax.tree.map(
                lambda y, step, new, old: y + step * (2 * new - old),
                at.point.duals,
                self.dual_step,
                values,
                at.values,
            )
            return polar(self.system, shifted)

        moved = jax.tree.map(
            lambda x, step, f, p: x - step * (f + p),
            at.point.primal,
            self.primal_step,
            at.gradient,
            at.pull,
        )
        return evaluate(self.system, self.data, self.system.space.project(moved), ahead)

    def metric(self, move: Point) -> Point:
        """M times a difference of points."""
        zero = jax.tree.map(jnp.zeros_like, move.primal)
        curved, pushed = push(self.system, zero, self.data, move.primal)
        pulled = pull(self.system, zero, self.data, move.duals)
        primal = jax.tree.map(
            lambda x, step, q, p: x / step - q - p, move.primal, self.primal_step, curved, pulled
        )
        duals = jax.tree.map(lambda y, step, p: y / step - p, move.duals, self.dual_step, pushed)
        return Point(primal, duals)


def polar(system: System, duals: Duals) -> Duals:
    """The nearest multipliers in the polar cones."""
    return {name: c.cone.polar(duals[name]) for name, c in system.constraints.items()}


def primal_dual_operator(
    problem: AbstractStatement | System,
    x0: PyTree,
    *,
    data: PyTree = None,
    primal_step: float | None = None,
    dual_step: float | None = None,
) -> PrimalDualOperator:
    """The primal-dual hybrid gradient operator of a problem, for `picard` and `halpern`.

    **Arguments:**

    - `problem`: a `Minimize` with a linear or convex quadratic objective, affine constraints, and
        bounds on the variables as its only set.
    - `x0`: a point of the right shapes at which all functions are finite.
    - `data`: replaces the statement's data.
    - `primal_step`, `dual_step`: tau and sigma, the same for all entries; default a step per entry
        that suits the sizes of rows and columns. Of one alone the other follows, such that
        tau (|Q| + sigma |A|^2) = 0.81, with norms from power iteration.

    **Returns:** a [`PrimalDualOperator`][stationary.methods.PrimalDualOperator] on
    [`Point`][stationary.Point]s.

    **Raises:** `ValueError` naming what is not affine, not convex or no box; for steps that are
    not positive or too long, with the value that should have been below 1; and what
    [`solve`][stationary.solve] raises for a malformed problem.

    !!! example
        Two planes that do not meet. The multipliers drift apart along a proof of it:

        >>> import jax.numpy as jnp, stationary as st
        >>> from stationary.methods import halpern, primal_dual_operator
        >>> rows = {"low": st.at_most(jnp.sum, 0.0), "high": st.at_most(lambda x: 1 - jnp.sum(x))}
        >>> operator = primal_dual_operator(st.Minimize(lambda x: x[0], rows), jnp.zeros(2))
        >>> zero = st.Point(jnp.zeros(2), {"low": jnp.array(0.0), "high": jnp.array(0.0)})
        >>> v = halpern(operator, zero, restart=200, reflect=True).displacement
        >>> round(float(v.duals["low"] / v.duals["high"]), 4)
        1.0
    """
    (system, point, data), _ = settle(prepare(problem, x0, data=data))
    require_convex_quadratic(system, point.primal, data, "primal_dual_operator")
    check_steps(system, point.primal, data, primal_step, dual_step, "primal_dual_operator")
    found = survey(system, point.primal, data)
    return PrimalDualOperator(
        system, data, *step_sizes(system, found, data, primal_step, dual_step)
    )
