"""The benchmark of nested problems: its known answers, and peers that do what ours does."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st
from benchmarks import _nested_peers, nested
from stationary.atlas.nested.proximal_lagrangian import _machine
from stationary.methods import BilevelDescent


@pytest.fixture
def small(monkeypatch):
    for name, size in (("LANES", 3), ("SIZE", 400), ("RANK", 4), ("UPPER", 3)):
        monkeypatch.setattr(nested, name, size)
    return nested.quadratics()


def first(data):
    return jax.tree.map(lambda v: v[0], data)


def test_answers_are_optimistic_ones(small):
    data = first(small)
    x, y = nested.answer(data)
    assert float(nested._lower(x, y, data)) < 1e-20
    # The upper objective is least there, along every direction that keeps the lower one at zero.
    kept = np.linalg.svd(np.hstack([-data["C"], data["A"]]))[2][4:]
    slope = jax.grad(lambda u: nested._upper(u[:3], u[3:], data))(jnp.concatenate([x, y]))
    np.testing.assert_allclose(kept @ slope, 0, atol=1e-10)


def run(data, response, steps):
    settings = nested.SETTINGS
    rule = optax.sgd(settings.rate, momentum=settings.momentum, nesterov=True)
    method = BilevelDescent(settings.upper, (rule, rule), inner_steps=settings.inner)
    problem = st.Nested(nested._upper, nested._lower, response, data=data)
    pair = (jnp.zeros(3), jnp.zeros(400))
    return st.run(problem, pair, method, tol=1e-12, max_steps=steps, differentiable=False)


def test_the_loop_in_pytorch_takes_the_same_steps(small):
    pytest.importorskip("torch")
    data = first(small)
    ours = run(data, st.ValueFunction(nested._penalty), 31).point.primal
    x, _ = _nested_peers.torch_loop(data, nested.SETTINGS, 30)
    # Ours reports x before the last step's move.
    np.testing.assert_allclose(ours[0], x, rtol=1e-9)
    _, y = _nested_peers.torch_loop(data, nested.SETTINGS, 31)
    np.testing.assert_allclose(ours[1], y, rtol=1e-9)


def test_the_value_function_solves_what_implicit_derivatives_do_not(small):
    data = first(small)
    known = nested.answer(data)
    ours = run(data, st.ValueFunction(nested._penalty), 3000).point.primal
    assert nested._error(ours[:2], known) < 1e-3
    lost = nested._error(_nested_peers.implicit_loop(data, nested.SETTINGS, 200), known)
    assert not lost < 1e-2


def test_the_loop_with_a_conic_solver_takes_the_same_steps():
    pytest.importorskip("cvxpy")
    rng = np.random.default_rng(0)
    whole = _machine.generated(rng)
    split = whole._replace(train=_machine.Samples(whole.train.rows[:40], whole.train.labels[:40]))
    stated, pair = _machine.statement(split), _machine.start(rng, split)
    system, unknown = stated.lower(pair), stated.embed(pair)
    method = BilevelDescent(0.1, (0.1, 0.1, None, None), projection_steps=200)
    state = method.init(system, st.Point(unknown, system.zero_duals(unknown)), stated.data)
    rates = _nested_peers.Rates(0.1, 0.1, *map(float, state.rates[3:]))
    losses = []
    step = jax.jit(lambda state: method.step(system, state, stated.data))
    for _ in range(8):
        state, metrics = step(state)
        losses.append(float(metrics.objective))
    project = nested.conic_projection(split)
    theirs = _nested_peers.conic_loop(split, pair, rates, 8, project)
    np.testing.assert_allclose(losses, theirs, atol=1e-6)
    assert losses[-1] != pytest.approx(losses[1], abs=1e-4)


def test_unknown_comparisons_are_refused():
    with pytest.raises(SystemExit, match="no comparison is called speed: machines, degenerate"):
        nested.run(["speed"])
