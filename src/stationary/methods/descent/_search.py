"""One trial per step: a line search flattened into the state, so that lanes never wait."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._system import System, largest
from ._directions import LBFGS, AbstractDirection, Newton, SpectralGradient, steepest

SMALL = 64
"""Up to this many unknowns forming the Hessian is worth its cost."""


class Search(eqx.Module):
    """The state of a descent on a merit function that its owner may change at any time.

    **Arguments:**

    - `primal`: the last accepted point.
    - `gradient`: the merit's gradient there (the set's own gradient on a manifold).
    - `recent`: the last accepted merit values; a trial must improve on their largest.
    - `direction`, `length`: where the next trial goes.
    - `memory`: the direction rule's.
    - `stationarity`: the set's residual at `primal`.
    - `restart`: the next evaluation is at `primal` itself, because the merit has changed.
    - `failures`: trials refused in a row.
    - `accepted`: moves accepted since the last restart.
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
    accepted: Int[Array, ""]

    @property
    def stuck(self) -> Bool[Array, ""]:
        """Whether trials have become so short that arithmetic cannot tell them apart."""
        return self.failures >= 30


class Judged(NamedTuple):
    """A search after one trial, and whether the trial was accepted."""

    search: Search
    accepted: Bool[Array, ""]


def direction_for(system: System, size: int) -> AbstractDirection:
    """The richest direction rule that the system's set allows."""
    if not system.space.elementwise:
        return SpectralGradient()
    return Newton() if size <= SMALL else LBFGS()


def start_search(system: System, primal: PyTree, rule: AbstractDirection) -> Search:
    """A search whose first trial evaluates the merit at `primal`."""
    flat, _ = ravel_pytree(primal)
    window = 8 if isinstance(rule, SpectralGradient) else 1
    infinity = jnp.array(jnp.inf, flat.dtype)
    zeros = jax.tree.map(jnp.zeros_like, primal)
    zero = jnp.zeros((), jnp.int32)
    return Search(
        primal=primal,
        gradient=zeros,
        recent=jnp.full(window, -infinity),
        direction=zeros,
        length=jnp.zeros((), flat.dtype),
        memory=rule.init(jnp.zeros_like(flat)),
        stationarity=infinity,
        restart=jnp.array(True),
        failures=zero,
        accepted=zero,
    )


def trial(system: System, search: Search) -> PyTree[Array]:
    """The point to evaluate next: along the direction, back in the set."""
    move = jax.tree.map(lambda d: search.length * d, search.direction)
    if system.space.curved:
        there = system.space.retract(search.primal, move)
    else:
        there = system.space.project(jax.tree.map(jnp.add, search.primal, move))
    return jax.tree.map(lambda a, b: jnp.where(search.restart, a, b), search.primal, there)


def judge(
    system: System,
    search: Search,
    rule: AbstractDirection,
    there: PyTree[Array],
    value: Float[Array, ""],
    cotangent: PyTree[Array],
    gradient_at: Callable[[PyTree[Array]], PyTree[Array]],
) -> Judged:
    """Accept or refuse a trial, and aim the next one.

    **Arguments:**

    - `there`: the trial point, with the merit's `value` and `cotangent` (gradient) at it.
    - `gradient_at`: the merit's gradient as a function, for rules that use curvature.
    """
    gradient = system.space.gradient(there, cotangent)
    old, _ = ravel_pytree(search.primal)
    new, unravel = ravel_pytree(there)
    old_gradient, _ = ravel_pytree(search.gradient)
    new_gradient, _ = ravel_pytree(gradient)
    move = new - old
    expected = jnp.vdot(old_gradient, move)
    eps = jnp.finfo(new.dtype).eps
    stationarity = largest(system.space.residual(there, cotangent))

    reference = jnp.max(search.recent)
    noise = 10 * eps * (jnp.abs(reference) + jnp.abs(value))
    decreased = value <= reference + 1e-4 * expected
    # Where values differ by rounding only, the gradient is the better judge.
    level = (value <= reference + noise) & (stationarity < search.stationarity)
    finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(new_gradient))
    good = finite & (search.restart | decreased | level)

    fresh_memory = rule.init(new_gradient)
    learnt = rule.update(search.memory, move, new_gradient - old_gradient)
    memory = _choose(search.restart & (search.accepted == 0), fresh_memory, learnt)
    memory = _choose(search.restart & (search.accepted > 0), search.memory, memory)
    free = _free(system, there, cotangent)

    def curvature(vector):
        return ravel_pytree(jax.jvp(gradient_at, (there,), (unravel(vector),))[1])[0]

    direction, memory = rule(memory, new_gradient, free, curvature)
    downhill = jnp.vdot(direction, new_gradient) < 0
    direction = jnp.where(downhill, direction, steepest(new_gradient, free))
    memory = _choose(downhill, memory, fresh_memory)

    shrink = _interpolate(search.length, value, search.recent[0], expected)
    # A direction that keeps failing is not worth its memory: fall back to the gradient.
    hopeless = search.failures == 8
    moved = Search(
        primal=there,
        gradient=gradient,
        recent=jnp.where(search.restart, value, jnp.roll(search.recent, 1).at[0].set(value)),
        direction=unravel(direction),
        length=jnp.ones_like(search.length),
        memory=memory,
        stationarity=stationarity,
        restart=jnp.array(False),
        failures=jnp.zeros_like(search.failures),
        accepted=search.accepted + 1,
    )
    old_free = _free(system, search.primal, search.gradient)
    refused = eqx.tree_at(
        lambda s: (s.direction, s.length, s.memory, s.failures),
        search,
        (
            _choose(hopeless, unravel(steepest(old_gradient, old_free)), search.direction),
            jnp.where(hopeless, jnp.ones_like(shrink), shrink),
            _choose(hopeless, rule.init(old_gradient), search.memory),
            search.failures + 1,
        ),
    )
    return Judged(_choose(good, moved, refused), good)


def _interpolate(length, value, reference, expected):
    """The next, shorter trial: the minimum of the parabola through what is known, kept in bounds."""
    rise = value - reference - expected
    guess = jnp.where(rise > 0, -expected / (2 * jnp.where(rise > 0, rise, 1)), 0.5)
    return length * jnp.where(jnp.isfinite(guess), jnp.clip(guess, 0.1, 0.5), 0.1)


def _free(system: System, primal: PyTree[Array], cotangent: PyTree[Array]) -> Bool[Array, "n"]:
    """The entries that may move, flat; all of them where the set is not elementwise."""
    if system.space.elementwise:
        return ravel_pytree(system.space.free(primal, cotangent))[0]
    return jnp.ones(ravel_pytree(primal)[0].size, bool)


def _choose(condition, yes, no):
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
