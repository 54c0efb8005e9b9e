"""Multi-task kernels against quadrature, direct sums, and positive semidefiniteness."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from stationary.multitask import (
    Coregionalization,
    InteractionKernel,
    LinearMultitaskKernel,
    SpectralMixture,
    SquaredExponential,
)

SCALES = np.array([0.7, 1.9])
PEAKS = {"frequencies": np.array([0.6, 0.9]), "bandwidths": np.array([0.2, 0.35])}
WEIGHTS = np.array([1.3, 0.4])


def gaussian_density(scale):
    """The spectral density of exp(-t^2 / (2 l^2)), in cycles."""
    return lambda s: scale * np.sqrt(2 * np.pi) * np.exp(-2 * (np.pi * scale * s) ** 2)


def peak(i):
    m, v = PEAKS["frequencies"][i], PEAKS["bandwidths"][i] ** 2
    return lambda s: WEIGHTS[i] * np.exp(-((s - m) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)


@pytest.mark.parametrize("i", [0, 1])
@pytest.mark.parametrize("j", [0, 1])
@pytest.mark.parametrize("lag", [0.0, 0.4, 1.7])
def test_cross_covariances_are_inverse_transforms_of_the_root_of_the_spectra(i, j, lag):
    smooth = SquaredExponential(SCALES)
    waves = SpectralMixture(WEIGHTS, **PEAKS)
    families = (smooth, [gaussian_density(s) for s in SCALES]), (waves, [peak(0), peak(1)])
    for latents, densities in families:

        def integrand(s, first=densities[i], second=densities[j]):
            return np.sqrt(first(s) * second(s)) * np.cos(2 * np.pi * s * lag)

        # The halves of a spectral mixture are mirror images: the real part of one is both.
        expected = quad(integrand, -12, 12, limit=400, epsabs=1e-13, points=[0.0, 0.6, 0.9])[0]
        found = latents.covariance(i, j, jnp.array([[lag]]), jnp.zeros((1, 1)))
        np.testing.assert_allclose(found, [[expected]], atol=1e-10)


@pytest.mark.parametrize("make", [SquaredExponential, lambda t: SpectralMixture(WEIGHTS, t, t)])
def test_latents_of_several_dimensions_are_products(make):
    table = np.array([[0.7, 1.1], [1.9, 0.4]])
    both, parts = make(table), [make(table[:, k]) for k in range(2)]
    x, z = jnp.array(np.random.default_rng(0).normal(size=(2, 4, 2)))
    for i, j in ((0, 0), (0, 1), (1, 0)):
        product = [p.covariance(i, j, x[:, [k]], z[:, [k]]) for k, p in enumerate(parts)]
        # Each factor of a mixture carries the weights: once is enough.
        scale = 1.0 if make is SquaredExponential else np.sqrt(WEIGHTS[i] * WEIGHTS[j])
        np.testing.assert_allclose(
            both.covariance(i, j, x, z), product[0] * product[1] / scale, rtol=1e-12
        )
        np.testing.assert_allclose(
            both.variance()[i, j], both.covariance(i, j, x[:1], x[:1])[0, 0], rtol=1e-12
        )


def random_kernel(rng, correlated=True):
    # Few shapes, so that few programs are compiled.
    count, tasks, copies, dimension = ((2, 3, 1, 1), (3, 2, 2, 3))[rng.integers(2)]
    shape = (count, dimension)
    if rng.random() < 0.5:
        latents = SquaredExponential(rng.uniform(0.2, 3, shape))
    else:
        latents = SpectralMixture(
            rng.uniform(0.2, 3, count), rng.uniform(0.1, 2, shape), rng.uniform(0.05, 1, shape)
        )
    mixing = rng.normal(size=(count, tasks, copies))
    root = rng.normal(size=(count, rng.integers(1, 4)))
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    interaction = root @ root.T
    np.fill_diagonal(interaction, 1.0)
    if not correlated:
        return Coregionalization(latents, mixing)
    return InteractionKernel(latents, mixing, interaction)


def points(rng, kernel, count=12):
    return rng.uniform(-2, 2, (count, kernel.latents.dimension)), rng.integers(
        0, kernel.tasks, count
    )


@pytest.mark.parametrize("seed", range(25))
def test_it_is_positive_semidefinite_symmetric_and_has_its_diagonal(seed):
    rng = np.random.default_rng(seed)
    kernel = random_kernel(rng)
    x, tasks = points(rng, kernel)
    matrix = np.asarray(kernel(x, tasks))
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-14)
    assert np.linalg.eigvalsh(matrix)[0] >= -1e-10 * np.trace(matrix)
    np.testing.assert_allclose(kernel.variance(x, tasks), np.diag(matrix), rtol=1e-10)
    np.testing.assert_allclose(kernel(x[:4], tasks[:4], x, tasks), matrix[:4], rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_double_sum_over_latents(seed):
    rng = np.random.default_rng(seed)
    kernel = random_kernel(rng)
    x, tasks = points(rng, kernel, 5)
    a, c, count = np.asarray(kernel.mixing), np.asarray(kernel.interaction), kernel.latents.count
    expected, places = np.zeros((5, 5)), jnp.array(x)
    for n in range(5):
        for m in range(5):
            for i in range(count):
                for j in range(count):
                    value = kernel.latents.covariance(i, j, places[n : n + 1], places[m : m + 1])[
                        0, 0
                    ]
                    expected[n, m] += c[i, j] * (a[i] @ a[j].T)[tasks[n], tasks[m]] * value
    np.testing.assert_allclose(kernel(x, tasks), expected, atol=1e-12)


def test_without_interaction_it_is_the_sum_of_kronecker_products():
    rng = np.random.default_rng(0)
    kernel = random_kernel(rng, correlated=False)
    x = rng.uniform(-2, 2, (6, kernel.latents.dimension))
    stacked, tasks = np.tile(x, (kernel.tasks, 1)), np.repeat(np.arange(kernel.tasks), 6)
    expected = sum(
        np.kron(a @ a.T, kernel.latents.covariance(i, i, jnp.array(x), jnp.array(x)))
        for i, a in enumerate(np.asarray(kernel.mixing))
    )
    np.testing.assert_allclose(kernel(stacked, tasks), expected, atol=1e-13)
    same = InteractionKernel(kernel.latents, kernel.mixing, np.eye(kernel.latents.count))
    np.testing.assert_allclose(same(stacked, tasks), expected, atol=1e-13)


def test_signs_of_mixings_matter_with_interaction_only():
    latents, x, tasks = SquaredExponential(SCALES), np.zeros((2, 1)), np.array([0, 1])
    mixing = np.random.default_rng(0).normal(size=(2, 2, 1))
    turned = mixing * np.array([1, -1])[:, None, None]
    apart = [Coregionalization(latents, a)(x, tasks) for a in (mixing, turned)]
    np.testing.assert_allclose(*apart, rtol=1e-14)
    c = np.array([[1, 0.5], [0.5, 1]])
    flipped = c * np.array([[1, -1], [-1, 1]])
    first, second = (InteractionKernel(latents, a, c)(x, tasks) for a in (mixing, turned))
    assert np.max(np.abs(first - second)) > 0.1
    np.testing.assert_allclose(first, InteractionKernel(latents, turned, flipped)(x, tasks))


@pytest.mark.parametrize("seed", range(4))
def test_free_parameters_are_the_kernel_and_any_of_them_is_one(seed):
    rng = np.random.default_rng(seed)
    kernel = random_kernel(rng, correlated=seed % 2 == 0)
    x, tasks = points(rng, kernel)
    again = kernel.bound(kernel.free())
    np.testing.assert_allclose(again(x, tasks), kernel(x, tasks), rtol=1e-12)
    moved = kernel.bound(jax.tree.map(lambda p: p + rng.normal(size=p.shape), kernel.free()))
    np.testing.assert_allclose(np.diag(moved.interaction), 1, rtol=1e-12)
    matrix = np.asarray(moved(x, tasks))
    assert np.linalg.eigvalsh(matrix)[0] >= -1e-10 * np.trace(matrix)
    assert jax.tree.structure(moved) == jax.tree.structure(kernel)


def test_linear_kernel_is_its_formula_and_its_free_parameters_are_logarithms():
    rng = np.random.default_rng(0)
    x, tasks = rng.normal(size=(5, 3)), np.array([0, 1, 1, 0, 2])
    kernel = LinearMultitaskKernel(0.7, np.array([0.1, 2.0, 0.5]))
    strength = 0.7 + np.diag([0.1, 2.0, 0.5])[np.ix_(tasks, tasks)]
    np.testing.assert_allclose(kernel(x, tasks), strength * (x @ x.T), rtol=1e-13)
    np.testing.assert_allclose(kernel.variance(x, tasks), np.diag(strength * (x @ x.T)))
    free = kernel.free()
    np.testing.assert_allclose(free["own"], np.log([0.1, 2.0, 0.5]))
    np.testing.assert_allclose(kernel.bound(free).own, kernel.own)


def test_wrong_latents_are_refused():
    with pytest.raises(ValueError, match="SquaredExponential: scales must be positive"):
        SquaredExponential(np.array([1.0, 0.0]))
    for name in ("weights", "frequencies", "bandwidths"):
        parts = {"weights": WEIGHTS, **PEAKS}
        parts[name] = np.array([1.0, -1.0])
        with pytest.raises(ValueError, match=f"SpectralMixture: {name} must be positive"):
            SpectralMixture(**parts)
    with pytest.raises(ValueError, match="a weight per latent"):
        SpectralMixture(np.ones(3), **PEAKS)
    with pytest.raises(ValueError, match="a row per latent and a column per dimension"):
        SquaredExponential(np.ones((1, 1, 1)))


@pytest.mark.parametrize(
    ("mixing", "interaction", "words"),
    [
        (
            [np.ones((3, 1)), np.ones((3, 2))],
            None,
            "mixings of all latents must have one",
        ),
        (np.ones((3, 2, 1)), None, r"mixing must have shape \(2, tasks, copies\)"),
        (np.full((2, 3, 1), np.nan), None, "mixing: 6 of its 6 entries"),
        (np.ones((2, 3, 1)), np.ones((3, 3)), r"interaction must have shape \(2, 2\)"),
        (np.ones((2, 3, 1)), np.array([[1, 2.0], [2, 1]]), "not positive semidefinite"),
        (np.ones((2, 3, 1)), np.array([[1, 0.5], [0, 1]]), "not symmetric"),
        (np.ones((2, 3, 1)), 2 * np.eye(2), "must have a unit diagonal"),
    ],
)
def test_wrong_mixings_and_interactions_are_refused(mixing, interaction, words):
    with pytest.raises(ValueError, match=words):
        InteractionKernel(SquaredExponential(SCALES), mixing, interaction)


def test_mixed_families_are_refused():
    both = [SquaredExponential(SCALES), SpectralMixture(WEIGHTS, **PEAKS)]
    with pytest.raises(TypeError, match="Latents of different families have no cross-covariance"):
        InteractionKernel(both, np.ones((2, 3, 1)))


def test_wrong_inputs_and_tasks_are_refused():
    kernel = Coregionalization(SquaredExponential(SCALES), np.ones((2, 3, 1)))
    with pytest.raises(ValueError, match=r"tasks must lie in 0, ..., 2, got 3"):
        kernel(np.zeros((1, 1)), np.array([3]))
    with pytest.raises(ValueError, match="inputs have 2 dimensions, but the latents have 1"):
        kernel(np.zeros((1, 2)), np.array([0]))
    with pytest.raises(ValueError, match="LinearMultitaskKernel: own must be positive"):
        LinearMultitaskKernel(1.0, np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="LinearMultitaskKernel: shared must be positive"):
        LinearMultitaskKernel(-1.0, np.array([1.0, 1.0]))
    with pytest.raises(ValueError, match="a vector `own` with a number per task"):
        LinearMultitaskKernel(1.0, 1.0)
