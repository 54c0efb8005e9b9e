"""The divergence of the Newton field: known values, invariances, and the trace itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import DivergenceCriterion, LagrangeNewton, newton_divergence


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def circle(z):
    """The Lagrangian of x + y on the circle of radius sqrt 2."""
    x, multiplier = z[:2], z[2]
    return x[0] + x[1] + multiplier * (x @ x - 2)


CIRCLE = st.Minimize(lambda x: x[0] + x[1], {"circle": st.equal(lambda x: x @ x, 2.0)})


def step(fn):
    return lambda z: -jnp.linalg.solve(jax.hessian(fn)(z), jax.grad(fn)(z))


@pytest.mark.parametrize("fn", [rosenbrock, circle], ids=["rosenbrock", "circle"])
def test_it_is_the_trace_of_the_jacobian_of_newton_steps(fn):
    rng = np.random.default_rng(0)
    for _ in range(5):
        z = jnp.asarray(rng.normal(size=2 if fn is rosenbrock else 3))
        expected = -jnp.trace(jax.jacfwd(step(fn))(z)) / z.size
        np.testing.assert_allclose(newton_divergence(fn)(z), expected, rtol=1e-9)


@pytest.mark.parametrize("power", [3, 4, 6])
def test_powers_have_the_value_of_their_degree_everywhere(power):
    tau = newton_divergence(lambda x: x**power)
    for x in (-2.0, 0.3, 5.0):
        np.testing.assert_allclose(tau(jnp.array(x)), 1 / (power - 1), rtol=1e-12)


def test_it_is_plus_one_for_quadratics_under_linear_constraints():
    rng = np.random.default_rng(1)
    half, plane = rng.normal(size=(4, 4)), rng.normal(size=4)
    problem = st.Minimize(
        lambda x: x @ (half @ half.T) @ x / 2 + x[0], {"plane": st.equal(lambda x: plane @ x, 1.0)}
    )
    tau = newton_divergence(problem)(st.Point(rng.normal(size=4), {"plane": 0.7}))
    np.testing.assert_allclose(tau, 1, rtol=1e-12)


def test_it_is_one_at_every_stationary_point_whatever_its_index():
    tau = newton_divergence(CIRCLE)
    for sign in (-1.0, 1.0):  # a minimum and a maximum
        at = st.Point(sign * jnp.ones(2), {"circle": jnp.array(-0.5 * sign)})
        np.testing.assert_allclose(tau(at), 1, atol=1e-12)
    saddle = newton_divergence(lambda x: x[0] ** 2 - x[1] ** 2 + x[0] ** 3 * x[1])
    np.testing.assert_allclose(saddle(jnp.zeros(2)), 1, atol=1e-14)


def test_one_does_not_imply_stationary():
    np.testing.assert_allclose(newton_divergence(rosenbrock)(jnp.zeros(2)), 1, atol=1e-13)
    np.testing.assert_allclose(jax.grad(rosenbrock)(jnp.zeros(2)), [-2, 0])


def test_linear_changes_of_variables_and_scale_leave_it_alone_and_others_do_not():
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(2, 2)) + 2 * np.eye(2)
    z = rng.normal(size=2)
    tau = newton_divergence(rosenbrock)(jnp.asarray(matrix @ z))
    moved = newton_divergence(lambda w: -3.0 * rosenbrock(jnp.asarray(matrix) @ w))
    np.testing.assert_allclose(moved(jnp.asarray(z)), tau, rtol=1e-9)
    bent = newton_divergence(lambda w: rosenbrock(jnp.sinh(w)))
    assert abs(float(bent(jnp.arcsinh(jnp.asarray(matrix @ z))) - tau)) > 1e-3


def test_statements_and_functions_agree():
    x, multiplier = np.array([0.3, -1.2]), 0.8
    by_statement = newton_divergence(CIRCLE)(st.Point(x, {"circle": multiplier}))
    by_function = newton_divergence(circle)(jnp.array([*x, multiplier]))
    np.testing.assert_allclose(by_statement, by_function, rtol=1e-12)
    named = newton_divergence(lambda p: circle(jnp.array([p["x"], p["y"], p["m"]])))
    pytree = {"x": jnp.array(0.3), "y": jnp.array(-1.2), "m": jnp.array(multiplier)}
    np.testing.assert_allclose(named(pytree), by_function, rtol=1e-12)


def test_probes_estimate_the_trace_with_a_fixed_seed():
    def fn(x):
        return jnp.sum(jnp.cosh(x)) + jnp.prod(x[:3])

    z = jnp.linspace(-1, 1, 12)
    exact = newton_divergence(fn)(z)
    estimates = [newton_divergence(fn, probes=4, seed=seed)(z) for seed in range(40)]
    spread = np.std(estimates) / 40**0.5
    assert abs(np.mean(estimates) - exact) < 4 * spread
    assert spread < 0.05
    again = newton_divergence(fn, probes=4, seed=7)(z)
    np.testing.assert_allclose(again, estimates[7], rtol=1e-14)


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="probes must be at least 1"):
        newton_divergence(rosenbrock, probes=0)
    with pytest.raises(TypeError, match="int64"):
        newton_divergence(rosenbrock)(jnp.arange(2))
    bounded = st.Minimize(rosenbrock, over=st.Box(0.0, 1.0))
    with pytest.raises(ValueError, match="equality constraints alone"):
        newton_divergence(bounded)(st.Point(jnp.zeros(2), {}))


@pytest.mark.parametrize("length", ["grid", "golden"])
def test_no_search_stands_still_on_the_floor_of_a_ravine(length):
    # On y = x^2 the criterion of Rosenbrock's function is zero, and grows along every step.
    problem, method = st.Minimize(rosenbrock), LagrangeNewton(DivergenceCriterion(length))
    start = jnp.array([-1.2, 1.44])
    system = problem.lower(start)

    def step(state, _):
        state, _ = method.step(system, state)
        return state, (state.length, method.point(state).primal[0])

    state = method.init(system, st.Point(start, {}))
    lengths, x = jax.jit(lambda s: jax.lax.scan(step, s, None, length=30)[1])(state)
    assert np.min(lengths) >= 0.05
    assert np.all(np.diff(x) > 0) and x[-1] > -0.8


def test_candidates_that_are_not_finite_are_passed_over():
    # The full step from 4 leads to -4, where the square root has no value.
    problem = st.Minimize(lambda x: x - 2 * jnp.sqrt(x))
    method = LagrangeNewton(DivergenceCriterion())
    found = st.run(problem, jnp.array(4.0), method, max_steps=60, differentiable=False)
    assert st.Status(int(found.status)) is st.Status.CONVERGED
    np.testing.assert_allclose(found.point.primal, 1, atol=1e-5)


def test_a_singular_start_says_so_and_multipliers_of_zero_come_from_least_squares():
    # A linear objective with no multiplier has no curvature at all.
    method = LagrangeNewton(DivergenceCriterion())
    none = {"circle": jnp.array(0.0)}
    zero = st.solve(CIRCLE, jnp.array([-2.0, 0.5]), method, duals=none, progress=False)
    assert zero.status is st.Status.CONVERGED
    flat = st.Minimize(lambda x: jnp.sum(x), {"line": st.equal(lambda x: x[0] - x[1], 0.0)})
    given = {"line": jnp.array(1.0)}
    solution = st.solve(flat, jnp.array([1.0, 0.5]), method, duals=given, progress=False)
    assert solution.status is st.Status.STALLED
    assert "singular" in method.explain(solution) and "least-squares" in method.explain(solution)
