"""Exact Gaussian processes against scikit-learn, SciPy and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

import stationary as st
from stationary.multitask import (
    Coregionalization,
    InteractionKernel,
    LinearMultitaskKernel,
    SquaredExponential,
    fit_kernel,
    marginal_likelihood,
    posterior,
)

SCALES = np.array([0.7, 1.9])
MIXING = np.random.default_rng(3).normal(size=(2, 3, 1))
C = np.array([[1.0, 0.6], [0.6, 1.0]])
NOISE = np.array([0.1, 0.3, 0.2])


def observations(count=15, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 5, (count, 1))
    return x, np.sin(x[:, 0]) + 0.1 * rng.normal(size=count), rng.integers(0, 3, count)


def test_density_and_posterior_are_those_of_the_normal_distribution():
    kernel = InteractionKernel(SquaredExponential(SCALES), MIXING, C)
    x, y, tasks = observations()
    covariance = np.asarray(kernel(x, tasks)) + np.diag(NOISE[tasks])
    expected = multivariate_normal(np.zeros(15), covariance).logpdf(y)
    found = marginal_likelihood(kernel, NOISE, x, y, tasks)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    new, where = np.linspace(0, 5, 6)[:, None], np.array([0, 1, 2, 0, 1, 2])
    mean, variance = posterior(kernel, NOISE, x, y, tasks).predict(new, where)
    cross = np.asarray(kernel(new, where, x, tasks))
    np.testing.assert_allclose(mean, cross @ np.linalg.solve(covariance, y), rtol=1e-9)
    whole = np.asarray(kernel(new, where)) - cross @ np.linalg.solve(covariance, cross.T)
    np.testing.assert_allclose(variance, np.diag(whole), rtol=1e-8)


def test_one_task_agrees_with_scikit_learn():
    x, y, _ = observations()
    theirs = GaussianProcessRegressor(
        ConstantKernel(1.7) * RBF(0.8) + WhiteKernel(0.05), optimizer=None
    ).fit(x, y)
    kernel = Coregionalization(SquaredExponential(np.array([0.8])), np.full((1, 1, 1), 1.7**0.5))
    one = np.zeros(15, int)
    density = marginal_likelihood(kernel, 0.05, x, y, one)
    np.testing.assert_allclose(density, theirs.log_marginal_likelihood_value_, rtol=1e-8)
    new = np.linspace(-1, 6, 9)[:, None]
    mean, spread = theirs.predict(new, return_std=True)
    found = posterior(kernel, 0.05, x, y, one).predict(new, 0)
    np.testing.assert_allclose(found[0], mean, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found[1] + 0.05, spread**2, rtol=1e-6)


def test_fit_of_one_task_is_that_of_scikit_learn():
    x, y, _ = observations(25)
    wide = (1e-5, 1e5)
    theirs = GaussianProcessRegressor(
        ConstantKernel(1.0, wide) * RBF(1.0, wide) + WhiteKernel(0.1, wide)
    ).fit(x, y)
    kernel = Coregionalization(SquaredExponential(np.ones(1)), np.ones((1, 1, 1)))
    fit = fit_kernel(kernel, 0.1, x, y, np.zeros(25, int), starts=2)
    assert fit.status is st.Status.CONVERGED
    np.testing.assert_allclose(fit.log_likelihood, theirs.log_marginal_likelihood_value_, rtol=1e-6)
    scale = theirs.kernel_.k1.k2.length_scale
    np.testing.assert_allclose(fit.kernel.latents.scales, [[scale]], rtol=1e-3)
    assert np.nanmax(fit.log_likelihoods) == fit.log_likelihood


def test_derivatives_are_those_of_differences_in_both_modes():
    kernel = InteractionKernel(SquaredExponential(SCALES), MIXING, C)
    x, y, tasks = observations(8)

    def density(free, level, outputs):
        return marginal_likelihood(kernel.bound(free), jnp.exp(level), x, outputs, tasks)

    at = kernel.free(), jnp.log(NOISE), jnp.asarray(y)
    check_grads(jax.jit(density), at, order=1, modes=("fwd", "rev"), atol=1e-5, rtol=1e-5)


def test_an_interacting_fit_is_at_least_as_likely_as_its_parent():
    x, y, tasks = observations(24)
    latents = SquaredExponential(SCALES)
    apart = fit_kernel(Coregionalization(latents, MIXING), 0.1, x, y, tasks, starts=3)
    from_there = InteractionKernel(apart.kernel.latents, apart.kernel.mixing, np.eye(2))
    together = fit_kernel(from_there, apart.noise, x, y, tasks, starts=1)
    assert together.log_likelihood >= apart.log_likelihood - 1e-6
    np.testing.assert_allclose(apart.kernel.interaction, np.eye(2), atol=1e-15)


KERNEL = LinearMultitaskKernel(1.0, np.ones(2))
GOOD = {
    "kernel": KERNEL,
    "noise": 0.1,
    "inputs": np.array([[1.0], [2.0], [1.0]]),
    "outputs": np.ones(3),
    "tasks": np.array([0, 0, 1]),
}


@pytest.mark.parametrize("function", [marginal_likelihood, posterior])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"tasks": np.array([0, 0, 2])}, "must lie in 0, ..., 1, got 2"),
        ({"outputs": np.ones((3, 1))}, "outputs must be a vector"),
        ({"outputs": np.array([1.0, np.nan, 0.0])}, "outputs: 1 of its 3 entries"),
        ({"noise": -0.1}, "noise is a variance, and may not be negative"),
        ({"noise": np.ones(3)}, "one for each of the 2 tasks"),
        (
            {"noise": np.array([0.0, 1.0]), "tasks": np.array([0, 0, 0])},
            "row 0 occurs more than once in task 0, whose noise is 0",
        ),
    ],
)
def test_bad_input_is_named(function, wrong, words):
    with pytest.raises(ValueError, match=words):
        function(**(GOOD | wrong))


def test_duplicates_are_fine_across_tasks_and_with_noise():
    exact = {**GOOD, "noise": np.array([0.0, 0.0])}
    smooth = Coregionalization(SquaredExponential(np.ones(2)), np.eye(2)[:, :, None])
    assert np.isfinite(marginal_likelihood(**(exact | {"kernel": smooth})))
    assert np.isfinite(marginal_likelihood(**(GOOD | {"tasks": np.zeros(3, int)})))


def test_a_singular_covariance_is_said():
    with pytest.raises(ValueError, match="not positive definite to rounding"):
        smooth = Coregionalization(SquaredExponential(np.ones(1)), np.ones((1, 1, 1)))
        near = np.linspace(0, 1e-3, 30)[:, None]
        posterior(smooth, 0.0, near, np.ones(30), np.zeros(30, int))


def test_a_fit_without_noise_or_starts_is_refused():
    with pytest.raises(ValueError, match="noise must be positive"):
        fit_kernel(**(GOOD | {"noise": 0.0}))
    with pytest.raises(ValueError, match="starts must be at least 1"):
        fit_kernel(**GOOD, starts=0)
