"""Gramians and combinations of per-sample gradients against the Jacobian itself."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import sample_jacobian
from stationary.methods.balance._sample_jacobian import SampleJacobian

RNG = np.random.default_rng(0)
ROWS = (jnp.asarray(RNG.standard_normal((5, 3))), jnp.asarray(RNG.standard_normal((5, 2))))


def arrays(**shapes):
    return {name: jnp.asarray(RNG.standard_normal(shape)) for name, shape in shapes.items()}


def plain(params, row):
    hidden = jax.nn.relu(row[0] @ params["w"] + params["b"])
    return jnp.sum((hidden @ params["v"] - row[1]) ** 2)


def turned(params, row):
    hidden = jnp.tanh(params["w"].T @ row[0] + params["b"])
    return jnp.sum((params["v"].T @ jax.nn.gelu(hidden) - row[1]) ** 2)


def shared(params, row):
    hidden = jnp.tanh(row[0] @ params["w"] + params["b"])
    return jnp.sum((jnp.tanh(hidden @ params["u"] + params["b"]) @ params["u"])[:2] * row[1])


def scaled(params, row):
    hidden = jnp.exp(params["log"]) * (row[0] @ params["w"]) + params["b"] ** 2
    return jnp.sum((hidden @ params["v"] - row[1]) ** 2)


def over_a_sequence(params, row):
    tokens = jnp.outer(row[0], row[0])
    return jnp.sum(jnp.tanh(tokens @ params["w"] + params["b"]) @ params["v"] * row[1])


def penalised(params, row):
    return plain(params, row) + jnp.sum(params["v"] ** 2)


WIDE = arrays(w=(3, 4), b=(4,), v=(4, 2))
CASES = {
    "plain": (plain, WIDE, 3),
    "turned": (turned, WIDE, 3),
    "shared": (shared, arrays(w=(3, 4), b=(4,), u=(4, 4)), 1),
    "scaled": (scaled, {**WIDE, "log": jnp.asarray(0.3)}, 2),
    "a sequence": (over_a_sequence, WIDE, 0),
    "penalised": (penalised, WIDE, 2),
    "called twice": (lambda p, r: jax.jit(plain)(p, r) + jax.jit(plain)(p, r), WIDE, 0),
    "checkpointed": (jax.checkpoint(plain), WIDE, 0),
    "no parameter": (lambda p, r: jnp.sum(r[0]), WIDE, 0),
}


def check(loss, params, rows):
    jacobian = sample_jacobian(loss, params, rows)
    explicit = jax.vmap(jax.grad(loss), in_axes=(None, 0))(params, rows)
    flat = np.concatenate([np.asarray(g).reshape(5, -1) for g in jax.tree.leaves(explicit)], 1)
    scale = max(1, np.max(np.abs(flat)) ** 2)
    np.testing.assert_allclose(jacobian.gramian(), flat @ flat.T, atol=1e-10 * scale, rtol=1e-10)
    weights = jnp.asarray(RNG.standard_normal(5))
    want = jax.tree.map(lambda g: jnp.tensordot(weights, g, 1), explicit)
    got = jacobian.combine(weights)
    assert jax.tree.structure(got) == jax.tree.structure(params)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10 * scale, rtol=1e-10)
    for a, b in zip(jacobian.push(want), flat @ flat.T @ weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10 * scale, rtol=1e-10)
    values = jax.vmap(loss, in_axes=(None, 0))(params, rows)
    np.testing.assert_allclose(jacobian.values, values, rtol=1e-12)
    return jacobian


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_the_jacobian(case):
    loss, params, layers = CASES[case]
    jacobian = check(loss, params, ROWS)
    assert sum(isinstance(factor, tuple) for factor in jacobian._factors) == layers


def test_layers_of_a_library_are_found():
    network, rest = eqx.partition(
        eqx.nn.MLP(3, 2, 6, 2, key=jax.random.key(0)), eqx.is_inexact_array
    )

    def loss(params, row):
        return jnp.sum((eqx.combine(params, rest)(row[0]) - row[1]) ** 2)

    jacobian = check(loss, network, ROWS)
    assert all(isinstance(factor, tuple) for factor in jacobian._factors)


def test_under_jit_with_a_closure_over_arrays():
    offset = jnp.arange(2.0)

    @jax.jit
    def weigh(params, rows):
        def loss(p, row):
            return plain(p, (row[0], row[1] + offset))

        jacobian = sample_jacobian(loss, params, rows)
        return jacobian.combine(st.methods.UPGrad().weights(jacobian.gramian()))

    explicit = jax.vmap(jax.grad(lambda p, r: plain(p, (r[0], r[1] + offset))), in_axes=(None, 0))(
        WIDE, ROWS
    )
    want = st.methods.UPGrad().combine(explicit).gradient
    for a, b in zip(jax.tree.leaves(weigh(WIDE, ROWS)), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


def test_memory_grows_with_layers_and_not_with_the_jacobian():
    width, count = 64, 32
    params = {"w": jnp.ones((width, width)), "b": jnp.ones(width)}
    shapes = jax.eval_shape(
        lambda p, x: sample_jacobian(lambda p, row: jnp.sum(jnp.tanh(row @ p["w"] + p["b"])), p, x),
        params,
        jnp.ones((count, width)),
    )
    assert isinstance(shapes, SampleJacobian)
    held = sum(leaf.size for leaf in jax.tree.leaves(shapes))
    assert held <= count * (3 * width + 1)


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="one real floating scalar per sample"):
        sample_jacobian(lambda p, row: row[0] @ p["w"], WIDE, ROWS)
    with pytest.raises(ValueError, match="at least one sample"):
        sample_jacobian(plain, WIDE, (jnp.zeros((0, 3)), jnp.zeros((0, 2))))
    with pytest.raises(ValueError, match="share a leading axis"):
        sample_jacobian(plain, WIDE, (jnp.zeros((2, 3)), jnp.zeros((3, 2))))
