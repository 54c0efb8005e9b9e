"""Saddles: operator calls until an answer is reached, method by method."""

import statistics
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import stationary as st
from stationary.methods import (
    ExtraGradient,
    GradientDescentAscent,
    OptimisticGradient,
    PastExtraGradient,
    ReflectedGradient,
    Restarted,
    from_optax,
)

from ._figure import Figure
from ._game_peers import OptimisticWeights, RegretMatching

TOL = 1e-8
EXTRA = {
    "extragradient": ExtraGradient,
    "past extragradient": PastExtraGradient,
    "reflected gradient": ReflectedGradient,
    "optimistic gradient": OptimisticGradient,
}
ONE = (jnp.array(1.0), jnp.array(1.0))
A, C = 0.5, 1.0
DEGENERATE = st.Saddle(lambda x, y: -A / 2 * x**2 + C * x * y)
TIMESCALE = 100.0
GAMES, OPTIONS, PATIENCE = 5, 100, 50_000


def calls(
    problem: Any,
    x0: Any,
    method: Any,
    error: Callable,
    *,
    limit: int = 100_000,
    batch: jax.Array | None = None,
) -> Any:
    """Operator calls until `error(x, y)` is at most `TOL`; infinite beyond the limit.

    With a `batch` of data, a list: one number each.
    """
    system = problem.lower(x0)
    each = getattr(method, "calls", 1)

    def steps(data: Any) -> jax.Array:
        state = method.init(system, st.Point(x0, {}), data)

        def far(carry: tuple) -> jax.Array:
            state, count = carry
            off = error(*method.point(state).primal, data)
            return (off > TOL) & jnp.isfinite(off) & (count * each < limit)

        def go(carry: tuple) -> tuple:
            return method.step(system, carry[0], data)[0], carry[1] + 1

        state, count = jax.lax.while_loop(far, go, (state, jnp.zeros((), jnp.int32)))
        taken = jnp.where(error(*method.point(state).primal, data) <= TOL, count, jnp.inf)
        return taken * each

    if batch is None:
        return float(jax.jit(steps)(problem.data))
    return jax.jit(jax.vmap(steps))(batch).tolist()


def distance(x: jax.Array, y: jax.Array, _: Any) -> jax.Array:
    """From the saddle at zero."""
    return jnp.sqrt(jnp.sum(x**2) + jnp.sum(y**2))


def gap(x: jax.Array, y: jax.Array, payoff: jax.Array) -> jax.Array:
    """What both players of a matrix game could gain, over the spread of the payoffs."""
    return (jnp.max(payoff.T @ x) - jnp.min(payoff @ y)) / (jnp.max(payoff) - jnp.min(payoff))


def bilinear() -> list[Figure]:
    """f = xy at step 0.45: one call against two."""
    game = st.Saddle(lambda x, y: x * y)
    taken = {name: calls(game, ONE, kind(0.45), distance) for name, kind in EXTRA.items()}
    taken["optax, optimistic"] = calls(
        game, ONE, from_optax(optax.optimistic_gradient_descent(0.45)), distance
    )
    share = taken["past extragradient"] / taken["extragradient"]
    return [
        Figure("bilinear, calls of past extragradient, ratio", share, "extragradient", 1 / 3.3,
               detail=taken)
    ]  # fmt: skip


def monotone() -> list[Figure]:
    """A strongly monotone quadratic of 50 + 50 unknowns, at the steps that methods choose."""
    rng = np.random.default_rng(0)
    coupling = jnp.asarray(rng.standard_normal((50, 50)) / 50**0.5)
    game = st.Saddle(
        lambda x, y, c: 0.05 * jnp.sum(x**2) + x @ c @ y - 0.05 * jnp.sum(y**2), data=coupling
    )
    start = (jnp.ones(50), jnp.ones(50))
    taken = {name: calls(game, start, kind(), distance) for name, kind in EXTRA.items()}
    size = float(st.methods.lipschitz(game, start))
    rates = [f / size for f in (0.02, 0.05, 0.1, 0.2, 0.5)]
    taken |= {
        f"restarted {name}": calls(game, start, Restarted(kind()), distance)
        for name, kind in EXTRA.items()
    }
    taken["descent-ascent, best of 5 steps"] = min(
        calls(game, start, GradientDescentAscent(rate), distance) for rate in rates
    )
    share = taken["past extragradient"] / taken["extragradient"]
    peer = "extragradient, own steps both"
    return [
        Figure("strongly monotone, calls of past extragradient, ratio", share, peer, detail=taken),
        Figure("strongly monotone, calls of restarted past extragradient, ratio",
               taken["restarted past extragradient"] / taken["past extragradient"],
               "past extragradient", 2.0),
    ]  # fmt: skip


def matrix_games() -> list[Figure]:
    """Random 100 x 100 games on simplices: calls to a relative gap of 1e-8, median of 5 games.

    Every method of ours at the steps that it chooses. Of peers with a rate, the best rate for each
    game.
    """
    simplex = st.Simplex()
    even = (jnp.full(OPTIONS, 1 / OPTIONS),) * 2
    seeds = map(np.random.default_rng, range(GAMES))
    payoffs = jnp.stack([rng.standard_normal((OPTIONS, OPTIONS)) for rng in seeds])
    game = st.Saddle(lambda x, y, a: x @ a @ y, simplex, simplex, data=payoffs[0])

    def taken(method: Any) -> list[float]:
        return calls(game, even, method, gap, limit=PATIENCE, batch=payoffs)

    ours = {f"restarted {name}": taken(Restarted(kind())) for name, kind in EXTRA.items()}
    last = {f"{name}, last point": taken(kind()) for name, kind in EXTRA.items()}
    rates = [taken(OptimisticWeights(rate)) for rate in (0.1, 0.2, 0.5, 1.0, 2.0)]
    peers = {
        "regret matching+, in turn, linear average": taken(RegretMatching(False, 1)),
        "predictive regret matching+, in turn, linear average": taken(RegretMatching(True, 1)),
        "predictive regret matching+, in turn, quadratic average": taken(RegretMatching(True, 2)),
        "optimistic weights, last point, best of 5 rates": [
            min(each) for each in zip(*rates, strict=True)
        ],
    }
    counts = ours | last | peers
    medians = {name: statistics.median(each) for name, each in counts.items()}
    best = min(peers, key=lambda name: medians[name])
    detail = {
        name: count if count < float("inf") else f"not within {PATIENCE}"
        for name, count in medians.items()
    }
    reached = medians["restarted past extragradient"]
    return [
        Figure("matrix games, calls of restarted past extragradient to a gap of 1e-8", reached,
               "none", detail=detail),
        Figure("matrix games, the same over the best peer's, ratio", reached / medians[best], best),
        Figure("matrix games, calls of restarted past extragradient, ratio",
               reached / medians["restarted extragradient"],
               "restarted extragradient, own steps both"),
    ]  # fmt: skip


def degenerate() -> list[Figure]:
    """f = -x^2/4 + xy, no curvature in y: who gets to the local minimax point at all."""
    start = (jnp.array(0.1), jnp.array(0.1))
    ours = calls(DEGENERATE, start, ExtraGradient(0.9, timescale=TIMESCALE), distance)

    def nearest(make: Callable, rates: np.ndarray) -> float:
        """The smallest distance after 20 000 steps over that at the start, best of the rates."""
        system = DEGENERATE.lower(start)

        @jax.jit
        def last(rate: jax.Array) -> jax.Array:
            method = make(rate)
            state = method.init(system, st.Point(start, {}))
            move = jax.lax.fori_loop(0, 20_000, lambda _, s: method.step(system, s)[0], state)
            return distance(*method.point(move).primal, None)

        ends = np.asarray(jax.vmap(last)(jnp.asarray(rates)))
        ends = np.where(np.isfinite(ends), ends, np.finfo(float).max)
        return float(np.min(ends) / distance(*start, None))

    rates = np.geomspace(1e-2, 2.0, 40)

    def optimistic(rate: Any) -> Any:
        return from_optax(optax.optimistic_gradient_descent(rate))

    def apart(rate: Any) -> Any:
        rules = {
            "slow": optax.optimistic_gradient_descent(rate / TIMESCALE),
            "fast": optax.optimistic_gradient_descent(rate),
        }
        return from_optax(optax.multi_transform(rules, ("slow", "fast")))

    plain = nearest(lambda rate: GradientDescentAscent(rate, timescale=TIMESCALE), rates)
    detail = {
        "optax, optimistic, rates 100 apart, nearest": nearest(apart, rates),
        "descent-ascent, one timescale, nearest": nearest(GradientDescentAscent, rates),
    }
    best = "itself at the start; best of 40 step sizes, 0.01 to 2, 20 000 steps"
    left = "degenerate game, distance left by"
    optimists = nearest(optimistic, rates)
    return [
        Figure("degenerate game, calls of two-timescale extragradient", ours, "none", 50_000),
        Figure(f"{left} optax's optimistic descent, ratio", optimists, best, None, 1.0, detail),
        Figure(f"{left} descent-ascent on two timescales, ratio", plain, best, None, 1.0),
    ]


def run() -> list[Figure]:
    """Bilinear, strongly monotone, matrix and degenerate games."""
    return [*bilinear(), *monotone(), *matrix_games(), *degenerate()]
