"""Paper 113's experiments are what their names say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.atlas.nested.descent_aggregation import _cleaning, _measure


def test_half_of_the_training_labels_are_wrong_and_all_others_right():
    rng = np.random.default_rng(0)
    samples, wrong, (rows, label) = _cleaning.mixture(rng)
    assert 0.45 < wrong.mean() < 0.55
    means = np.stack([rows[label == c].mean(axis=0) for c in range(_cleaning.CLASSES)])

    def nearest(rows):
        return np.argmin(((np.asarray(rows)[:, None] - means) ** 2).sum(axis=2), axis=1)

    own, clean = (np.argmax(samples[name], axis=1) for name in ("labels", "clean labels"))
    right = nearest(samples["rows"]) == own
    assert right[~wrong].mean() > 0.6
    assert right[wrong].mean() < 0.1
    assert (nearest(samples["clean rows"]) == clean).mean() > 0.6


def test_losses_are_cross_entropies():
    rng = np.random.default_rng(1)
    rows, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 5))
    label = np.array([0, 4, 2, 2])
    scores = rows @ y[:3] + y[3]
    odds = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    expected = -np.log(odds[np.arange(4), label])
    found = _cleaning.losses(jnp.asarray(y), jnp.asarray(rows), jnp.eye(5)[label])
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_f1_and_accuracy_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(2)
    x, wrong = rng.normal(size=50), rng.random(50) < 0.5
    assert _cleaning._f1(x, wrong) == pytest.approx(metrics.f1_score(wrong, x < 0))


def test_the_upper_value_at_the_answer_is_zero_and_the_lower_one_does_not_see_y2():
    one = jnp.ones(2)
    assert float(_measure.upper(1.0, one)) == 0
    assert float(jax.grad(_measure.indifferent, 1)(0.3, one)[1]) == 0
    # The unique answer y = (x, -x) makes the upper objective least at x = 1/5.
    assert float(jax.grad(lambda x: _measure.upper(x, jnp.stack([x, -x])))(0.2)) == pytest.approx(0)
    answer = jnp.array([0.2, -0.2])
    np.testing.assert_allclose(jax.grad(_measure.unique, 1)(0.2, answer), 0, atol=1e-15)
