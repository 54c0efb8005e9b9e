"""One trial per step: a line search flattened into the state, so that lanes never wait."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._system import System, largest
from ...sets import Capability, Euclidean
from ._directions import LBFGS, AbstractDirection, Newton, SpectralGradient, Terrain, steepest

SMALL = 64
"""Up to this many unknowns, forming the Hessian is worth its cost."""


STUCK = 30
"""Trials refused in a row after which a search has nowhere to go."""

_SHORTER = 3
"""How many of them are worth their cost where values differ by rounding only."""


class Search(eqx.Module):
    """The state of a descent on a merit function that its owner may change at any time.

    **Arguments:**

    - `primal`: the last accepted point.
    - `gradient`: the merit's gradient there (the set's own gradient on a manifold).
    - `recent`: the last accepted merit values; a trial must improve on their largest.
    - `direction`, `length`: where the next trial goes.
    - `memory`: the direction rule's.
    - `stationarity`: the set's residual at `primal`.
    - `restart`: the next trial is `primal` itself, and is accepted.
    - `failures`: trials refused in a row.
    """

    primal: PyTree[Array]
    gradient: PyTree[Array]
    recent: Float[Array, "w"]
    direction: PyTree[Array]
    length: Float[Array, ""]
    memory: PyTree[Array]
    stationarity: Float[Array, ""]
    restart: Bool[Array, ""]
    failures: Int[Array, ""]

    @property
    def stuck(self) -> Bool[Array, ""]:
        """Whether trials have become so short that arithmetic cannot tell them apart."""
        return self.failures >= STUCK


class Judged(NamedTuple):
    """What a trial showed."""

    accepted: Bool[Array, ""]
    stationarity: Float[Array, ""]
    exhausted: Bool[Array, ""]
    """The decrease that was to be expected drowns in rounding: this merit has no more to give."""
    memory: PyTree[Array]
    """The direction rule's memory, with the move to the trial in it."""


def direction_for(system: System, size: int) -> AbstractDirection:
    """The richest direction rule that the system's set allows."""
    if not system.space.elementwise:
        return SpectralGradient()
    return Newton() if size <= SMALL else LBFGS()


def start_search(primal: PyTree, rule: AbstractDirection) -> Search:
    """A search whose first trial is `primal` itself."""
    flat, _ = ravel_pytree(primal)
    window = 8 if isinstance(rule, SpectralGradient) else 1
    infinity = jnp.array(jnp.inf, flat.dtype)
    zeros = jax.tree.map(jnp.zeros_like, primal)
    return Search(
        primal=primal,
        gradient=zeros,
        recent=jnp.full(window, -infinity),
        direction=zeros,
        length=jnp.zeros((), flat.dtype),
        memory=rule.init(jnp.zeros_like(flat)),
        stationarity=infinity,
        restart=jnp.array(True),
        failures=jnp.zeros((), jnp.int32),
    )


def trial(system: System, search: Search) -> PyTree[Array]:
    """The point to evaluate next: along the direction, back in the set."""
    move = jax.tree.map(lambda d: search.length * d, search.direction)
    if _straight(system):
        there = system.space.project(jax.tree.map(jnp.add, search.primal, move))
    else:
        there = system.space.retract(search.primal, move)
    return choose(search.restart, search.primal, there)


def judge(
    system: System,
    search: Search,
    rule: AbstractDirection,
    there: PyTree[Array],
    value: Float[Array, ""],
    cotangent: PyTree[Array],
) -> Judged:
    """Whether the trial `there`, with the merit's `value` and gradient, is an improvement.

    It is when the value falls enough below the recent ones (Armijo, nonmonotone after Grippo,
    Lampariello and Lucidi), or, where values differ by rounding only, when the gradient does.
    """
    new, _ = ravel_pytree(there)
    new_gradient, _ = ravel_pytree(system.space.gradient(there, cotangent))
    old_gradient, _ = ravel_pytree(search.gradient)
    move = new - ravel_pytree(search.primal)[0]
    stationarity = largest(system.space.residual(there, cotangent))

    reference = jnp.max(search.recent)
    noise = 10 * jnp.finfo(new.dtype).eps * (jnp.abs(reference) + jnp.abs(value))
    expected = jnp.vdot(old_gradient, move)
    decreased = value <= reference + 1e-4 * jnp.minimum(expected, 0)
    level = (value <= reference + noise) & (stationarity < search.stationarity)
    finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(new_gradient))
    learnt = rule.update(search.memory, move, new_gradient - old_gradient)
    return Judged(
        finite & (search.restart | decreased | level),
        stationarity,
        ~search.restart & (jnp.abs(expected) <= noise),
        choose(search.restart, rule.init(new_gradient), learnt),
    )


def aim(
    system: System,
    search: Search,
    rule: AbstractDirection,
    judged: Judged,
    there: PyTree[Array],
    value: Float[Array, ""],
    cotangent: PyTree[Array],
    gradient_at: Callable[[PyTree[Array]], PyTree[Array]],
    *,
    changed: Bool[Array, ""],
    forget: Bool[Array, ""],
) -> Search:
    """The search after an accepted trial, aimed anew.

    **Arguments:**

    - `there`, `value`, `cotangent`: the trial, with the merit and its gradient as they are from
        now on.
    - `gradient_at`: the merit's gradient as a function, for rules that use curvature.
    - `changed`: the merit is not the one that the trial was judged by.
    - `forget`: what the rule has learnt misleads under the new merit.
    """
    gradient = system.space.gradient(there, cotangent)
    flat, unravel = ravel_pytree(gradient)
    at = _terrain(system, there, cotangent, flat, gradient_at)
    memory = choose(forget, rule.init(flat), judged.memory)
    direction, memory = rule(memory, at)
    direction = _into_set(system, there, direction)
    # Along a straight line within a convex set this is all that descent needs.
    downhill = jnp.vdot(direction, flat) < 0
    safe = _into_set(system, there, steepest(flat, at.free))
    direction = jnp.where(downhill, direction, safe)
    restart = search.restart | changed
    return Search(
        primal=there,
        gradient=gradient,
        recent=jnp.where(restart, value, jnp.roll(search.recent, 1).at[0].set(value)),
        direction=unravel(direction),
        length=jnp.ones_like(search.length),
        memory=choose(downhill, memory, rule.init(flat)),
        stationarity=largest(system.space.residual(there, cotangent)),
        restart=jnp.array(False),
        failures=jnp.zeros_like(search.failures),
    )


def refuse(
    system: System,
    search: Search,
    rule: AbstractDirection,
    judged: Judged,
    there: PyTree[Array],
    value: Float[Array, ""],
) -> Search:
    """The search after a refused trial: a shorter one, or steepest descent when nothing helps."""
    gradient, unravel = ravel_pytree(search.gradient)
    move = ravel_pytree(there)[0] - ravel_pytree(search.primal)[0]
    expected = jnp.vdot(gradient, move)
    rise = value - search.recent[0] - expected
    guess = jnp.where(rise > 0, -expected / (2 * jnp.where(rise > 0, rise, 1)), 0.5)
    shorter = search.length * jnp.where(jnp.isfinite(guess), jnp.clip(guess, 0.1, 0.5), 0.1)
    # A direction that keeps failing is not worth its memory: fall back to the gradient.
    hopeless = search.failures == 8
    fallback = steepest(gradient, _free(system, search.primal, search.gradient))
    fallback = _into_set(system, search.primal, fallback)
    # Where rounding hides the decrease, a few shorter trials show whether the gradient still falls.
    over = judged.exhausted & (search.failures >= _SHORTER)
    failures = jnp.where(over, jnp.maximum(search.failures, STUCK - 1), search.failures) + 1
    return eqx.tree_at(
        lambda s: (s.direction, s.length, s.memory, s.failures, s.restart),
        search,
        (
            choose(hopeless, unravel(fallback), search.direction),
            jnp.where(hopeless, jnp.ones_like(shorter), shorter),
            choose(hopeless, rule.init(gradient), search.memory),
            failures,
            failures >= STUCK,
        ),
    )


def _straight(system: System) -> bool:
    """Whether moves are straight lines within a convex set, rather than along a retraction."""
    return Capability.PROJECT in system.space.capabilities and not system.space.curved


def _limited(system: System) -> bool:
    """Whether a straight move may leave the set."""
    return _straight(system) and not all(isinstance(s, Euclidean) for s in system.space.leaves)


def _into_set(system: System, primal: PyTree[Array], step: Float[Array, "n"]) -> Float[Array, "n"]:
    """A step from `primal`, cut off where it leaves a convex set."""
    if not _limited(system):
        return step
    flat, unravel = ravel_pytree(primal)
    return ravel_pytree(system.space.project(unravel(flat + step)))[0] - flat


def _terrain(
    system: System,
    primal: PyTree[Array],
    cotangent: PyTree[Array],
    gradient: Float[Array, "n"],
    gradient_at: Callable[[PyTree[Array]], PyTree[Array]],
) -> Terrain:
    """What a direction rule may look at."""
    flat, unravel = ravel_pytree(primal)
    bounded = _limited(system) and system.space.elementwise

    def curvature(vector):
        return ravel_pytree(jax.jvp(gradient_at, (primal,), (unravel(vector),))[1])[0]

    return Terrain(
        gradient=gradient,
        free=_free(system, primal, cotangent),
        curvature=curvature,
        clip=(lambda step: _into_set(system, primal, step)) if bounded else None,
        free_after=lambda step, slope: _free(system, unravel(flat + step), unravel(slope)),
    )


def _free(system: System, primal: PyTree[Array], cotangent: PyTree[Array]) -> Bool[Array, "n"]:
    """The entries that may move, flat; all of them where the set is not elementwise."""
    if system.space.elementwise:
        return ravel_pytree(system.space.free(primal, cotangent))[0]
    return jnp.ones(ravel_pytree(primal)[0].size, bool)


def choose(condition: Bool[Array, ""], yes: PyTree[Array], no: PyTree[Array]) -> PyTree[Array]:
    """`jnp.where` on whole pytrees."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
