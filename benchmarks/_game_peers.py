"""Matrix games as they are solved without this library: regret matching and weights."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

import stationary as st


class Matched(NamedTuple):
    """What regret matching carries for one player."""

    regrets: jax.Array
    played: jax.Array
    losses: jax.Array
    mean: jax.Array


class RegretMatching(NamedTuple):
    """Regret matching+ in turn: Tammelin (2014), and with predictions Farina et al. (2021).

    The answer is the average weighted by t^power: 1 is the practice for regret matching+ and 2 that
    for its predictive form, which takes the last losses for the next ones.
    """

    predictive: bool
    power: int

    def init(self, _: Any, point: st.Point, payoff: jax.Array) -> tuple:
        x, y = point.primal
        players = (
            Matched(jnp.zeros_like(x), x, payoff @ y, x),
            Matched(jnp.zeros_like(y), y, -(payoff.T @ x), y),
        )
        return *players, jnp.zeros((), jnp.int32)

    def step(self, _: Any, state: tuple, payoff: jax.Array) -> tuple:
        count = state[2] + 1
        share = (1 + self.power) / (count + self.power)
        first, second = self._played(state[0], share), self._played(state[1], share)
        second = _observed(second, -(payoff.T @ first.played))
        ahead = self._played(second, share).played
        first = _observed(first, payoff @ ahead)
        return (first, second, count), None

    def _played(self, player: Matched, share: jax.Array) -> Matched:
        regrets = player.regrets
        if self.predictive:
            expected = player.played @ player.losses
            regrets = jnp.maximum(regrets + expected - player.losses, 0)
        total = jnp.sum(regrets)
        even = jnp.full_like(regrets, 1 / regrets.size)
        mixed = jnp.where(total > 0, regrets / jnp.where(total > 0, total, 1), even)
        return player._replace(played=mixed, mean=player.mean + share * (mixed - player.mean))

    def point(self, state: tuple) -> st.Point:
        return st.Point((state[0].mean, state[1].mean), {})


class OptimisticWeights(NamedTuple):
    """Optimistic multiplicative weights, last strategies: Daskalakis and Panageas (2019)."""

    rate: float

    def init(self, _: Any, point: st.Point, payoff: jax.Array) -> tuple:
        x, y = point.primal
        return jnp.log(x), jnp.log(y), payoff @ y, -(payoff.T @ x)

    def step(self, _: Any, state: tuple, payoff: jax.Array) -> tuple:
        x, y = self.point(state).primal
        by_x, by_y = payoff @ y, -(payoff.T @ x)
        first = state[0] - self.rate * (2 * by_x - state[2])
        second = state[1] - self.rate * (2 * by_y - state[3])
        return (first, second, by_x, by_y), None

    def point(self, state: tuple) -> st.Point:
        return st.Point((jax.nn.softmax(state[0]), jax.nn.softmax(state[1])), {})


def _observed(player: Matched, losses: jax.Array) -> Matched:
    """The regrets after losses."""
    expected = player.played @ losses
    regrets = jnp.maximum(player.regrets + expected - losses, 0)
    return player._replace(regrets=regrets, losses=losses)
