"""Descent-ascent: its recursion, its averages, and what it refuses."""

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import EntropicGeometry, GradientDescentAscent

ONE = (jnp.array(1.0), jnp.array(1.0))


def test_in_turn_the_second_player_sees_the_first_ones_move(iterate):
    game = st.Saddle(lambda x, y: 2 * x * y + x**2 / 2)
    states, _ = iterate(game, ONE, GradientDescentAscent(0.3, alternating=True, timescale=3.0), 8)
    x, y = 1.0, 1.0
    for got_x, got_y in zip(*states.base.primal, strict=True):
        x = x - 0.1 * (2 * y + x)
        y = y + 0.3 * 2 * x
        np.testing.assert_allclose([got_x, got_y], [x, y], rtol=1e-12)


@pytest.mark.parametrize("alternating, radius", [(False, np.hypot(1, 0.3)), (True, 1.0)])
def test_a_rotation_is_left_or_circled(alternating, radius, iterate):
    game = st.Saddle(lambda x, y: x * y)
    method = GradientDescentAscent(0.3, alternating=alternating)
    states, _ = iterate(game, ONE, method, 400)
    sizes = np.hypot(*states.base.primal)
    # In turn the map has two eigenvalues of modulus 1, so sizes swing and do not grow.
    rate = (sizes[200:].max() / sizes[:200].max()) ** (1 / 200)
    np.testing.assert_allclose(rate, radius, rtol=1e-3)


def test_multiplicative_weights_converge_on_average(matrix_game, iterate):
    game, x0 = matrix_game
    x0 = tuple(jnp.eye(leaf.size)[0] * 0.6 + 0.4 / leaf.size for leaf in x0)
    method = GradientDescentAscent(0.02, geometry=EntropicGeometry(), average=True)
    states, _ = iterate(game, x0, method, 20_000)
    payoff = np.asarray(game.data)
    x, y = (leaf[-1] for leaf in states.mean.primal)
    gap = (payoff.T @ x).max() - (payoff @ y).min()
    # The regret of each is at most log(n) / (g T) + g |A|^2 / 8 (Cesa-Bianchi and Lugosi, 2006).
    spread = payoff.max() - payoff.min()
    assert 0 <= gap <= (np.log(5) + np.log(6)) / (0.02 * 20_000) + 2 * 0.02 * spread**2 / 8


def test_in_turn_takes_two_samples_a_step(iterate):
    stream = st.Batches(np.arange(1.0, 9.0), batch_size=1, shuffle=False)
    game = st.Saddle(st.Expectation(lambda z, row: row * (z[0] + z[1]), stream))
    for alternating, first, second in ((False, [2, 3, 4], [2, 3, 4]), (True, [2, 4, 6], [3, 5, 7])):
        method = GradientDescentAscent(1.0, alternating=alternating)
        states, _ = iterate(game, (jnp.array(0.0), jnp.array(0.0)), method, 3)
        x, y = (np.diff(np.r_[0, leaf]) for leaf in states.base.primal)
        np.testing.assert_allclose(-x, first)
        np.testing.assert_allclose(y, second)


def test_what_it_refuses():
    with pytest.raises(ValueError, match="no step that is safe for all saddles"):
        GradientDescentAscent(None)
    with pytest.raises(ValueError, match="step_size must be positive"):
        GradientDescentAscent(-1.0)
    field = st.VariationalInequality(lambda x: x)
    system = field.lower(jnp.ones(2))
    method = GradientDescentAscent(0.1, alternating=True)
    with pytest.raises(TypeError, match="none that ascend"):
        st.run(system, jnp.ones(2), method)
