"""The averaged method of multipliers: its direction, its cost, and degenerate lower problems."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import BilevelDescent


def upper(x, y):
    return 0.5 * jnp.sum((x - y[1]) ** 2) + 0.5 * jnp.sum((y[0] - 1) ** 2)


def lower(x, y):  # any y[1] will do
    return 0.5 * jnp.sum(y[0] ** 2) - jnp.vdot(x, y[0])


TAU = 1 / 40


def weight(k):
    return 0.9 * (k + 1.0) ** -0.1


def outer_rate(k):
    return 0.1 * (k + 1.0) ** (-1.5 * TAU) * weight(k) ** 3


def multiplier_rate(k):
    return 0.1 * (k + 1.0) ** (-0.5 * TAU)


def error(response, lower_rule, steps, n=100):
    """|x - 1| over |1| of the counter-example, from 0.01."""
    start = (jnp.full(n, 0.01), jnp.full((2, n), 0.01))
    method = BilevelDescent(outer_rate, lower_rule, order="simultaneous")
    problem = st.Nested(upper, lower, response)
    outcome = st.run(problem, start, method, tol=1e-16, max_steps=steps, differentiable=False)
    return float(jnp.linalg.norm(outcome.point.primal[0] - 1)) / n**0.5


def test_counter_example_at_the_rates_of_the_theory():
    # From an implementation in NumPy with the theory's multiplier steps, and with exact ones.
    plain = {k: error(st.Averaged(exact=False), (0.1, multiplier_rate), k) for k in (1000, 5000)}
    assert plain[5000] < 1e-4
    exact = {k: error(st.Averaged(), (0.1, 1.0), k) for k in (100, 1000, 5000)}
    for found in (plain, exact):
        assert found[1000] == pytest.approx(7.5e-2, abs=2e-3)
        assert found[5000] < 1e-3
    assert exact[100] < 0.75


def test_schedules_agree_with_a_loop_in_numpy():
    x, y, v = np.full(3, 0.01), np.full((2, 3), 0.01), np.zeros((2, 3))
    for k in range(300):
        mu = weight(k)
        by_y = np.stack([y[0] - 1, y[1] - x])
        mean = mu * by_y + (1 - mu) * np.stack([y[0] - x, 0 * x])
        left = np.stack([v[0], mu * v[1]]) - by_y
        # d/dx of the averaged slope: -mu for y[1] from the upper, -(1 - mu) for y[0].
        by_x = (x - y[1]) + mu * v[1] + (1 - mu) * v[0]
        x = x - outer_rate(k) * by_x
        y = y - 0.1 * mean
        v = v - multiplier_rate(k) * left
    problem = st.Nested(upper, lower, st.Averaged(exact=False))
    method = BilevelDescent(outer_rate, (0.1, multiplier_rate), order="simultaneous")
    start = (jnp.full(3, 0.01), jnp.full((2, 3), 0.01))
    outcome = st.run(problem, start, method, tol=1e-16, max_steps=301, differentiable=False)
    # `run` reports where the last step began.
    for got, want in zip(outcome.point.primal, (x, y, v), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10)


def test_direction_of_x_is_the_derivative_along_the_averaged_answer():
    rng = np.random.default_rng(0)
    a, b, c = (jnp.asarray(rng.normal(size=(4, 4))) for _ in range(3))
    flat = a.at[3].set(0.0)  # a lower Hessian of rank 3
    mu = 0.3

    def above(x, y):
        return 0.5 * jnp.sum((y - jnp.sin(x)) ** 2) + 0.1 * jnp.sum(jnp.cosh(y)) + jnp.sum(x**2)

    def below(x, y):
        return jnp.sum(jnp.cosh(flat @ y)) - y @ b @ x + 0.2 * (c[0] @ x) * (c[1] @ y)

    def average(x, y):
        return mu * above(x, y) + (1 - mu) * below(x, y)

    @jax.jit
    def answer(x):
        def newton(_, y):
            step = jnp.linalg.solve(jax.hessian(average, 1)(x, y), jax.grad(average, 1)(x, y))
            return y - jnp.clip(step, -1, 1)

        return jax.lax.fori_loop(0, 60, newton, jnp.zeros(4))

    x = jnp.asarray(rng.normal(size=4))
    y = answer(x)
    v = jnp.linalg.solve(jax.hessian(average, 1)(x, y), jax.grad(above, 1)(x, y))
    problem = st.Nested(above, below, st.Averaged(mu))
    lead, slope, residual = problem.lower((x, y)).linearize((x, y, v)).direction({})
    np.testing.assert_allclose(slope, 0, atol=1e-12)
    np.testing.assert_allclose(residual, 0, atol=1e-12)
    h = 1e-5
    for i, unit in enumerate(np.eye(4)):
        ends = [above(x + s * h * unit, answer(x + s * h * unit)) for s in (1, -1)]
        assert float(lead[i]) == pytest.approx(float(ends[0] - ends[1]) / (2 * h), abs=1e-6)


def test_the_exact_multiplier_step_minimises_along_its_direction():
    hessian = np.diag([3.0, 1.0, 0.5])

    def above(x, y):
        return jnp.sum((y - x) ** 2)

    def below(x, y):
        return 0.5 * y @ jnp.asarray(hessian) @ y

    x, y, v = jnp.array([1.0, 2.0, -1.0]), jnp.array([0.3, -0.2, 0.5]), jnp.array([0.1, 0.4, -0.3])
    averaged = 0.2 * 2 * np.eye(3) + 0.8 * hessian
    residual = averaged @ v - 2 * (y - x)
    for exact, length in (
        (False, 1.0),
        (True, residual @ residual / (residual @ averaged @ residual)),
    ):
        problem = st.Nested(above, below, st.Averaged(0.2, exact))
        found = problem.lower((x, y)).linearize((x, y, v)).direction({})[2]
        np.testing.assert_allclose(found, length * residual, rtol=1e-12)
    # Where nothing is left to do there is no division by zero, in float32 either.
    rest = tuple(jnp.asarray(e, jnp.float32) for e in (x, x, 0 * x))
    found = problem.lower(rest[:2]).linearize(rest).direction({})[2]
    np.testing.assert_array_equal(found, 0)


def equations(jaxpr):
    """Every equation of a program, within others too."""
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            for part in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(part, "jaxpr", part)
                if hasattr(inner, "eqns"):
                    yield from equations(inner)


def test_a_step_costs_one_product_with_second_derivatives_and_has_no_loop():
    matrix = jnp.asarray(np.random.default_rng(0).normal(size=(7, 5)))

    def above(x, y):
        return 0.5 * jnp.sum(y**2) + jnp.sum(x**2)

    def below(x, y):
        return jnp.sum(jax.nn.sigmoid(x) * jax.nn.softplus(matrix @ y))

    pair = (jnp.zeros(7), jnp.zeros(5))
    for exact, products in ((False, 1), (True, 2)):
        problem = st.Nested(above, below, st.Averaged(0.3, exact))
        system, unknown = problem.lower(pair), problem.embed(pair)

        def directions(unknown, system=system):
            return system.linearize(unknown).direction({})

        def names(fn, *args):
            traced = jax.make_jaxpr(fn)(*args)
            live = jax.jit(fn).lower(*args).compile().cost_analysis()
            return {e.primitive.name for e in equations(traced.jaxpr)}, live

        found, cost = names(directions, unknown)
        assert not found & {"while", "scan", "cond"}
        _, gradient = names(lambda y: jax.grad(below, 1)(pair[0], y), pair[1])
        # Two products with the matrix in a gradient, and two in each with the Hessian.
        matrices = {"gradient": gradient["flops"], "products": 2 * matrix.size * 2 * products}
        assert cost["flops"] < matrices["gradient"] * (1 + products) + matrices["products"] + 600


def test_a_method_step_has_no_loop_and_compiles_once():
    pair = (jnp.zeros(4), jnp.zeros((2, 4)))
    problem = st.Nested(upper, lower, st.Averaged())
    system, unknown = problem.lower(pair), problem.embed(pair)
    method = BilevelDescent(outer_rate, (0.1, 1.0), order="simultaneous")
    state = method.init(system, st.Point(unknown, {}))
    traces = []

    @jax.jit
    def step(state):
        traces.append(None)
        return method.step(system, state)[0]

    jaxpr = jax.make_jaxpr(lambda s: method.step(system, s))(state).jaxpr
    assert not {e.primitive.name for e in equations(jaxpr)} & {"while", "scan", "cond"}
    for _ in range(3):
        state = step(state)
    assert len(traces) == 1
    assert int(state.count) == 3


def test_degenerate_lower_problem_where_others_fail():
    start = (jnp.full(3, 0.01), jnp.zeros((2, 3)))

    def found(response, rate, steps):
        problem = st.Nested(upper, lower, response)
        method = BilevelDescent(rate)
        return st.solve(problem, start, method, tol=1e-9, max_steps=steps, progress=False)

    # Unrolling leaves y[1] where it began, so that x = 1/2.
    frozen = found(st.Unrolled(64, 0.3, warm_start=False), 0.1, 2000)
    np.testing.assert_allclose(frozen.value[0], 0.5, atol=1e-6)
    # The implicit function theorem has nothing to say, and says so.
    with pytest.raises(ValueError, match="the gradient is not finite at x0"):
        found(st.Implicit(st.LeastSquares()), 0.1, 10)
    ours = error(st.Averaged(), (0.1, 1.0), 5000, n=3)
    assert ours < 1e-3 * 0.5


@pytest.mark.parametrize("weight", [-0.1, 1.5, lambda k: 1.0 + k])
def test_weights_outside_the_unit_interval_are_refused(weight):
    with pytest.raises(ValueError, match=r"Averaged\(weight=\.\.\.\) must be in \[0, 1\]"):
        st.Averaged(weight)


def test_lower_constraints_are_refused():
    capped = st.Minimize(lower, {"cap": st.at_most(lambda x, y: y, 1.0)})
    problem = st.Nested(upper, capped, st.Averaged())
    with pytest.raises(TypeError, match=r"response=Averaged needs .*\['cap'\].*ProximalLagrangian"):
        problem.embed((jnp.zeros(2), jnp.zeros((2, 2))))


def test_the_direction_that_is_not_finite_is_named():
    def above(x, y):  # not defined beyond x = 1/2, which the first step passes
        return (x - 1) ** 2 + 0 * jnp.sum(y) + 0.1 * jnp.sqrt(0.5 - x)

    problem = st.Nested(above, lambda x, y: (y - x) ** 2, st.Averaged(0.1))
    method = BilevelDescent(0.5, (0.1, 1.0))
    start = (jnp.array(0.4), jnp.array(0.2))
    with pytest.warns(UserWarning, match="does not depend on y"):
        solution = st.solve(problem, start, method, max_steps=100, progress=False)
    assert solution.status is st.Status.NONFINITE
    direction, objective = solution.stats.notices[1:]
    assert direction == "the direction of x is not finite."
    assert objective.startswith("objective 'upper' is not finite at the last point")


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ((jnp.zeros((2, 5)),), r"x0\[2\] has the shape \(2, 5\), .*Averaged it has \(2, 4\)"),
        (({"v": jnp.zeros((2, 4))},), r"x0\[2\] has the shape \{'v': \(2, 4\)\}"),
        ((jnp.zeros((2, 4)), jnp.zeros(1)), r"x0 has 4 entries, .*Averaged has 3"),
    ],
)
def test_a_multiplier_of_another_shape_than_y_is_refused(rest, message):
    problem = st.Nested(upper, lower, st.Averaged())
    start = (jnp.zeros(4), jnp.zeros((2, 4)), *rest)
    with pytest.raises(ValueError, match=message):
        st.solve(problem, start, BilevelDescent(0.1), max_steps=2, progress=False)
