"""Programs: what is traced once, what is compared by content, what becomes an argument."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from stationary._hoist import hoist


def counted():
    calls = []

    def fn(x):
        calls.append(1)
        return jnp.sum(x**2)

    return fn, calls


def test_a_function_is_traced_once_per_shape():
    fn, calls = counted()
    for _ in range(3):
        hoist(fn, jnp.ones(3))
    assert len(calls) == 1
    hoist(fn, jnp.ones(4))
    assert len(calls) == 2


def test_counting_in_a_nonlocal_does_not_count_as_a_change():
    count = 0

    def fn(x):
        nonlocal count
        count += 1
        return x

    hoist(fn, 1.0)
    hoist(fn, 1.0)
    assert count == 1


def quadratic(matrix):
    return lambda x: x @ matrix @ x


def test_same_code_over_different_arrays_is_one_program():
    first, second = (hoist(quadratic(k * jnp.eye(2)), jnp.ones(2)) for k in (1.0, 3.0))
    assert first.code == second.code and hash(first.code) == hash(second.code)
    assert (float(first(jnp.ones(2))), float(second(jnp.ones(2)))) == (2.0, 6.0)


def test_different_numbers_are_different_programs():
    first, second = (hoist(lambda x, k=k: k * x, 1.0) for k in (1.0, 2.0))
    assert first.code != second.code


def test_a_replaced_closure_is_seen():
    scale = jnp.array(1.0)

    def fn(x):
        return scale * x

    before = hoist(fn, 1.0)(1.0)
    scale = jnp.array(5.0)
    assert (float(before), float(hoist(fn, 1.0)(1.0))) == (1.0, 5.0)


def test_a_replaced_global_is_seen(monkeypatch):
    monkeypatch.setitem(globals(), "OFFSET", 1.0)
    before = hoist(reads_a_global, 0.0)(0.0)
    monkeypatch.setitem(globals(), "OFFSET", 2.0)
    assert (float(before), float(hoist(reads_a_global, 0.0)(0.0))) == (1.0, 2.0)


def reads_a_global(x):
    return x + OFFSET


def test_custom_derivatives_survive():
    @jax.custom_jvp
    def odd(x):
        return x

    odd.defjvp(lambda primals, tangents: (primals[0], 7 * tangents[0]))
    assert jax.grad(hoist(odd, 1.0))(1.0) == 7


def test_custom_rules_are_told_apart():
    def with_slope(slope):
        @jax.custom_jvp
        def fn(x):
            return x

        fn.defjvp(lambda primals, tangents: (primals[0], slope * tangents[0]))
        return lambda x: fn(x)

    first, second = hoist(with_slope(1.0), 1.0), hoist(with_slope(2.0), 1.0)
    assert (jax.grad(first)(1.0), jax.grad(second)(1.0)) == (1, 2)
    assert first.code != second.code


class Affine(eqx.Module):
    weight: jax.Array

    def __call__(self, x):
        return self.weight * x


def test_arrays_of_a_module_are_arguments():
    first, second = (hoist(Affine(jnp.array(k)), 1.0) for k in (2.0, 3.0))
    assert first.code == second.code
    assert (float(first(1.0)), float(second(1.0))) == (2.0, 3.0)


@pytest.mark.parametrize("transform", [jax.jit, lambda f: f], ids=["jit", "eager"])
def test_traced_closures_carry_derivatives(transform):
    def outer(theta):
        return hoist(lambda x: jnp.sum(theta * x), jnp.ones(2))(jnp.ones(2))

    assert transform(jax.grad(outer))(3.0) == 2.0
    assert jax.vmap(outer)(jnp.arange(2.0)).tolist() == [0.0, 2.0]
