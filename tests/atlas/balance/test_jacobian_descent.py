"""Paper 43's pieces are what their names say."""

import numpy as np
import optax

from stationary.atlas.balance.jacobian_descent import _quadratics, _samples


def test_rises_are_counted_by_step_and_at_the_end():
    curve = np.array([[1.0, 1.0], [0.5, 1.5], [0.25, 1.2], [0.5, 0.9]])
    assert _quadratics._rises(curve) == (2, 1.0, 0)
    assert _quadratics._rises(curve[:2])[2] == 1


def test_loss_is_the_cross_entropy_of_a_network():
    rng = np.random.default_rng(0)
    params = _samples.initial(rng, (4, 6, 3))
    x = rng.standard_normal(4)
    (first, a), (second, b) = params
    logits = np.maximum(x @ first + a, 0) @ second + b
    want = optax.softmax_cross_entropy_with_integer_labels(logits, np.array(2))
    np.testing.assert_allclose(_samples.loss(params, (x, 2)), want, rtol=1e-10)
