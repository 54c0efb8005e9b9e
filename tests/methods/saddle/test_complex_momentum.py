"""Complex momentum: its linear algebra, its real relatives in Optax, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st
from stationary.methods import complex_adam, complex_momentum, from_optax

PI = np.pi


def matrix_of(rule, field):
    """One step on a linear field as a matrix on (Re m, Im m, x), read off the code."""
    n = len(field)

    def step(v):
        buffer = jax.lax.complex(v[:n], v[n : 2 * n])
        x = v[2 * n :]
        state = rule.init(x)._replace(buffer=buffer)
        move, state = rule.update(field @ x, state)
        return jnp.concatenate([state.buffer.real, state.buffer.imag, x + move])

    return np.asarray(jax.vmap(step)(jnp.eye(3 * n)).T)


def augmented(alpha, beta, field):
    """The same matrix from the literature (Lorraine et al., 2022, equation 7)."""
    one, zero = np.eye(len(field)), np.zeros_like(field)
    product = alpha * beta
    return np.block(
        [
            [beta.real * one, -beta.imag * one, field],
            [beta.imag * one, beta.real * one, zero],
            [-product.real * one, product.imag * one, one - alpha.real * field],
        ]
    )


ROTATION = np.array([[0.0, 1.0], [-1.0, 0.0]])
RADII = {0.0: 1.198286, PI / 8: 1.052984, PI / 4: 0.991177, PI / 2: 0.998789, PI: 1.000073}


@pytest.mark.parametrize("phase", RADII)
def test_a_step_is_the_known_matrix(phase):
    found = matrix_of(complex_momentum(0.1, 0.9, phase), ROTATION)
    np.testing.assert_allclose(
        found, augmented(0.1 + 0j, 0.9 * np.exp(1j * phase), ROTATION), atol=1e-15
    )
    assert max(abs(np.linalg.eigvals(found))) == pytest.approx(RADII[phase], abs=1e-6)


def test_a_complex_learning_rate_turns_the_buffer():
    field = np.array([[1.0, 2.0], [-2.0, 0.5]])
    alpha, beta = 0.1 * np.exp(0.4j), 0.7 * np.exp(1.1j)
    found = matrix_of(complex_momentum(alpha, 0.7, 1.1), field)
    np.testing.assert_allclose(found, augmented(alpha, beta, field), atol=1e-15)


def test_one_phase_converges_whether_players_help_or_oppose():
    rule = complex_momentum(0.1, 0.9, PI / 2)
    for field, radius in ((ROTATION, 0.998789), (np.eye(1), 0.947434)):
        matrix = matrix_of(rule, field)
        assert max(abs(np.linalg.eigvals(matrix))) == pytest.approx(radius, abs=1e-6)


def follow(rule, params, steps=30):
    """An own loop on a curved function of a pytree."""
    slope = jax.grad(lambda p: jnp.sum(jnp.cosh(p["a"])) + jnp.sum((p["b"] - p["a"][0]) ** 4))

    def step(carry, _):
        params, state = carry
        moves, state = rule.update(slope(params), state, params)
        params = optax.apply_updates(params, moves)
        return (params, state), params

    return jax.lax.scan(step, (params, rule.init(params)), None, length=steps)[1]


PARAMS = {"a": jnp.array([0.5, -1.0]), "b": jnp.array([[0.3]])}


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (complex_momentum(0.01, 0.8, 0.0), optax.sgd(0.01, momentum=0.8)),
        (complex_momentum(0.01, 0.8, PI), optax.sgd(0.01, momentum=-0.8)),
        (complex_momentum(lambda k: 0.1 / (k + 1), 0.8, 0.0),
         optax.sgd(lambda k: 0.1 / (k + 1), momentum=0.8)),
        (complex_adam(0.05, 0.8, 0.0, 0.95, 1e-6), optax.adam(0.05, 0.8, 0.95, 1e-6)),
        (complex_adam(lambda k: 0.1 / (k + 1), 0.8, 0.0),
         optax.adam(lambda k: 0.1 / (k + 1), 0.8)),
    ],
    ids=["heavy ball", "negative", "schedule", "Adam", "Adam with a schedule"],
)  # fmt: skip
def test_at_real_coefficients_it_is_the_rule_of_optax(ours, theirs):
    found, expected = follow(ours, PARAMS), follow(theirs, PARAMS)
    for left, right in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("make", [complex_momentum, complex_adam])
@pytest.mark.parametrize("phase, converges", [(PI / 8, True), (0.0, False)])
def test_a_phase_solves_saddles_that_ordinary_momentum_does_not(make, phase, converges):
    game = st.Saddle(lambda x, y: jnp.sum(x * y) + 0.1 * jnp.sum(x**2) - 0.1 * jnp.sum(y**2))
    start = (jnp.ones(2), jnp.ones(2))
    method = from_optax(make(0.05, 0.9, phase))
    outcome = st.run(game, start, method, tol=1e-5, max_steps=3000, differentiable=False)
    assert (st.Status(int(outcome.status)) is st.Status.CONVERGED) == converges


@pytest.mark.parametrize("make", [complex_momentum, complex_adam])
def test_precision_and_structure_never_change(make):
    rule = make(0.1)
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), PARAMS)
    state = rule.init(params)
    moves, after = rule.update(params, state, params)
    assert {leaf.dtype for leaf in jax.tree.leaves(moves)} == {jnp.dtype(jnp.float32)}
    assert jax.tree.map(lambda x: (x.shape, x.dtype), after) == jax.tree.map(
        lambda x: (x.shape, x.dtype), state
    )
    assert state.buffer["a"].dtype == jnp.complex64


def test_settings_may_be_traced():
    def size(phase):
        rule = complex_momentum(0.1, 0.9, phase)
        z, state = jnp.array([1.0, 1.0]), rule.init(jnp.zeros(2))
        for _ in range(3):
            move, state = rule.update(ROTATION @ z, state)
            z = z + move
        return jnp.linalg.norm(z)

    phases = jnp.array([0.0, PI / 4])
    np.testing.assert_allclose(jax.vmap(size)(phases), [size(0.0), size(PI / 4)], rtol=1e-12)


@pytest.mark.parametrize("make", [complex_momentum, complex_adam])
def test_what_it_refuses(make):
    for bad in (1.0, 1.5, -0.1, 0.5j, float("nan")):
        with pytest.raises((ValueError, TypeError), match="momentum"):
            make(0.1, bad)
    for bad in (1j, float("inf")):
        with pytest.raises(TypeError, match="phase"):
            make(0.1, 0.9, bad)
    for bad in (0.0, float("nan")):
        with pytest.raises(ValueError, match="learning_rate must be finite and not zero"):
            make(bad)
    for params in (jnp.ones(2) * 1j, {"a": jnp.arange(3)}):
        with pytest.raises(TypeError, match="must be real and floating"):
            make(0.1).init(params)


def test_a_decay_of_one_is_refused():
    with pytest.raises(ValueError, match=r"decay must lie in \[0, 1\), got 1"):
        complex_adam(0.1, decay=1.0)
