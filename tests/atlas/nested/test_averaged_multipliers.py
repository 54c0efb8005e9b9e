"""Paper 8's experiments are what their names say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.atlas.nested.averaged_multipliers import _flipped, _measure
from stationary.methods import BilevelDescent


@pytest.fixture(scope="module")
def drawn():
    return _flipped.samples(np.random.default_rng(0))


def test_half_of_the_training_labels_are_flipped_and_no_clean_one(drawn):
    data, wrong = drawn
    assert 0.4 < wrong.mean() < 0.6
    mean = np.asarray(data["clean rows"] * data["clean labels"][:, None]).mean(axis=0)
    assert np.linalg.norm(mean) == pytest.approx(_flipped.APART, rel=0.1)
    agrees = np.asarray(data["rows"] @ mean * data["labels"]) > 0
    assert agrees[~wrong].mean() > 0.9
    assert agrees[wrong].mean() < 0.1


def test_the_unweighted_fit_is_that_of_scikit_learn(drawn):
    linear_model = pytest.importorskip("sklearn.linear_model")
    data, _ = drawn
    rows, labels = np.asarray(data["rows"]), np.asarray(data["labels"])
    model = linear_model.LogisticRegression(C=1e10, tol=1e-8, max_iter=1000).fit(rows, labels)
    expected = np.concatenate([model.coef_[0], model.intercept_])
    np.testing.assert_allclose(_flipped.unweighted(data), expected, atol=1e-4)


def test_a_trajectory_begins_at_the_start_and_has_the_residuals_of_its_points():
    mu = 0.3
    response = _measure.st.Averaged(mu, exact=False)
    method = BilevelDescent(0.05, (0.1, 0.1), order="simultaneous")
    x, y, norms = _measure.trajectory(response, method, 4, 3)
    np.testing.assert_array_equal(x[0], 0.01)
    slope = mu * jax.grad(_measure.upper, 1)(x[2], y[2])
    slope += (1 - mu) * jax.grad(_measure.lower, 1)(x[2], y[2])
    assert norms[2, 1] == pytest.approx(float(jnp.linalg.norm(slope)))
    np.testing.assert_allclose(y[1], y[0] - 0.1 * _slope(mu, x[0], y[0]), rtol=1e-12)


def _slope(mu, x, y):
    by_upper, by_lower = (jax.grad(f, 1)(x, y) for f in (_measure.upper, _measure.lower))
    return mu * by_upper + (1 - mu) * by_lower
