"""Laws that every method obeys: one structure for ever, jit, vmap, dtypes, and its own needs."""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st


def bowl(x, target):
    return jnp.sum((x - target) ** 2)


CONSTRAINED = st.Minimize(
    bowl, {"total": st.at_most(lambda x: jnp.sum(x), 1.0)}, data=jnp.array([1.0, 2.0])
)
BALANCED = st.Balance(
    {"all": bowl, "twice": lambda x, target: 2 * bowl(x, target)},
    {"total": st.at_most(lambda x: jnp.sum(x), 1.0)},
    data=jnp.array([1.0, 2.0]),
)
FREE = st.Minimize(bowl, over=st.Box(-3.0, 1.5), data=jnp.array([1.0, 2.0]))
NESTED = st.Nested(
    st.Minimize(lambda x, y, target: bowl(x, target), over=st.Box(-3.0, 1.5)),
    lambda x, y, target: bowl(y, x),
    st.Implicit(),
    data=jnp.array([1.0, 2.0]),
)
METHODS = {
    "augmented Lagrangian": (st.methods.AugmentedLagrangian(), CONSTRAINED),
    "L-BFGS": (st.methods.AugmentedLagrangian(direction=st.methods.LBFGS(3)), CONSTRAINED),
    "spectral": (
        st.methods.AugmentedLagrangian(direction=st.methods.SpectralGradient()),
        CONSTRAINED,
    ),
    "epsilon descent": (st.methods.EpsilonDescent(), CONSTRAINED),
    "primal-dual": (st.methods.PrimalDual(0.1, 0.1), CONSTRAINED),
    "simultaneous": (st.methods.PrimalDual(0.1, 0.1, order="simultaneous"), CONSTRAINED),
    "nuPI": (st.methods.PrimalDual(optax.adam(0.05), st.methods.NuPI(0.1)), CONSTRAINED),
    "MDMM": (st.methods.mdmm(optax.sgd(0.1), 0.1, damping=1.0), CONSTRAINED),
    "dual ascent": (st.methods.DualAscent(optax.sgd(0.1), inner_steps=3), CONSTRAINED),
    "Optax": (st.methods.from_optax(optax.adam(0.1)), FREE),
    "descent-ascent": (st.methods.GradientDescentAscent(0.1), CONSTRAINED),
    "in turn": (st.methods.GradientDescentAscent(0.1, alternating=True), CONSTRAINED),
    "two timescales": (st.methods.ExtraGradient(0.2, timescale=2.0), CONSTRAINED),
    "extragradient": (st.methods.ExtraGradient(0.1), CONSTRAINED),
    "past": (st.methods.PastExtraGradient(0.1), CONSTRAINED),
    "reflected": (st.methods.ReflectedGradient(0.1), CONSTRAINED),
    "optimistic": (st.methods.OptimisticGradient(0.1), CONSTRAINED),
    "restarted": (st.methods.Restarted(st.methods.PastExtraGradient(0.1), 4), CONSTRAINED),
    "interior point": (st.methods.InteriorPoint(), CONSTRAINED),
    "trust region": (st.methods.TrustRegionSQP(), CONSTRAINED),
    "Lagrange-Newton": (st.methods.LagrangeNewton(), CONSTRAINED),
    "nested": (st.methods.BilevelDescent(0.1, order="simultaneous"), NESTED),
    "Jacobian descent": (st.methods.JacobianDescent(0.1, dual=0.1), BALANCED),
    "hybrid gradient": (st.methods.PrimalDualHybridGradient(inner_steps=8), CONSTRAINED),
}


def start(problem, dtype=float):
    zeros = jnp.zeros(2, dtype)
    return (zeros, zeros) if problem is NESTED else zeros


@pytest.fixture(params=METHODS, scope="module")
def case(request):
    method, problem = METHODS[request.param]
    x0 = start(problem)
    system = problem.lower(x0)
    point = st.Point(x0, system.zero_duals(x0))
    state = eqx.filter_jit(method.init)(system, point, problem.data, key=jax.random.key(0))
    return method, problem, system, state


def test_every_public_method_is_here():
    public = {
        name
        for name, value in vars(st.methods).items()
        if inspect.isclass(value) and issubclass(value, st.AbstractMethod)
    }
    assert public == {type(method).__name__ for method, _ in METHODS.values()}


def test_a_state_is_arrays_of_one_structure(case):
    method, problem, system, state = case
    after, metrics = eqx.filter_eval_shape(method.step, system, state, problem.data)
    assert all(eqx.is_array(leaf) for leaf in jax.tree.leaves(state))
    assert jax.tree.structure(after) == jax.tree.structure(state)
    for old, new in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True):
        assert (old.shape, old.dtype) == (new.shape, new.dtype)
    assert all(leaf.shape == () for leaf in jax.tree.leaves(metrics))
    assert set(metrics.violations) == set(system.constraints)


def test_jit_and_vmap_agree_with_a_loop(case):
    method, _, system, state = case

    def three_steps(target):
        def step(current, _):
            return method.step(system, current, target)

        last, metrics = jax.lax.scan(step, state, None, length=3)
        return method.point(last), metrics

    targets = jnp.array([[1.0, 2.0], [0.0, -1.0]])
    batched, one = eqx.filter_jit(jax.vmap(three_steps))(targets), eqx.filter_jit(three_steps)
    for lane, target in enumerate(targets):
        alone = one(target)
        for got, want in zip(jax.tree.leaves(batched), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(got[lane], want, rtol=1e-9, atol=1e-9)


def test_float32_stays_float32(case):
    method, problem, _, _ = case
    data, x0 = problem.data.astype(jnp.float32), start(problem, jnp.float32)

    def solved(data):
        return st.run(problem, x0, method, data=data, max_steps=3).point

    # Tracing decides on dtypes; nothing need be compiled.
    point = jax.eval_shape(solved, data)
    assert {leaf.dtype for leaf in jax.tree.leaves(point)} == {jnp.dtype(jnp.float32)}


def test_metrics_describe_the_reported_point(case):
    method, problem, system, state = case
    step = eqx.filter_jit(method.step)
    for _ in range(2):
        state, metrics = step(system, state, problem.data)
    point = method.point(state)

    @jax.jit
    def judge(point):
        at = system.linearize(point.primal, problem.data)
        return system.metrics(point, at, at.direction(point.duals))

    expected = judge(point)
    np.testing.assert_allclose(metrics.objective, expected.objective, rtol=1e-8)
    np.testing.assert_allclose(metrics.feasibility, expected.feasibility, atol=1e-10)
    # Interior point asks for its own scaled errors as well, epsilon descent for a small radius.
    if isinstance(method, st.methods.InteriorPoint | st.methods.EpsilonDescent):
        assert metrics.residual >= expected.residual * (1 - 1e-8)
    else:
        np.testing.assert_allclose(metrics.residual, expected.residual, rtol=1e-8, atol=1e-10)


def test_it_reaches_the_answer(case):
    method, problem, _, _ = case
    outcome = st.run(problem, start(problem), method, tol=1e-6, max_steps=5000)
    answer = [0.0, 1.0] if problem is CONSTRAINED or problem is BALANCED else [1.0, 1.5]
    assert st.Status(int(outcome.status)) is st.Status.CONVERGED
    for leaf in jax.tree.leaves(outcome.point.primal):
        np.testing.assert_allclose(leaf, answer, atol=1e-5)
