"""Paper 12's own pieces, against the published numbers and by other means."""

import jax.numpy as jnp
import numpy as np
import pytest

from stationary.atlas.saddle.two_timescale_extragradient._certificate import random_game, stable
from stationary.atlas.saddle.two_timescale_extragradient._degenerate import (
    GAME,
    IMPOSTOR,
    KINDS,
    by_hand,
    trajectory,
)

RADII = {
    (0.4, "descent-ascent"): 1.00179838,
    (0.4, "extragradient"): 1.00020486,
    (0.6, "descent-ascent"): 1.00329457,
    (0.6, "extragradient"): 0.99971634,
    (0.9, "descent-ascent"): 1.00628028,
    (0.9, "extragradient"): 0.99825964,
}


@pytest.mark.parametrize("step, kind", RADII)
def test_radii_by_hand_are_the_known_ones(step, kind):
    assert by_hand(kind, step) == pytest.approx(RADII[step, kind], abs=1e-8)


def test_a_trajectory_grows_at_its_radius():
    start = (jnp.array(0.1), jnp.array(0.1))
    run = trajectory(GAME, start, KINDS["descent-ascent"](0.9, timescale=100.0), 2000)
    assert run.shape == (2001, 2)
    np.testing.assert_allclose(run[0], [0.1, 0.1])
    # The modulus in the eigenvectors' coordinates, where the map is a scaled rotation.
    e = 0.01
    jacobian = np.array([[-0.5 * e, e], [-1.0, 0.0]])
    sizes = np.abs(run @ np.linalg.inv(np.linalg.eig(jacobian)[1]).T)[:, 0]
    np.testing.assert_allclose(sizes[1:] / sizes[:-1], 1.00628028, atol=1e-8)


def test_the_impostor_leaves_along_its_first_unknown():
    start = (jnp.array([1e-4, 0.0]), jnp.array(0.0))
    run = trajectory(IMPOSTOR, start, KINDS["extragradient"](0.6, timescale=100.0), 100)
    # x1 alone: 1 - s l + (s l)^2 with l = -1/200.
    np.testing.assert_allclose(run[-1], [1e-4 * (1 + 0.003 + 9e-6) ** 100, 0, 0], rtol=1e-12)


def test_random_games_have_the_rank_they_are_asked_for():
    rng = np.random.default_rng(0)
    for rank in (1, 2, 3):
        a, b, _ = random_game(rng, rank)
        values = np.sort(np.linalg.eigvalsh(b))
        assert np.all(values[:rank] <= -0.5) and np.all(np.abs(values[rank:]) < 1e-12)
        np.testing.assert_array_equal(a, a.T)


def test_stability_is_that_of_the_iteration():
    data = (np.eye(3), -np.eye(3), np.zeros((3, 3)))
    # Uncoupled: y contracts for steps in (0, 1), x at a rate next to 1.
    np.testing.assert_array_equal(stable(data, np.array([0.5, 1.5])) < 1, [True, False])
