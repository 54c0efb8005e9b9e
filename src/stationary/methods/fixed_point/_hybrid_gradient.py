"""The primal-dual hybrid gradient method, anchored, with proofs where there is no answer."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ..._dtypes import default_tolerance
from ..._method import AbstractMethod, Oracle
from ..._operators import Duals
from ..._point import Point
from ..._status import Status
from ..._system import Linearization, System, largest
from ._candidates import Setting, Weighed, outside, setting, weigh
from ._halpern import Halpern
from ._iteration import AbstractFixedPointMethod, FixedPointState
from ._primal_dual import PrimalDualOperator, polar
from ._products import Evaluated
from ._require import require_convex_quadratic
from ._steps import check_steps, step_sizes


class PrimalDualState(eqx.Module):
    """A primal-dual iteration under way.

    **Arguments:**

    - `iteration`: the fixed-point iteration, on points with the functions' values there.
    - `report`: the last image of the operator, inside the box and the polar cones; once a proof
        is found, what carries it.
    - `found`: a [`Status`][stationary.Status]: infeasible, unbounded, or running.
    - `infeasible`, `unbounded`: how far the best candidates are from proofs.
    - `primal_step`, `dual_step`: tau and sigma, per entry.
    - `setting`: what all candidates share.
    """

    iteration: FixedPointState
    report: Evaluated
    found: Int[Array, ""]
    infeasible: Float[Array, ""]
    unbounded: Float[Array, ""]
    primal_step: PyTree[Array]
    dual_step: Duals
    setting: Setting


class PrimalDualHybridGradient(AbstractMethod):
    """Linear and convex quadratic programs by products only, and proofs where they have no answer.

    A fixed-point iteration of the
    [`PrimalDualOperator`][stationary.methods.PrimalDualOperator], anchored, reflected and
    restarted. Where constraints contradict each other the multipliers run away along a proof of
    it, and where the objective has no bound the point does. Every step ends with a test of three
    directions (the last move, the mean one since the restart, and x - T x) against both proofs, by
    products with the problem's own functions; when one passes the status is `INFEASIBLE`, with
    the proof as the reported multipliers, or `UNBOUNDED`, with a point far along the ray.

    **Arguments:**

    - `iteration`: default `Halpern(restart=200, reflect=True)`; or `Picard()`, for example.
    - `inner_steps`: applications of the operator in a step, between two tests.
    - `primal_step`, `dual_step`: tau and sigma, with tau (|Q| + sigma |A|^2) < 1; default a step
        per entry that suits the sizes of rows and columns.
    - `proof_tol`: how exact a proof must be: points up to 1 / `proof_tol` times as large as the
        iterate are excluded; default a tenth of the default tolerance.

    **Raises:** `ValueError` for fewer than one inner step or a `proof_tol` that is not positive;
    when a solve begins, for what is not a linear or convex quadratic program over a box, and for
    steps that are too long.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> rows = {"budget": st.at_most(jnp.sum, 1.0), "demand": st.at_most(lambda x: 2 - x[0])}
        >>> problem = st.Minimize(lambda x: x[0] + 2 * x[1], rows, st.Box(0, jnp.inf))
        >>> method = st.methods.PrimalDualHybridGradient()
        >>> solution = st.solve(problem, jnp.zeros(2), method)
        >>> solution.status.word, solution.certificate.verdict.word
        ('infeasible', 'infeasible problem')

    !!! cite "Reference"
        Chambolle and Pock (2011) for the operator; Applegate, Diaz, Lu and Lubin (2021),
        Infeasibility detection with primal-dual hybrid gradient, arXiv:2102.04592; Park and Ryu
        (2023), arXiv:2303.15876, for the anchor.
    """

    iteration: AbstractFixedPointMethod = Halpern(restart=200, reflect=True)
    inner_steps: int = eqx.field(static=True, default=64)
    primal_step: float | Array | None = None
    dual_step: float | Array | None = None
    proof_tol: float | None = None

    needs: ClassVar[frozenset[Oracle]] = frozenset(
        {Oracle.VALUE, Oracle.GRAD, Oracle.PROJECT, Oracle.FULL}
    )
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "linear and convex quadratic programs over a box, by products; proves that there is no "
        "answer"
    )

    def __check_init__(self):
        if not self.inner_steps >= 1:
            raise ValueError(
                f"PrimalDualHybridGradient(inner_steps=...) must be at least 1, got "
                f"{self.inner_steps}."
            )
        if self.proof_tol is not None and not float(self.proof_tol) > 0:
            raise ValueError(
                f"PrimalDualHybridGradient(proof_tol=...) must be positive, got {self.proof_tol}."
            )

    def init(self, system, point, data=None, *, key=None) -> PrimalDualState:
        primal = system.space.project(point.primal)
        given = setting(system, primal, data)
        tau, sigma = step_sizes(system, given.survey, data, self.primal_step, self.dual_step)
        operator = PrimalDualOperator(system, data, tau, sigma)
        start = operator.evaluate(Point(primal, polar(system, point.duals)))
        far = jnp.full((), jnp.inf, jnp.result_type(*jax.tree.leaves(primal)))
        return PrimalDualState(
            iteration=self.iteration.init(operator.advance, start),
            report=start,
            found=jnp.asarray(int(Status.RUNNING), jnp.int32),
            infeasible=far,
            unbounded=far,
            primal_step=tau,
            dual_step=sigma,
            setting=given,
        )

    def step(self, system, state, data=None):
        operator = PrimalDualOperator(system, data, state.primal_step, state.dual_step)

        def once(_, carry):
            before, _ = carry
            after = self.iteration.step(operator.advance, before)
            return after, jax.tree.map(jnp.subtract, after.iterate.point, before.iterate.point)

        still = jax.tree.map(jnp.zeros_like, state.iteration.iterate.point)
        iteration, move = jax.lax.fori_loop(0, self.inner_steps, once, (state.iteration, still))
        image = iteration.image
        nearest = self._weighed(system, data, state.setting, iteration, move)
        found, report = self._judge(system, state.setting, image, nearest)
        state = PrimalDualState(
            iteration=iteration,
            report=report,
            found=found,
            infeasible=nearest[0].infeasible,
            unbounded=nearest[1].unbounded,
            primal_step=state.primal_step,
            dual_step=state.dual_step,
            setting=state.setting,
        )
        direction = jax.tree.map(jnp.add, report.gradient, report.pull)
        at = Linearization(
            report.objective,
            {"objective": report.objective},
            report.values,
            report.values,
            lambda _: direction,
        )
        return state, system.metrics(report.point, at, direction)

    def _weighed(
        self, system: System, data: PyTree, given: Setting, iteration: FixedPointState, move: Point
    ) -> tuple[Weighed, Weighed]:
        """The candidates closest to a proof of infeasibility and to one of unboundedness."""
        nothing = jax.tree.map(jnp.zeros_like, move.primal)
        back = [self.iteration.displacement(iteration), self.iteration.mean_displacement(iteration)]
        candidates = [
            Point(nothing, given.alone),
            move,
            *(jax.tree.map(jnp.negative, v.point) for v in back),
        ]
        stacked = jax.tree.map(lambda *c: jnp.stack(c), *candidates)
        at = iteration.image.point
        found = jax.vmap(lambda c: weigh(system, data, given, c, at))(stacked)

        def best(sizes):
            return jax.tree.map(lambda leaf: leaf[jnp.argmin(sizes)], found)

        return best(found.infeasible), best(found.unbounded)

    def _judge(
        self, system: System, given: Setting, image: Evaluated, nearest: tuple[Weighed, Weighed]
    ) -> tuple[Int[Array, ""], Evaluated]:
        """Whether there is a proof, and the point to report."""
        dtype = image.objective.dtype
        tol = 0.1 * default_tolerance(dtype) if self.proof_tol is None else self.proof_tol
        contradiction, ray = nearest
        extent = jnp.maximum(1.0, largest(image.point.primal))
        gaps = {
            name: g - system.constraints[name].cone.project(g) for name, g in image.values.items()
        }
        infeasible = contradiction.infeasible <= tol
        feasible = outside(gaps, given) <= tol * extent
        unbounded = ~infeasible & feasible & (ray.unbounded <= tol)

        # A point that has run away is itself the evidence; its values follow by affinity.
        far = jnp.where(unbounded, 100 * extent / tol, 0).astype(dtype)
        slope = sum(
            jnp.sum((g + 0.5 * far * q) * d)
            for g, q, d in zip(
                *map(jax.tree.leaves, (image.gradient, ray.curved, ray.primal)), strict=True
            )
        )

        def gone(start, move):
            return jax.tree.map(lambda a, b: jnp.where(unbounded, a + far * b, a), start, move)

        def proof(ordinary, found):
            return jax.tree.map(lambda a, b: jnp.where(infeasible, b, a), ordinary, found)

        report = Evaluated(
            point=Point(
                gone(image.point.primal, ray.primal), proof(image.point.duals, contradiction.duals)
            ),
            gradient=gone(image.gradient, ray.curved),
            pull=proof(image.pull, contradiction.pull),
            values=gone(image.values, ray.pushed),
            objective=image.objective + system.sign * jnp.where(unbounded, far * slope, 0),
        )
        code = jnp.where(unbounded, int(Status.UNBOUNDED), int(Status.RUNNING))
        code = jnp.where(infeasible, int(Status.INFEASIBLE), code)
        return code.astype(jnp.int32), report

    def point(self, state) -> Point:
        return state.report.point

    def displacement(self, state: PrimalDualState) -> Point:
        """z - T z: the first estimate of the infimal displacement."""
        return self.iteration.displacement(state.iteration).point

    def mean_displacement(self, state: PrimalDualState) -> Point:
        """The mean move back since the last restart: the second estimate."""
        return self.iteration.mean_displacement(state.iteration).point

    def check(self, system: System, point: Point, data: PyTree = None) -> list[str]:
        """Refuse what is not a linear or convex quadratic program over a box, and long steps.

        **Raises:** `ValueError` naming the function, the set or the product of the steps.
        """
        owner = type(self).__name__
        require_convex_quadratic(system, point.primal, data, owner)
        check_steps(system, point.primal, data, self.primal_step, self.dual_step, owner)
        return []

    def status(self, state, metrics, tol):
        return state.found
