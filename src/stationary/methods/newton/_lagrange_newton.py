"""Newton's method on the Lagrangian, under a merit of choice."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ..._method import AbstractMethod, Metrics, Oracle, unmeasured
from ..._point import Point
from ..._solution import Solution
from ..._status import Status
from ..._system import System, largest
from ..interior_point._program import Program
from ._adaptive_accuracy import AdaptiveAccuracy
from ._checks import dependent_rows, equalities_alone, named_rows, refuse, words
from ._exact_augmented_lagrangian import ExactAugmentedLagrangian
from ._l1_merit import L1Merit, violation
from ._merit import AbstractMerit, Place
from ._newton_system import dense_step, iterative_step
from ._step import Step, Trouble
from ._subproblem import quadratic_step


class State(eqx.Module):
    """A Newton iteration: the point that is reported, and the one to look at next."""

    here: Point
    next: Point
    weights: Any
    accuracy: Float[Array, ""]
    working: Bool[Array, "m"]
    held: Bool[Array, "n"]
    dependent: Bool[Array, "m"]
    """Constraints whose gradients depend on those of others, at `here`."""
    trouble: Int[Array, ""]
    failures: Int[Array, ""]
    """Steps in a row that no length made acceptable."""
    standing: Int[Array, ""]
    """Steps in a row at which the violation could not be reduced."""
    idle: Int[Array, ""]
    """Steps since the smallest residual."""
    best: Float[Array, ""]
    length: Float[Array, ""]
    """The share of the last step that was taken."""
    radius: Float[Array, ""]
    """The largest move of any entry that the next quadratic programme may propose."""
    work: Int[Array, ""]
    """Iterations of linear solvers or of quadratic programmes so far."""
    count: Int[Array, ""]
    key: PRNGKeyArray
    metrics: Metrics
    start_size: Float[Array, ""]


class LagrangeNewton(AbstractMethod):
    """Newton's method on the Lagrangian (sequential quadratic programming), by a merit of choice.

    Each step solves the KKT system of the Lagrangian's second-order model, exactly or by an
    iterative linear solver, and a merit decides how far to go. With
    [`L1Merit`][stationary.methods.L1Merit] the model is a quadratic programme, so that inequalities
    and bounds are handled too; the other merits are for equality constraints, or none. Multipliers
    start from least squares unless some are given. A step computes one Hessian; a line search only
    values or gradients.

    Linear algebra is dense, in the size of the unknowns: a few hundred of them.

    **Arguments:**

    - `merit`: default [`ExactAugmentedLagrangian`][stationary.methods.ExactAugmentedLagrangian] for
        equality constraints alone, else `L1Merit`.
    - `linear_solver`: a Lineax solver for the KKT system, such as
        [`SketchProject`][stationary.methods.SketchProject] or `lineax.GMRES`; default a direct
        factorisation. Not for `L1Merit`.
    - `inexactness`: how accurate an iterative `linear_solver` has to be in each step; default its
        own tolerance.
    - `patience`: steps without a new smallest residual after which to give up.

    **Raises:** `TypeError` or `ValueError` for parts that do not fit together; when a problem is
    passed, for inequalities under a merit for equalities, more equalities than unknowns,
    sets that do more than bound entries, cones that are no orthants, and surrogates.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(
        ...     lambda x: jnp.sum(x**2), subject_to={"sum": st.equal(jnp.sum, 1.0)}
        ... )
        >>> solution = st.solve(problem, jnp.zeros(2), st.methods.LagrangeNewton())
        >>> solution.value.round(4).tolist(), round(float(solution.duals["sum"]), 4)
        ([0.5, 0.5], -1.0)

    !!! cite "Reference"
        Nocedal and Wright, Numerical Optimization (2006), chapter 18; merits and inexactness after
        arXiv:2305.18379 and arXiv:2601.08431.
    """

    merit: AbstractMerit | None = None
    linear_solver: lx.AbstractLinearSolver | None = None
    inexactness: AdaptiveAccuracy | None = None
    patience: int = eqx.field(static=True, default=100)

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.VALUE, Oracle.HVP, Oracle.FULL})
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "Newton steps on the Lagrangian by a merit of choice; quadratic programmes for inequalities"
    )

    def __check_init__(self):
        if self.merit is not None and not isinstance(self.merit, AbstractMerit):
            raise TypeError(
                f"merit is {self.merit!r}; pass an instance such as ExactAugmentedLagrangian()."
            )
        solver = self.linear_solver
        if solver is not None and not isinstance(solver, lx.AbstractLinearSolver):
            raise TypeError(
                f"linear_solver is {solver!r}; pass a Lineax solver such as SketchProject()."
            )
        if solver is not None and self.merit is not None and self.merit.inequalities:
            raise ValueError(
                "L1Merit solves a quadratic programme in each step, and has no use for a "
                "linear_solver. Leave it out, or use another merit."
            )
        if self.inexactness is not None:
            if not isinstance(self.inexactness, AdaptiveAccuracy):
                raise TypeError(f"inexactness is {self.inexactness!r}; pass AdaptiveAccuracy().")
            if not (hasattr(solver, "rtol") and hasattr(solver, "atol")):
                raise ValueError(
                    "inexactness is for an iterative linear_solver with rtol and atol, such as "
                    f"SketchProject() or lineax.GMRES(...); linear_solver is {solver!r}."
                )
            exact = isinstance(self.merit, ExactAugmentedLagrangian | None)
            if self.inexactness.mode == "theory" and not exact:
                raise ValueError(
                    'AdaptiveAccuracy(mode="theory") is about ExactAugmentedLagrangian(); use the '
                    "practical mode with other merits."
                )
        if self.patience < 1:
            raise ValueError(f"patience must be at least 1, got {self.patience}.")

    def _merit(self, system: System) -> AbstractMerit:
        if self.merit is not None:
            return self.merit
        return ExactAugmentedLagrangian() if equalities_alone(system) else L1Merit()

    def check(self, system, point, data=None) -> list[str]:
        """Refuse what cannot be solved, and name dependent constraints.

        **Returns:** a notice when constraint gradients are linearly dependent at the start.

        **Raises:** as for the class.
        """
        refuse(system, point.primal, self._merit(system), self.linear_solver)
        point = jax.tree.map(jnp.asarray, point)
        program = Program(system, point.primal, data)
        if not program.equality.any() or program.rows > program.size:
            return []
        found = np.asarray(dependent_rows(system, point, data))
        if not np.any(found):
            return []
        return [
            f"the gradients of {named_rows(program, found)} are linearly dependent at x0; only the "
            "part of a step that they determine is taken, and multipliers are the shortest ones."
        ]

    def init(self, system, point, data=None, *, key=None) -> State:
        refuse(system, point.primal, self._merit(system), self.linear_solver)
        program = Program(system, point.primal, data)
        n, m, dtype = program.size, program.rows, program.dtype
        x = program.bounds.clip(program.flatten(point.primal))
        point = Point(program.unravel(x), point.duals)
        zero, infinite = jnp.zeros((), jnp.int32), jnp.full((), jnp.inf, dtype)
        start = 0.1 if self.inexactness is None else self.inexactness.start
        return State(
            here=point,
            next=point,
            weights=self._merit(system).first_weights(dtype),
            accuracy=jnp.asarray(start, dtype),
            working=jnp.asarray(program.equality),
            held=jnp.zeros(n, bool),
            dependent=jnp.zeros(m, bool),
            trouble=zero,
            failures=zero,
            standing=zero,
            idle=zero,
            best=infinite,
            length=jnp.zeros((), dtype),
            radius=infinite,
            work=zero,
            count=zero,
            key=jax.random.key(0) if key is None else key,
            metrics=unmeasured(program.names, dtype),
            start_size=1 + largest(x),
        )

    def step(self, system, state, data=None):
        program = Program(system, state.next.primal, data)
        merit = self._merit(system)
        x, y = program.flatten(state.next.primal), program.stack(state.next.duals)
        local = program.derivatives(x, y)
        at = Place(x, y, local)
        linearization = program.linearization(local, 1.0, 1.0)
        metrics = system.metrics(state.next, linearization, program.unravel(at.force))

        step = self._step(program, merit, state, at)
        found = merit.search(program, step.weights, at, step.move)
        # At the very start there may be no multipliers yet: a step of its own estimates them.
        fresh = (state.count == 0) & ~jnp.any(y != 0) & (program.rows > 0)
        accepted = found.accepted & step.sound & ~fresh
        x_next = jnp.where(accepted, found.x, x)
        y_next = jnp.where(fresh, step.estimate, jnp.where(accepted, found.y, y))

        failed = ~accepted & ~fresh
        trouble = jnp.where(failed & step.sound, int(Trouble.NO_DESCENT), step.trouble)
        trouble = jnp.where(fresh, int(Trouble.NONE), trouble)
        better = metrics.residual < state.best
        standing = _stands_still(program, at, step, state.radius)
        # What the last step worked on misleads the model when no part of it was any good.
        forget = fresh | failed
        reach = jnp.max(jnp.abs(step.move.x))
        radius = jnp.where(found.length < 1, 0.25 * reach, 4 * reach)
        radius = jnp.where(failed, 0.1 * reach, radius)
        radius = jnp.where(
            accepted & (found.length >= 1), jnp.maximum(radius, state.radius), radius
        )
        next_state = State(
            here=state.next,
            next=Point(program.unravel(x_next), program.unstack(y_next)),
            weights=jax.tree.map(lambda a, b: jnp.where(fresh, a, b), state.weights, found.weights),
            accuracy=jnp.where(fresh, state.accuracy, step.accuracy),
            working=jnp.where(forget, jnp.asarray(program.equality), step.move.working),
            held=step.move.held & ~forget,
            dependent=step.dependent,
            trouble=trouble.astype(jnp.int32),
            failures=jnp.where(failed, state.failures + 1, 0),
            standing=jnp.where(standing, state.standing + 1, 0),
            idle=jnp.where(better, 0, state.idle + 1),
            best=jnp.where(better, metrics.residual, state.best),
            length=jnp.where(accepted, found.length, 0.0),
            radius=jnp.where(fresh, state.radius, radius),
            work=state.work + jnp.where(fresh, 0, step.work),
            count=state.count + 1,
            key=state.key,
            metrics=metrics,
            start_size=state.start_size,
        )
        return next_state, metrics

    def _step(self, program: Program, merit: AbstractMerit, state: State, at: Place) -> Step:
        if isinstance(merit, L1Merit):
            last = state.working, state.held, state.radius
            return quadratic_step(program, merit, state.weights, state.accuracy, at, *last)
        if self.linear_solver is None:
            return dense_step(program, merit, state.weights, state.accuracy, at)
        key = jax.random.fold_in(state.key, state.count)
        return iterative_step(
            program,
            merit,
            self.linear_solver,
            self.inexactness,
            state.weights,
            state.accuracy,
            at,
            key,
        )

    def point(self, state) -> Point:
        return state.here

    def status(self, state, metrics, tol) -> Any:
        size = largest(state.next.primal)
        unbounded = (size > 1e8 * state.start_size) & (metrics.feasibility <= tol * size)
        still = (state.standing >= 5) | ((state.failures >= 3) & (state.standing >= 3))
        infeasible = still & (metrics.feasibility > tol)
        stuck = (state.failures >= 3) | (state.idle >= self.patience)
        stuck |= state.trouble == Trouble.SINGULAR
        status = jnp.where(stuck, int(Status.STALLED), int(Status.RUNNING))
        status = jnp.where(infeasible, int(Status.INFEASIBLE), status)
        undefined = stuck & ~jnp.isfinite(metrics.objective)
        status = jnp.where(undefined, int(Status.NONFINITE), status)
        return jnp.where(unbounded, int(Status.UNBOUNDED), status)

    def explain(self, solution: Solution) -> str:
        """What stood in the way of a solve's last step, in words, naming constraints.

        **Arguments:**

        - `solution`: what `solve` returned for this method.

        **Returns:** a sentence; `"nothing stood in the way"` when a step was possible.
        """
        state = solution.state.state
        system = solution.problem.lower(state.here.primal)
        program = Program(system, state.here.primal, solution.problem.data)
        return words(Trouble(int(state.trouble)), program, np.asarray(state.dependent))


def _stands_still(
    program: Program, at: Place, step: Step, radius: Float[Array, ""]
) -> Bool[Array, ""]:
    """Whether no step reduces the linearised violation: a sign of contradiction."""
    now = violation(program, at.local.constraints)
    return (now > 0) & (now - step.left <= 1e-6 * now * jnp.minimum(radius, 1.0))
