"""Paper 103's simulations and series are what their names say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.atlas.multitask.random_matrix_regression import _forecasting, _simulation
from stationary.multitask import asymptotic_risk


def test_theory_has_the_numbers_of_an_independent_computation():
    """From a fixed point over the full matrices, with the paper's division by sqrt(T d)."""
    model = _simulation.example().population(_simulation.COUNTS)
    unit = _simulation.UNIT
    risk = asymptotic_risk(model, _simulation.LAMBDA * unit, _simulation.GAMMA * unit)
    np.testing.assert_allclose(risk.test, [0.16401, 0.15300], atol=6e-6)


@pytest.mark.parametrize("draw", ["normal", "signs", "uniform"])
def test_inputs_have_mean_0_and_the_variances_of_their_task(draw):
    tasks = _simulation.example(8)
    inputs, outputs, which = _simulation.sample(jax.random.key(0), tasks, (4000, 4000), draw)
    for task in range(2):
        rows = np.asarray(inputs)[which == task]
        np.testing.assert_allclose(rows.mean(0), 0, atol=0.1)
        np.testing.assert_allclose(np.cov(rows.T), np.diag(tasks.variances[task]), atol=0.12)
        rest = np.asarray(outputs)[which == task] - rows @ tasks.weights[task]
        np.testing.assert_allclose(rest.var(), tasks.noise[task], rtol=0.1)


def test_distance_is_in_standard_errors_and_a_part_of_the_theory():
    draws = jnp.array([[0.0], [2.0]])  # mean 1, standard error 1
    assert _simulation.distance([1.0], draws) == 0
    assert _simulation.distance([60.0], draws, 60) == pytest.approx(59 / 4)


def test_series_are_standardized_stable_and_seasonal():
    values = _forecasting.series(np.random.default_rng(0), 4000)
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-12)
    halves = np.split(values, 2)
    np.testing.assert_allclose(halves[0].std(0), halves[1].std(0), rtol=0.2)
    power = np.abs(np.fft.rfft(values[:3864], axis=0)) ** 2  # whole weeks
    for period in (24, 12, 168):
        near = power[3864 // period - 8 : 3864 // period + 9]
        assert np.all(near[8] > 3 * np.median(near, axis=0))


def test_windows_end_in_0_and_are_what_follows():
    values = np.arange(200.0)[:, None] + np.array([0.0, 1000.0])
    inputs, outputs, channels = _forecasting.windows(values, 24, 8, 4)
    np.testing.assert_array_equal(inputs[:, -1], 0)
    np.testing.assert_array_equal(outputs, np.tile(np.arange(1.0, 9), (len(outputs), 1)))
    assert np.bincount(channels).tolist() == [43, 43]
