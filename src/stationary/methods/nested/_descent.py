"""One loop for every response of a nested problem: some steps below, one above."""

import warnings
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ..._dtypes import working_dtype
from ..._method import AbstractMethod, Metrics, Oracle
from ..._operators import Duals
from ..._point import Point
from ..._responses import AbstractPairOperator
from ..._responses._base import check_schedule, coefficient_at
from ..._status import Status
from ..._system import System, all_finite
from ...sets import Product
from ..constrained._duals import as_dual_rule, project_duals
from ..constrained._primal_dual import check_primal
from ..descent._optax import move, start
from ._estimators import AbstractEstimator, Directions
from ._project import contradicts, project_onto_constraints
from ._rates import depends_on_y, own_rates
from ._watch import Watch, begin_watch

_PATIENCE = 50
"""Steps in a row with a stationary violation, after which constraints are said to contradict."""
_POINTLESS = (
    "the upper objective does not depend on y, so that it cannot choose among lower answers: "
    "the weight that it has below is of no use, and the problem is one in x alone."
)


class State(eqx.Module):
    """A nested problem's unknown, and what the next step needs to know.

    **Arguments:**

    - `seen`: the unknown at which the last step found its directions: what is reported.
    - `primal`: where the next step begins.
    - `duals`: multipliers of the system's constraints.
    - `memories`: of the rules, one per entry of the unknown.
    - `dual_memory`: of the dual rule.
    - `rates`: estimated learning rates, one per entry; 1 where a rule was given.
    - `watch`: what the estimates are kept safe by; `None` where there are none.
    - `directions`: those of the last step, for recursive momentum; else `None`.
    - `batches`: of the estimator; `None` without one.
    - `count`: steps taken.
    - `scale`: the residual of the first step.
    - `blocked`: steps in a row after which the constraints' violation was stationary.
    """

    seen: tuple
    primal: tuple
    duals: Duals
    memories: tuple
    dual_memory: PyTree[Array]
    rates: tuple
    watch: Watch | None
    directions: tuple | None
    batches: PyTree[Array] | None
    count: Int[Array, ""]
    scale: Float[Array, ""]
    blocked: Int[Array, ""]


class BilevelDescent(AbstractMethod):
    """Steps on what follows x, then a step on x: for `Nested` with any response but `KKT`.

    Single-loop with one step below per step above, nested with many. Every entry of the unknown
    has a rule of its own. Inner steps, and the upper one, see mini-batches of their own.

    **Arguments:**

    - `upper`: the rule of x: an Optax transformation, a learning rate, a schedule of one, or `None`
        for 1/(2L), with L estimated at the start for followers that keep up.
    - `lower`: the rule of everything else: one of the same; a tuple with one, or `None`, per
        further entry of the unknown (see the response); or `None` for 1/L, with L estimated at the
        start. Entries whose direction is a whole step (the adjoint of `Averaged`, the y of
        `Unrolled`) have the rate 1 unless a tuple says otherwise.
    - `inner_steps`: steps below per step above, at least 1.
    - `order`: `"alternating"`, where x sees the moved y, or `"simultaneous"`, where all move from
        the old point.
    - `dual`: how multipliers of the system's constraints move: a learning rate or a dual rule.
    - `projection_steps`: if positive, x and y return after each step to the nearest point of the
        linearised constraints instead, found with at most so many products with their Jacobian;
        exact for affine constraints. Needs one plain learning rate for `upper` and for y.
    - `momentum`: eta in (0, 1], a number or a schedule of the step's count: the directions are
        d <- new + (1 - eta) (d - new at the last point), both on one mini-batch, which reduces
        their variance at twice the cost. Needs simultaneous steps.
    - `estimator`: how directions are estimated from mini-batches of finite data, so that their
        variance goes to zero: [`SAGA`][stationary.methods.SAGA],
        [`SVRG`][stationary.methods.SVRG] or [`SARAH`][stationary.methods.SARAH]; `None` takes
        each as it comes.
    - `proximal`, `relaxation`: with `proximal`, inner steps add (w - centre) / proximal, where the
        centres are the entries at the beginning of the step, which then move the part `relaxation`
        of the way: for lower problems that are not convex.

    **Raises:** `ValueError` or `TypeError` naming the argument.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Nested(
        ...     lambda x, y: (x - 1.0) ** 2 + y**2, lambda x, y: (y - x) ** 2, st.Implicit()
        ... )
        >>> method = st.methods.BilevelDescent(0.1)
        >>> point = st.run(problem, (jnp.array(0.0), jnp.array(0.0)), method).point
        >>> [round(float(v), 4) for v in point.primal]
        [0.5, 0.5]

    !!! cite "Reference"
        Kwon, Kwon, Wright and Nowak (2023), arXiv:2301.10945, algorithms 1 and 2; (2024),
        arXiv:2309.01753, algorithm 1; Yao, Yu, Zeng and Zhang (2024), arXiv:2401.16164,
        algorithm 1.
    """

    upper: Any = None
    lower: Any = None
    inner_steps: int = eqx.field(static=True, default=1)
    order: str = eqx.field(static=True, default="alternating")
    dual: Any = 1e-2
    projection_steps: int = eqx.field(static=True, default=0)
    momentum: Any = None
    estimator: AbstractEstimator | None = None
    proximal: Any = None
    relaxation: Any = 1.0

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.GRAD, Oracle.RETRACT})
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = "nested problems: any response, a rule per level, mini-batches"

    def __check_init__(self):
        if self.upper is not None:
            _check_rule(self.upper, "BilevelDescent(upper=...)")
        for rule in self.lower if _is_several(self.lower) else (self.lower,):
            if rule is not None:
                _check_rule(rule, "BilevelDescent(lower=...)")
        if self.order not in ("simultaneous", "alternating"):
            raise ValueError(
                f"BilevelDescent(order=...) is 'simultaneous' or 'alternating', got {self.order!r}."
            )
        simultaneous = self.order == "simultaneous"
        if self.inner_steps < 1 or (simultaneous and self.inner_steps > 1):
            raise ValueError(
                "BilevelDescent(inner_steps=...) must be at least 1, and 1 for simultaneous steps, "
                f"got {self.inner_steps}."
            )
        if simultaneous and self.proximal is not None:
            raise ValueError("BilevelDescent(proximal=...) is for alternating steps.")
        if not simultaneous and self.momentum is not None:
            raise ValueError("BilevelDescent(momentum=...) needs order='simultaneous'.")
        if self.estimator is not None and self.momentum is not None:
            raise ValueError("BilevelDescent takes an estimator or momentum, not both.")
        as_dual_rule(self.dual, "BilevelDescent(dual=...)")
        if self.projection_steps < 0:
            raise ValueError(
                "BilevelDescent(projection_steps=...) must be at least 0, "
                f"got {self.projection_steps}."
            )
        for name, top in (("momentum", 1.0), ("proximal", jnp.inf), ("relaxation", 1.0)):
            value = getattr(self, name)
            if value is not None:
                words = "in (0, 1]" if top == 1 else "positive"
                where = f"BilevelDescent({name}=...)"
                check_schedule(value, where, lambda v, top=top: 0 < v <= top, words)

    def check(self, system, point, data=None) -> list[str]:
        operator = _operator(system)
        together = self._rules(operator, len(point.primal))[:2]
        if self.projection_steps and (together[0] is None or together[0] != together[1]):
            raise ValueError(
                "BilevelDescent(projection_steps=...) projects x and y together, so that both need "
                "one plain learning rate: upper=0.1, lower=(0.1, ...)."
            )
        found = operator.at(0, working_dtype(point.primal)).cautions(point.primal)
        if operator.chooses and not depends_on_y(operator, point.primal, data):
            found.append(_POINTLESS)
        for notice in found:
            warnings.warn(notice, stacklevel=3)
        return found

    def remarks(self, system, state, status, data=None) -> list[str]:
        point = self.point(state)
        operator = _operator(system)
        notices = operator.remarks(point.primal, data)
        if operator.scheduled:
            last = operator.at(state.count, working_dtype(point.primal))
            notices += last.cautions(point.primal)
        if status is Status.NONFINITE:
            found = system.linearize(point.primal, data).direction(point.duals)
            names = ("x", "y", *(f"entry {i} of the unknown" for i in range(2, len(found))))
            notices += [
                f"the direction of {name} is not finite."
                for name, entry in zip(names, found, strict=True)
                if not bool(all_finite(entry))
            ]
        return notices

    def init(self, system, point, data=None, *, key=None) -> State:
        operator = _operator(system)
        primal = point.primal
        rules = self._rules(operator, len(primal))
        rates = own_rates(system, operator, primal, data, rules)
        duals = project_duals(system, point.duals)
        memories = tuple(
            start(_with_rate(rule, rate), entry)
            for rule, rate, entry in zip(rules, rates, primal, strict=True)
        )
        return State(
            seen=primal,
            primal=primal,
            duals=duals,
            memories=memories,
            dual_memory=as_dual_rule(self.dual, "dual").init(duals),
            rates=rates,
            watch=self._watch(system, rules, operator, primal, rates),
            directions=None if self.momentum is None else jax.tree.map(jnp.zeros_like, primal),
            batches=None if self.estimator is None else self.estimator.init(system, primal),
            count=jnp.zeros((), jnp.int32),
            scale=jnp.full((), jnp.inf, working_dtype(primal)),
            blocked=jnp.zeros((), jnp.int32),
        )

    def step(self, system, state, data=None) -> tuple[State, Metrics]:
        count, places = state.count, range(len(state.primal))
        whole = _operator(system)
        operator = whole.at(count, state.scale.dtype)
        simultaneous = self.order == "simultaneous"
        inner = () if simultaneous else whole.inner(len(places))
        outer = tuple(i for i in places if i not in inner)
        projected = bool(self.projection_steps and system.constraints)
        felt = {} if projected else state.duals
        rules = self._rules(whole, len(places))
        rates, watch = state.rates, state.watch

        field = Directions(system, operator, felt, data)

        def look(primal: tuple, index: Array, batches: PyTree) -> tuple[tuple, PyTree]:
            if self.estimator is None:
                return field(primal, index), batches
            return self.estimator(field, batches, primal, index)

        def moved(primal, memories, rates, directions, which: tuple, index: Array):
            entries, kept = list(primal), list(memories)
            nothing = jnp.zeros_like(state.scale)
            for i in which:
                alone = eqx.tree_at(lambda s: s.space, system, Product(system.space.sets[i]))
                rule = _with_rate(rules[i], rates[i])
                entries[i], kept[i] = move(
                    alone, rule, kept[i], entries[i], directions[i], nothing, {}, data, index
                )
            return tuple(entries), tuple(kept)

        index = count * (len(inner) > 0) * self.inner_steps + count
        centre = state.primal
        primal, memories, batches = centre, state.memories, state.batches
        last = jax.tree.map(jnp.zeros_like, primal)
        if inner:

            def below(t, carry):
                primal, memories, _, rates, watch, batches = carry
                found, batches = look(primal, index + t, batches)
                if watch is not None:
                    rates, watch = watch.after(primal, found, rates, inner)
                if self.proximal is not None:
                    found = jax.tree.map(
                        lambda d, w, c: (d + (w - c) / self.proximal).astype(d.dtype),
                        found,
                        primal,
                        centre,
                    )
                after = moved(primal, memories, rates, found, inner, index + t)
                return *after, found, rates, watch, batches

            carry = (primal, memories, last, rates, watch, batches)
            carry = jax.lax.fori_loop(0, self.inner_steps, below, carry)
            primal, memories, last, rates, watch, batches = carry
            index = index + self.inner_steps
        seen = primal
        fresh, batches = look(seen, index, batches)
        if state.directions is not None:
            keep = jnp.where(count > 0, 1 - coefficient_at(self.momentum, count), 0)
            old = field(state.seen, index)
            fresh = jax.tree.map(
                lambda new, d, was: (new + keep * (d - was)).astype(new.dtype),
                fresh,
                state.directions,
                old,
            )
        directions = tuple(fresh[i] if i in outer else last[i] for i in places)
        if watch is not None:
            rates, watch = watch.after(seen, fresh, rates, outer)
        primal, memories = moved(primal, memories, rates, directions, outer, index)
        if self.proximal is not None:
            primal = tuple(
                jax.tree.map(
                    lambda c, w: (c + self.relaxation * (w - c)).astype(c.dtype),
                    centre[i],
                    primal[i],
                )
                if i in inner
                else primal[i]
                for i in places
            )
        duals, dual_memory, blocked = state.duals, state.dual_memory, state.blocked
        if projected:
            blocked = jnp.where(contradicts(system, seen, data), blocked + 1, 0)
            rate = coefficient_at(self.upper, count)
            primal, duals, drawn = project_onto_constraints(
                system, primal, duals, rate * operator.share, data, self.projection_steps
            )
            back = jax.tree.map(lambda d: d / rate, drawn)
            directions = (*jax.tree.map(jnp.add, directions[:2], back), *directions[2:])
        at = system.linearize(seen, data, index)
        if system.constraints and not projected:
            rule = as_dual_rule(self.dual, "dual")
            duals, dual_memory = rule(dual_memory, duals, at.constraints)
            duals = project_duals(system, duals)
        metrics = system.metrics(Point(seen, duals), at, directions)
        begun = jnp.isfinite(state.scale)
        scale = jnp.where(begun, state.scale, jnp.maximum(1, metrics.residual))
        after = State(
            seen=seen,
            primal=primal,
            duals=duals,
            memories=memories,
            dual_memory=dual_memory,
            rates=rates,
            watch=watch,
            directions=None if state.directions is None else directions,
            batches=batches,
            count=count + 1,
            scale=scale.astype(state.scale.dtype),
            blocked=blocked,
        )
        return after, metrics

    def point(self, state) -> Point:
        return Point(state.seen, state.duals)

    def status(self, state, metrics, tol):
        contradicted = (state.blocked >= _PATIENCE) & (metrics.feasibility > tol)
        status = jnp.where(contradicted, int(Status.INFEASIBLE), int(Status.RUNNING))
        return jnp.where(metrics.blown_up(state.scale), int(Status.DIVERGED), status)

    def _watch(self, system: System, rules: tuple, operator, primal: tuple, rates: tuple):
        """A watch over estimated rates, which noise would mislead."""
        watched = tuple(rule is None and i not in operator.natural for i, rule in enumerate(rules))
        if system.is_stochastic or not any(watched):
            return None
        return begin_watch(watched, primal, rates)

    def _rules(self, operator: AbstractPairOperator, entries: int) -> tuple:
        """The rule of every entry; `None` where its rate is to be estimated."""
        if _is_several(self.lower):
            if len(self.lower) != entries - 1:
                raise ValueError(
                    f"BilevelDescent(lower=...) has {len(self.lower)} rules, but {entries - 1} "
                    "entries of the unknown follow x. Give one rule for all, or one for each."
                )
            return (self.upper, *self.lower)
        given = (None if i in operator.natural else self.lower for i in range(1, entries))
        return (self.upper, *given)


def _operator(system: System) -> AbstractPairOperator:
    if not isinstance(system.operator, AbstractPairOperator):
        raise TypeError(
            "BilevelDescent is for Nested problems whose response gives x and y directions of "
            "their own: Implicit, Unrolled, ValueFunction, Averaged or ProximalLagrangian. Leave "
            "`method` out to have one chosen."
        )
    return system.operator


def _is_several(rules: Any) -> bool:
    """Whether there is a rule per entry: an Optax transformation is a tuple too."""
    return type(rules) is tuple


def _check_rule(rule: Any, where: str) -> None:
    if callable(rule) and not hasattr(rule, "init"):
        check_schedule(rule, where, lambda v: 0 < v < float("inf"), "positive and finite")
    else:
        check_primal(rule, where)


def _with_rate(rule: Any, rate: Float[Array, ""]) -> Any:
    return rate if rule is None else rule
