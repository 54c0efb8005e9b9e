"""The primal-dual hybrid gradient operator of a linear or convex quadratic program."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..._operators import Duals
from ..._point import Point
from ..._start import prepare, settle
from ..._statements import AbstractStatement
from ..._system import System
from ._products import Evaluated, evaluate, largest_eigenvalue, pull, push
from ._require import require_convex_quadratic

Step = Float[Array, "..."] | float | None

_SAFE = 0.81
"""What default steps make of the bound 1 on their product."""


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
    - `primal_step`, `dual_step`: tau and sigma.

    !!! cite "Reference"
        Chambolle and Pock (2011), A first-order primal-dual algorithm for convex problems;
        He and Yuan (2012) for the norm; Condat (2013) for the explicit gradient.
    """

    system: System
    data: PyTree
    primal_step: Float[Array, ""]
    dual_step: Float[Array, ""]

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
                lambda y, new, old: y + self.dual_step * (2 * new - old),
                at.point.duals,
                values,
                at.values,
            )
            return polar(self.system, shifted)

        moved = jax.tree.map(
            lambda x, f, p: x - self.primal_step * (f + p), at.point.primal, at.gradient, at.pull
        )
        return evaluate(self.system, self.data, self.system.space.project(moved), ahead)

    def metric(self, move: Point) -> Point:
        """M times a difference of points."""
        zero = jax.tree.map(jnp.zeros_like, move.primal)
        curved, pushed = push(self.system, zero, self.data, move.primal)
        pulled = pull(self.system, zero, self.data, move.duals)
        primal = jax.tree.map(
            lambda x, q, p: x / self.primal_step - q - p, move.primal, curved, pulled
        )
        duals = jax.tree.map(lambda y, p: y / self.dual_step - p, move.duals, pushed)
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
    - `primal_step`, `dual_step`: tau and sigma; default the same for linear programs, such that
        tau sigma |A|^2 = 0.81, with |A| from power iteration.

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
    tau, sigma = step_sizes(system, point.primal, data, primal_step, dual_step)
    return PrimalDualOperator(system, data, tau, sigma)


@eqx.filter_jit
def step_sizes(
    system: System, primal: PyTree[Array], data: PyTree, tau: Step, sigma: Step
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The given steps; for those not given, ones that make M positive definite. Traceable."""
    dtype = jnp.result_type(*jax.tree.leaves(primal))
    reach = jnp.sqrt(largest_eigenvalue(_normal(system, primal, data, 0.0, 1.0), primal))
    bend = largest_eigenvalue(_normal(system, primal, data, 1.0, 0.0), primal)
    slope = jnp.where(reach > 0, reach, 1.0)
    if sigma is None:
        # Half of what a given tau leaves, else so that both steps agree on linear programs.
        alone = jnp.sqrt(_SAFE) / slope
        left = 1 / jnp.asarray(1.0 if tau is None else tau, dtype) - bend
        sigma = alone if tau is None else _SAFE * left / slope**2
    sigma = jnp.asarray(sigma, dtype)
    if tau is None:
        load = bend + sigma * reach**2
        tau = jnp.where(load > 0, _SAFE / jnp.where(load > 0, load, 1.0), 1.0)
    return jnp.asarray(tau, dtype), sigma.astype(dtype)


def check_steps(
    system: System, primal: PyTree[Array], data: PyTree, tau: Any, sigma: Any, owner: str
) -> None:
    """Refuse steps that are not positive, or for which the operator need not be nonexpansive.

    **Raises:** `ValueError` with the value that should have been below 1.
    """
    for name, step in (("primal_step", tau), ("dual_step", sigma)):
        if step is not None and not float(step) > 0:
            raise ValueError(f"{owner}: {name} must be positive, got {step}.")
    if tau is None and sigma is None:
        return
    load = float(_load(system, primal, data, tau, sigma))
    if load < 1:
        return
    bend = float(_load(system, primal, data, tau, 0.0)) if tau is not None else 0.0
    if bend > 0:
        raise ValueError(
            f"{owner}: the steps are too long: the largest eigenvalue of primal_step (Q + "
            f"dual_step A'A), by power iteration, is {load:.4g} and must be below 1. Q alone makes "
            f"it {bend:.4g}. Shorten primal_step, or leave both out."
        )
    raise ValueError(
        f"{owner}: the steps are too long: primal_step * dual_step * |A|^2, by power iteration, is "
        f"{load:.4g} and must be below 1. Shorten one of them, or leave both out."
    )


@eqx.filter_jit
def _load(system: System, primal: PyTree, data: PyTree, tau: Any, sigma: Any) -> Float[Array, ""]:
    """The largest eigenvalue of tau (Q + sigma A'A); steps not given are those of `step_sizes`."""
    tau, sigma = step_sizes(system, primal, data, tau, sigma)
    return tau * largest_eigenvalue(_normal(system, primal, data, 1.0, sigma), primal)


def _normal(system: System, primal: PyTree, data: PyTree, bend: Any, weight: Any):
    """x -> (bend Q + weight A'A) x."""

    def product(move: PyTree[Array]) -> PyTree[Array]:
        curved, pushed = push(system, primal, data, move)
        pulled = pull(system, primal, data, pushed)
        return jax.tree.map(lambda q, p: bend * q + weight * p, curved, pulled)

    return product
