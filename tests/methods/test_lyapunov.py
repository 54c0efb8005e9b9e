"""Lyapunov exponents against closed forms, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st
from stationary.methods import ExtraGradient, complex_momentum, from_optax, lyapunov_exponents


def test_the_logistic_map_loses_a_bit_a_step():
    found = lyapunov_exponents(lambda x: 4 * x * (1 - x), jnp.array(0.3), 100_000)
    np.testing.assert_allclose(found, [np.log(2)], atol=0.01)


def test_a_linear_map_has_the_moduli_of_its_eigenvalues(getkey):
    matrix = jax.random.normal(getkey(), (4, 4))
    z0 = {"a": jnp.ones(3), "b": jnp.ones(())}

    def step(z):
        new = 0.5 * matrix @ jnp.append(z["a"], z["b"])
        return {"a": new[:3], "b": new[3]}

    found = lyapunov_exponents(step, z0, 4000, count=4)
    moduli = np.sort(np.abs(np.linalg.eigvals(0.5 * np.asarray(matrix))))[::-1]
    np.testing.assert_allclose(found, np.log(moduli), atol=2e-3)


def test_the_henon_map_has_its_published_exponents():
    def henon(z):
        return jnp.stack([1 - 1.4 * z[0] ** 2 + z[1], 0.3 * z[0]])

    first, second = lyapunov_exponents(henon, jnp.array([0.1, 0.1]), 50_000, count=2)
    assert float(first) == pytest.approx(0.419, abs=0.01)  # Sprott (2003)
    assert float(first + second) == pytest.approx(np.log(0.3), abs=1e-9)  # the map's determinant


def test_a_methods_step_contracts_at_its_rate():
    game = st.Saddle(lambda x, y: x * y)
    start = (jnp.array(1.0), jnp.array(1.0))
    system, method = game.lower(start), ExtraGradient(0.3)
    state = method.init(system, st.Point(start, {}), None)

    def step(state):
        return method.step(system, state)[0]

    found = lyapunov_exponents(step, state, 3000, count=2, perturb=lambda state: state.base)
    np.testing.assert_allclose(found, np.log(abs(1 - 0.3j - 0.09)) * np.ones(2), atol=5e-4)
    # The start's size stays in the state: left to move, it has exponent 0.
    np.testing.assert_allclose(lyapunov_exponents(step, state, 300), [0.0], atol=0.05)


def test_complex_buffers_are_two_real_ones():
    game = st.Saddle(lambda x, y: x * y)
    start = (jnp.array(1.0), jnp.array(1.0))
    system, method = game.lower(start), from_optax(complex_momentum(0.1, 0.9, np.pi / 4))
    state = method.init(system, st.Point(start, {}), None)
    found = lyapunov_exponents(
        lambda state: method.step(system, state)[0], state, 3000, perturb=lambda s: s.primal
    )
    np.testing.assert_allclose(found, [np.log(0.991177)], atol=1e-3)


def test_random_steps_are_fixed_by_a_key():
    def step(x, key):
        return jnp.exp(jax.random.normal(key)) * x

    key = jax.random.key(3)
    found = lyapunov_exponents(step, jnp.array(1.0), 50, key=key)
    drawn = [jax.random.normal(jax.random.fold_in(key, t)) for t in range(50)]
    np.testing.assert_allclose(found, [np.mean(drawn)], rtol=1e-9)


def test_counters_keys_and_lanes_are_carried():
    def step(z):
        key, sub = jax.random.split(z["key"])
        scale = jnp.where(z["count"] % 2 == 0, 2.0, 0.5) * (1 + 0 * jax.random.normal(sub))
        return {"key": key, "count": z["count"] + 1, "x": scale * z["x"]}

    def exponent(x):
        return lyapunov_exponents(step, {"key": jax.random.key(0), "count": 0, "x": x}, 40)

    found = jax.jit(jax.vmap(exponent))(jnp.array([1.0, -3.0]))
    np.testing.assert_allclose(found, np.zeros((2, 1)), atol=1e-12)


def test_single_precision_is_renormalised_at_each_step():
    found = lyapunov_exponents(lambda x: 100 * x, jnp.array(0.0, jnp.float32), 1000)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, [np.log(100)], rtol=1e-5)


def test_what_is_lost_at_once_is_minus_infinite():
    found = lyapunov_exponents(lambda x: jnp.array([0.5, 0.0]) * x, jnp.ones(2), 200, count=2)
    np.testing.assert_allclose(found, [np.log(0.5), -np.inf], atol=0.02)


def test_gradient_descent_of_optax_in_a_loop_of_ones_own():
    rule, scales = optax.sgd(0.3), jnp.array([1.0, 2.0, 5.0])

    def step(z):
        x, state = z
        moves, state = rule.update(scales * x, state)
        return optax.apply_updates(x, moves), state

    found = lyapunov_exponents(step, (jnp.ones(3), rule.init(jnp.ones(3))), 4000)
    np.testing.assert_allclose(found, [np.log(0.7)], atol=1e-3)


def test_maps_that_draw_on_their_own_are_refused():
    generator, x = np.random.default_rng(0), jnp.ones(2)
    own = [
        lambda x: x * generator.uniform(),
        lambda x: x + generator.standard_normal(2),
        jax.jit(lambda x: jax.lax.cond(x[0] > 0, lambda v: 2.0 * v, lambda v: v, x)),
        lambda x: jax.lax.fori_loop(0, 2, lambda _, v: v * generator.uniform(), x),
    ]
    for step, refused in zip(own, (True, True, False, True), strict=True):
        if refused:
            with pytest.raises(TypeError, match="draws random numbers or counts on its own"):
                lyapunov_exponents(step, x, 5)
        else:
            np.testing.assert_allclose(lyapunov_exponents(step, x, 5), [np.log(2)])


def test_what_it_refuses():
    x = jnp.ones(2)
    with pytest.raises(TypeError, match="takes a key .* pass lyapunov_exponents"):
        lyapunov_exponents(lambda x, key: x, x, 10)
    with pytest.raises(TypeError, match="structure, shapes and dtypes of z0"):
        lyapunov_exponents(lambda x: x[:1], x, 10)
    with pytest.raises(TypeError, match="no floating arrays"):
        lyapunov_exponents(lambda n: n + 1, jnp.array(1), 10)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        lyapunov_exponents(lambda x: x, x, 0)
    with pytest.raises(ValueError, match=r"count must lie in 1\.\.2"):
        lyapunov_exponents(lambda x: x, x, 10, count=3)
