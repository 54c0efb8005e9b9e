"""Multi-task ridge regression against direct minimisers and its limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from stationary.multitask import LinearMultitaskKernel, MultitaskFit, multitask_ridge, posterior
from stationary.multitask._ridge import _by_features, _by_samples
from stationary.multitask._samples import by_task


def least_squares(inputs, outputs, tasks, shared, own):
    """The objective as one least-squares problem in (w_0, v_1, ..., v_T), by LAPACK."""
    (count, d), t = inputs.shape, len(own)
    rows = np.zeros((count, (t + 1) * d))
    rows[:, :d] = inputs
    for i, task in enumerate(tasks):
        rows[i, (task + 1) * d : (task + 2) * d] = inputs[i]
    penalty = np.diag(1 / np.sqrt(np.repeat([shared, *own], d)))
    targets = np.concatenate([outputs, np.zeros((len(penalty), *outputs.shape[1:]))])
    found = np.linalg.lstsq(np.vstack([rows, penalty]), targets, rcond=None)[0]
    middle = found[:d]
    return middle + found[d:].reshape(t, d, *outputs.shape[1:]), middle


@pytest.mark.parametrize("counts", [(40, 7, 25), (3, 4, 2)], ids=["features", "samples"])
@pytest.mark.parametrize("columns", [(), (2,)], ids=["vector", "matrix"])
def test_it_is_the_minimiser(linear_tasks, counts, columns):
    inputs, outputs, tasks, _ = linear_tasks(counts, 9, columns)
    own = np.array([0.2, 3.0, 1.0])
    fit = multitask_ridge(inputs, outputs, tasks, 0.7, own)
    weights, middle = least_squares(inputs, outputs, tasks, 0.7, own)
    np.testing.assert_allclose(fit.weights, weights, atol=1e-12)
    np.testing.assert_allclose(fit.shared_weights, middle, atol=1e-12)
    np.testing.assert_allclose(fit.own_weights.sum(0), (weights - middle).sum(0), atol=1e-12)
    fitted = np.einsum("nd,nd...->n...", inputs, weights[tasks])
    np.testing.assert_allclose(fit.predict(inputs, tasks), fitted, atol=1e-12)
    np.testing.assert_allclose(fit.predict(inputs, 1), np.tensordot(inputs, weights[1], 1))


def test_both_spaces_give_one_answer(linear_tasks):
    inputs, outputs, tasks, _ = linear_tasks((12, 5), 8)
    samples, _ = by_task(inputs, outputs, tasks, 2)
    both = [f(samples, jnp.array(0.3), jnp.array([0.1, 2.0])) for f in (_by_features, _by_samples)]
    for first, second in zip(*both, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-13)


def test_it_is_kernel_ridge_and_the_mean_of_a_gaussian_process(linear_tasks):
    inputs, outputs, tasks, _ = linear_tasks((20, 10), 6)
    new, where = np.random.default_rng(1).normal(size=(5, 6)), np.array([0, 1, 1, 0, 1])
    kernel = LinearMultitaskKernel(0.4, np.array([1.0, 0.2]))
    ours = multitask_ridge(inputs, outputs, tasks, 0.4, np.array([1.0, 0.2])).predict(new, where)
    theirs = KernelRidge(alpha=1.0, kernel="precomputed")
    theirs.fit(np.asarray(kernel(inputs, tasks)), outputs)
    np.testing.assert_allclose(
        ours, theirs.predict(np.asarray(kernel(new, where, inputs, tasks))), rtol=1e-10
    )
    process = posterior(kernel, 1.0, inputs, outputs, tasks).predict(new, where)[0]
    np.testing.assert_allclose(ours, process, rtol=1e-10)


def test_limits_are_pooled_and_independent_ridge(linear_tasks):
    inputs, outputs, tasks, _ = linear_tasks((20, 10), 6)
    pooled = Ridge(alpha=1 / 0.4, fit_intercept=False).fit(inputs, outputs).coef_
    fit = multitask_ridge(inputs, outputs, tasks, 0.4, 1e-12)
    np.testing.assert_allclose(fit.weights, [pooled, pooled], rtol=1e-8)
    fit = multitask_ridge(inputs, outputs, tasks, 1e-12, 0.4)
    for task in range(2):
        rows = tasks == task
        alone = Ridge(alpha=1 / 0.4, fit_intercept=False).fit(inputs[rows], outputs[rows])
        np.testing.assert_allclose(fit.weights[task], alone.coef_, rtol=1e-8)


def test_it_compiles_with_known_tasks_and_keeps_float32(linear_tasks):
    inputs, outputs, tasks, _ = linear_tasks((20, 10), 6)
    traced = jax.jit(lambda x, y, a: multitask_ridge(x, y, tasks, a, 1.0).weights)
    expected = multitask_ridge(inputs, outputs, tasks, 0.4, 1.0)
    np.testing.assert_allclose(traced(inputs, outputs, 0.4), expected.weights, rtol=1e-12)
    small = multitask_ridge(inputs.astype("f4"), outputs.astype("f4"), tasks, 0.4, 1.0)
    assert small.weights.dtype == np.float32
    np.testing.assert_allclose(small.weights, expected.weights, atol=1e-4)


GOOD = {
    "inputs": np.ones((3, 2)),
    "outputs": np.ones(3),
    "tasks": np.array([0, 1, 1]),
    "shared": 1.0,
    "own": 1.0,
}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"shared": 0.0}, "shared must be positive and finite, got 0"),
        ({"shared": np.inf}, "shared must be positive and finite"),
        ({"own": np.array([1.0, -2.0])}, "own must be positive and finite, got "),
        ({"own": np.ones((2, 2))}, "own a number or one for each of"),
        ({"own": np.ones(3)}, "task 2 of 3 has no samples"),
        ({"tasks": np.array([0, 2, 2])}, "task 1 of 3 has no samples"),
        ({"own": np.ones(2), "tasks": np.array([0, 1, 2])}, r"must lie in 0, ..., 1, got 2"),
        ({"tasks": np.array([0, -1, 1])}, "must lie in 0, ..., 1, got -1"),
        ({"tasks": np.array([0.0, 1.0, 1.0])}, "tasks must be integers"),
        ({"tasks": np.array([0, 1])}, r"one task per row of the inputs, shape \(3,\)"),
        ({"outputs": np.ones(4)}, "outputs must have one row per row of the inputs, 3"),
        ({"inputs": np.ones(3)}, "inputs must have one point per row"),
        ({"inputs": np.full((3, 2), np.nan)}, "inputs: 6 of its 6 entries are NaN"),
        ({"outputs": np.array([1.0, np.inf, 0.0])}, "outputs: 1 of its 3 entries"),
    ],
)
def test_bad_input_is_named(wrong, words):
    with pytest.raises(ValueError, match=words):
        multitask_ridge(**(GOOD | wrong))


def test_no_samples_and_traced_tasks_are_refused():
    with pytest.raises(ValueError, match="there are no samples"):
        multitask_ridge(np.ones((0, 2)), np.ones(0), np.zeros(0, int), 1.0, 1.0)
    with pytest.raises(TypeError, match="tasks must be known outside compiled code"):
        jax.jit(lambda tasks: multitask_ridge(**(GOOD | {"tasks": tasks})))(GOOD["tasks"])


def test_predictions_for_other_shapes_and_tasks_are_refused():
    fit = MultitaskFit(jnp.ones((2, 3)), jnp.ones(3))
    with pytest.raises(ValueError, match="inputs have 2 columns, but the fit is for 3"):
        fit.predict(np.ones((1, 2)), 0)
    with pytest.raises(ValueError, match="must lie in 0, ..., 1, got 2"):
        fit.predict(np.ones((1, 3)), 2)
