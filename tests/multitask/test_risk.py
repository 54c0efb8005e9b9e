"""The asymptotic risk against simulations, autodiff of its resolvent, and known limits."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from stationary.multitask import (
    NotConvergedError,
    Population,
    Sample,
    asymptotic_risk,
    choose_regularization,
    multitask_ridge,
)

COUNTS = np.array([60, 25, 30])
NOISE = np.array([0.4, 0.1, 0.2])
OWN = np.array([0.02, 0.1, 0.05])
SHARED = 0.05


def population(dimension=40, outputs=(), **kwargs):
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]
    spectra = [np.ones(dimension), np.linspace(0.2, 2, dimension), np.geomspace(0.1, 3, dimension)]
    covariances = np.stack([turn @ np.diag(e) @ turn.T for e in spectra])
    common = rng.normal(size=(dimension, *outputs))
    weights = (common + 0.4 * rng.normal(size=(3, dimension, *outputs))) / dimension**0.5
    return covariances, weights, Population(COUNTS, covariances, weights, NOISE, **kwargs)


@pytest.fixture(scope="module")
def simulated():
    """Risks and estimates over many draws, and the theory's."""
    covariances, weights, model = population()
    roots = np.stack([np.linalg.cholesky(s) for s in covariances])
    tasks = np.repeat(np.arange(3), COUNTS)
    rng = np.random.default_rng(1)
    rows = {"test": [], "train": [], "shrunk": [], "estimate": []}
    fit = jax.jit(lambda x, y: multitask_ridge(x, y, tasks, SHARED, OWN).weights)
    for _ in range(300):
        x = np.einsum("nij,nj->ni", roots[tasks], rng.normal(size=(COUNTS.sum(), 40)))
        clean = np.einsum("nd,nd->n", x, weights[tasks])
        y = clean + np.sqrt(NOISE)[tasks] * rng.normal(size=len(clean))
        found = np.asarray(fit(x, y))
        residual = (y - np.einsum("nd,nd->n", x, found[tasks])) ** 2
        rows["train"].append([residual[tasks == t].mean() for t in range(3)])
        for name, w in (("test", found), ("shrunk", np.asarray(fit(x, clean)))):
            rows[name].append(np.einsum("td,tde,te->t", w - weights, covariances, w - weights))
        rows["estimate"].append(Sample(x, y, tasks, NOISE))
    estimates = jax.lax.map(
        lambda sample: sample.risk(jnp.asarray(SHARED), jnp.asarray(OWN)),
        jax.tree.map(lambda *leaves: jnp.stack(leaves), *rows.pop("estimate")),
    )
    return asymptotic_risk(model, SHARED, OWN), {k: np.array(v) for k, v in rows.items()}, estimates


def agrees(theory, draws, relative=1 / 40):
    error = 3 * draws.std(0) / len(draws) ** 0.5 + relative * np.abs(theory)
    assert np.all(np.abs(draws.mean(0) - theory) <= error), (theory, draws.mean(0), error)


def test_theory_is_the_mean_of_simulations(simulated):
    theory, draws, _ = simulated
    agrees(theory.test, draws["test"])
    agrees(theory.train, draws["train"])
    agrees(theory.signal, draws["shrunk"])
    np.testing.assert_allclose(theory.test, theory.signal + theory.noise, rtol=1e-12)
    np.testing.assert_allclose(theory.prediction, theory.test + NOISE, rtol=1e-12)
    assert np.all(theory.transferred_noise > 0.02 * theory.noise)


def test_estimates_from_samples_have_the_mean_of_the_theory(simulated):
    theory, draws, estimates = simulated
    for name in ("test", "train", "signal", "noise_from"):
        agrees(np.asarray(getattr(theory, name)), np.asarray(getattr(estimates, name)))
    # They follow the draw, too: what they miss is far less than what they are.
    assert np.std(estimates.prediction, axis=0).max() < 0.35 * theory.prediction.max()
    assert draws["test"].shape == estimates.test.shape


def test_it_is_the_derivative_of_the_resolvent_in_the_text():
    """The risks by differentiating the fixed point of the full T d x T d matrix."""
    covariances, weights, model = population(8)
    a = jnp.diag(OWN) + SHARED
    root = jnp.linalg.cholesky(jnp.kron(a, jnp.eye(8)))
    chosen = [jnp.kron(jnp.diag(jnp.eye(3)[t]), covariances[t]) for t in range(3)]
    blocks = jnp.stack([root.T @ block @ root for block in chosen])
    signal = jnp.linalg.solve(root, weights.reshape(-1))

    def resolvent(s, u, target):
        def invert(excess):
            matrix = jnp.tensordot(u * COUNTS / (1 + u * excess), blocks, 1)
            return jnp.linalg.inv(matrix + jnp.eye(24) + s * blocks[target])

        def step(_, excess):
            return jnp.einsum("tij,ji->t", blocks, invert(excess))

        return invert(jax.lax.fori_loop(0, 400, step, jnp.ones(3)))

    risk = asymptotic_risk(model, SHARED, OWN)
    for t in range(3):
        by_s = jax.jacfwd(lambda s, t=t: resolvent(s, jnp.ones(3), t))(0.0)
        np.testing.assert_allclose(risk.signal[t], -signal @ by_s @ signal, rtol=1e-8)

        def trace(u, t=t):
            return jnp.trace(resolvent(0.0, u, t) @ blocks[t])

        expected = -jax.jacfwd(trace)(jnp.ones(3)) * NOISE
        np.testing.assert_allclose(risk.noise_from[t], expected, rtol=1e-8)


def test_one_task_with_identity_covariance_has_the_closed_form():
    """Hastie et al. (2022), theorem 5: ridge with identity covariance, by Marchenko-Pastur."""
    n, d, strength = 90, 60, 0.05
    w = np.random.default_rng(0).normal(size=(1, d)) * 0.2
    risk = asymptotic_risk(Population([n], np.eye(d)[None], w, np.array([0.3])), strength, 1e-9)
    gamma, penalty = d / n, 1 / (n * strength)

    def m(z):  # of the Marchenko-Pastur law at -z
        return (-(1 - gamma + z) + np.sqrt((1 - gamma + z) ** 2 + 4 * gamma * z)) / (2 * gamma * z)

    slope = (m(penalty * (1 + 1e-6)) - m(penalty * (1 - 1e-6))) / (2e-6 * penalty)
    bias = np.sum(w**2) * penalty**2 * -slope
    variance = 0.3 * gamma * (m(penalty) + penalty * slope)
    np.testing.assert_allclose(risk.signal, [bias], rtol=1e-6)
    np.testing.assert_allclose(risk.noise, [variance], rtol=1e-6)


def test_columns_of_outputs_are_separate_problems():
    covariances, weights, model = population(20, (2,))
    both = asymptotic_risk(model, SHARED, OWN)
    for column in range(2):
        one = Population(COUNTS, covariances, weights[..., column], NOISE)
        found = asymptotic_risk(one, SHARED, OWN)
        np.testing.assert_allclose(both.test[:, column], found.test, rtol=1e-12)
        np.testing.assert_allclose(both.noise_from[..., column], found.noise_from, rtol=1e-12)


def test_derivatives_go_through_the_fixed_point():
    _, _, model = population(10)

    def value(shared, own):
        return jnp.sum(model.risk(jnp.exp(shared), jnp.exp(own)).test)

    at = jnp.log(jnp.asarray(SHARED)), jnp.log(jnp.asarray(OWN))
    check_grads(jax.jit(value), at, order=2, modes=("fwd", "rev"), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("counts", [(30, 12), (5, 3)], ids=["features", "samples"])
def test_sample_estimates_agree_with_the_matrix_they_are_read_from(linear_tasks, counts):
    inputs, outputs, tasks, _ = linear_tasks(counts, 10)
    model = Sample(inputs, outputs, tasks, noise=np.array([0.1, 0.2]))
    assert (model.summary is None) == (counts == (5, 3))
    found = asymptotic_risk(model, SHARED, OWN[:2])
    kernel = (SHARED + np.diag(OWN[:2])[np.ix_(tasks, tasks)]) * (inputs @ inputs.T)
    q = np.linalg.inv(kernel + np.eye(len(tasks)))
    rows = [tasks == t for t in range(2)]
    train = np.array([np.mean((q @ outputs)[r] ** 2) for r in rows])
    share = np.array([np.trace(q[np.ix_(r, r)]) / r.sum() for r in rows])
    np.testing.assert_allclose(found.train, train, rtol=1e-10)
    np.testing.assert_allclose(found.prediction, train / share**2, rtol=1e-10)
    squares = np.array([[np.sum(q[np.ix_(r, s)] ** 2) for s in rows] for r in rows])
    spread = squares / (share**2 * counts)[:, None] - np.eye(2)
    np.testing.assert_allclose(found.noise_from, spread * [0.1, 0.2], rtol=1e-9)
    np.testing.assert_allclose(found.test, found.prediction - np.array([0.1, 0.2]), rtol=1e-10)


def test_noise_is_estimated_by_least_squares_where_it_can_be(linear_tasks):
    inputs, outputs, tasks, _ = linear_tasks((30, 8), 10)
    found = Sample(inputs, outputs, tasks).noise
    x, y = inputs[tasks == 0], outputs[tasks == 0]
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    np.testing.assert_allclose(found[0, 0], residual @ residual / 20, rtol=1e-10)
    risk = asymptotic_risk(Sample(inputs, outputs, tasks), SHARED, OWN[:2])
    assert np.isnan(found[1, 0]) and np.isnan(risk.signal).any()
    assert np.all(np.isfinite(risk.prediction)) and np.all(np.isfinite(risk.train))


def test_chosen_regularization_is_the_bayesian_one():
    """With random weights and identity covariance the prior itself is optimal."""
    d, a, b = 400, 0.3, 0.1
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(60, d)) / d**0.5
    # Many outputs stand for the mean over weights.
    common, deviations = weights[:20], weights[20:].reshape(2, 20, d)
    tasks = np.sqrt(a) * common + np.sqrt(b) * deviations
    weights = np.moveaxis(tasks, 1, 2)[:, :60]
    model = Population([80, 40], np.stack([np.eye(60)] * 2), weights, np.array([0.01, 0.01]))
    found = choose_regularization(model)
    assert found.solution.certificate.passed
    at = asymptotic_risk(model, a / d / 0.01, b / d / 0.01)
    assert np.mean(found.risk.test) <= np.mean(at.test)
    np.testing.assert_allclose(found.shared, a / d / 0.01, rtol=0.15)
    np.testing.assert_allclose(found.own, b / d / 0.01, rtol=0.15)


def test_choosing_from_a_sample_predicts_as_well_as_from_the_population():
    covariances, weights, model = population()
    roots = np.stack([np.linalg.cholesky(s) for s in covariances])
    tasks = np.repeat(np.arange(3), COUNTS)
    known = choose_regularization(model)
    losses, rng = [], np.random.default_rng(2)
    for _ in range(6):
        x = np.einsum("nij,nj->ni", roots[tasks], rng.normal(size=(COUNTS.sum(), 40)))
        y = np.einsum("nd,nd->n", x, weights[tasks])
        y = y + np.sqrt(NOISE)[tasks] * rng.normal(size=len(y))
        found = choose_regularization(Sample(x, y, tasks))
        ours = asymptotic_risk(model, found.shared, found.own)
        losses.append(np.mean(ours.prediction) / np.mean(known.risk.prediction))
    assert min(losses) > 1 - 1e-9
    assert np.mean(losses) < 1.1, losses


def test_weights_say_which_task_matters():
    _, _, model = population()
    first = choose_regularization(model, weights=np.array([1.0, 1e-3, 1e-3])).risk.test
    second = choose_regularization(model, weights=np.array([1e-3, 1.0, 1e-3])).risk.test
    assert first[0] < second[0] and second[1] < first[1]


def test_a_fixed_point_that_was_not_found_is_said():
    _, _, model = population(max_steps=1)
    with pytest.raises(NotConvergedError, match="the fixed point of the asymptotic risk"):
        asymptotic_risk(model, SHARED, OWN)
    flag = eqx.filter_jit(lambda m: m.risk(jnp.asarray(SHARED), jnp.asarray(OWN)).converged)
    assert not flag(model)


@pytest.mark.parametrize("counts", [(1, 1, 1), (10**6, 3, 10)])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_fixed_point_is_found_from_any_scale(counts, scale):
    covariances, weights, _ = population(15)
    model = Population(counts, covariances, weights, NOISE)
    risk = asymptotic_risk(model, scale, scale * OWN)
    assert np.all(np.isfinite(risk.test)) and np.all(risk.test >= 0)


def test_single_precision_is_kept_and_close():
    covariances, weights, model = population(15)
    with jax.enable_x64(False):
        small = asymptotic_risk(Population(COUNTS, covariances, weights, NOISE), SHARED, OWN)
    assert small.test.dtype == np.float32
    np.testing.assert_allclose(small.test, asymptotic_risk(model, SHARED, OWN).test, rtol=1e-4)


EYE = np.stack([np.eye(2)] * 2)
GOOD = {"counts": [3, 4], "covariances": EYE, "weights": np.ones((2, 2)), "noise": np.ones(2)}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"counts": [3, 0]}, "every task needs samples"),
        ({"covariances": EYE * np.array([1, -1])[:, None, None]}, r"covariances\[1\] is not posit"),
        ({"covariances": EYE + np.array([[0, 1], [0, 0]])}, r"covariances\[0\] is not symmetric"),
        ({"covariances": np.ones((2, 3, 3))}, "d x d for the d = 2 weights"),
        ({"covariances": EYE * np.nan}, "covariances: 8 of its 8 entries"),
        ({"weights": np.ones((3, 2))}, "counts must be a vector with a number per task"),
        ({"noise": np.array([1.0, -1.0])}, "noise is a variance, got -1"),
        ({"noise": np.ones(3)}, "noise must have a variance per task, got"),
    ],
)
def test_bad_populations_are_named(wrong, words):
    with pytest.raises(ValueError, match=words):
        Population(**(GOOD | wrong))


def test_rounding_below_zero_is_no_negative_eigenvalue():
    covariances = EYE * np.array([1.0, 0.0])
    covariances[0, 1, 1] = -1e-12
    Population(**(GOOD | {"covariances": covariances}))


def test_bad_regularizations_samples_and_weights_are_named(linear_tasks):
    model = Population(**GOOD)
    with pytest.raises(ValueError, match="shared must be positive"):
        asymptotic_risk(model, 0.0, 1.0)
    with pytest.raises(ValueError, match="one for each of the 2 tasks"):
        asymptotic_risk(model, 1.0, np.ones(3))
    with pytest.raises(ValueError, match="weights must have a number for each of the 2 tasks"):
        choose_regularization(model, weights=np.ones(3))
    with pytest.raises(ValueError, match="weights must be positive"):
        choose_regularization(model, weights=np.array([1.0, 0.0]))
    inputs, outputs, tasks, _ = linear_tasks((5, 4), 3)
    with pytest.raises(ValueError, match="noise is a variance, got -1"):
        Sample(inputs, outputs, tasks, noise=-np.ones(2))
    with pytest.raises(ValueError, match="noise must have a variance for each of the 2 tasks"):
        Sample(inputs, outputs, tasks, noise=1.0)
