"""The primal-dual operator: its formula, its norm, its steps, and what it refuses."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.optimize import linprog

import stationary as st
from stationary.methods import Halpern, Picard, halpern, picard, primal_dual_operator


def quadratic(m=5, n=8):
    """A convex quadratic program with both kinds of constraints and two-sided bounds."""
    rng = np.random.default_rng(3)
    root = rng.normal(size=(n - 3, n))
    data = {
        "q": root.T @ root,
        "c": rng.normal(size=n),
        "e": rng.normal(size=(2, n)),
        "a": rng.normal(size=(m, n)),
    }
    return st.Minimize(
        lambda x, d: 0.5 * x @ d["q"] @ x + d["c"] @ x,
        {
            "planes": st.equal(lambda x, d: d["e"] @ x, 0.3),
            "limits": st.at_most(lambda x, d: d["a"] @ x, 1.0),
        },
        st.Box(-1.0, 2.0),
        data=jax.tree.map(jnp.asarray, data),
    )


def points(operator, like, count, key):
    flat, unravel = ravel_pytree(like)
    return [unravel(jax.random.normal(k, flat.shape)) for k in jax.random.split(key, count)]


def stepping(operator, step):
    """The operator with one step for all entries, which nothing checks."""
    steps = operator.primal_step, operator.dual_step
    steps = jax.tree.map(lambda s: jnp.full_like(s, step), steps)
    return dataclasses.replace(operator, primal_step=steps[0], dual_step=steps[1])


def linear(program):
    made = program("feasible", 1)
    return primal_dual_operator(made.problem, made.start), made.zero


def curved(_):
    problem = quadratic()
    x0 = jnp.zeros(8)
    return primal_dual_operator(problem, x0), st.Point(x0, problem.lower(x0).zero_duals(x0))


def test_the_operator_is_the_hybrid_gradient_step(program, getkey):
    made = program("feasible")
    operator = primal_dual_operator(made.problem, made.start, primal_step=0.05, dual_step=0.2)
    (z,) = points(operator, made.zero, 1, getkey())
    x, y = np.asarray(z.primal), np.asarray(z.duals["rows"])
    ahead = np.maximum(x - 0.05 * (made.c + made.a.T @ y), 0)
    after = y + 0.2 * (made.a @ (2 * ahead - x) - made.b)
    image = operator(z)
    np.testing.assert_allclose(image.primal, ahead, atol=1e-13)
    np.testing.assert_allclose(image.duals["rows"], after, atol=1e-13)


@pytest.mark.parametrize("build", [linear, curved])
def test_the_operator_is_firmly_nonexpansive_in_its_own_norm(build, program, getkey):
    operator, like = build(program)
    flat, unravel = ravel_pytree(like)
    metric = jax.vmap(lambda e: ravel_pytree(operator.metric(unravel(e)))[0])(jnp.eye(flat.size))
    np.testing.assert_allclose(metric, metric.T, atol=1e-12)
    assert np.linalg.eigvalsh(metric)[0] > 1e-3
    for a, b in zip(*(points(operator, like, 20, getkey()) for _ in range(2)), strict=True):
        moved = ravel_pytree(jax.tree.map(jnp.subtract, operator(a), operator(b)))[0]
        apart = ravel_pytree(jax.tree.map(jnp.subtract, a, b))[0]
        assert moved @ metric @ moved <= moved @ metric @ apart * (1 + 1e-12)


def test_steps_beyond_the_bound_break_it(program):
    made = program("feasible")
    longest = 1 / np.linalg.norm(made.a, 2)
    operator = stepping(primal_dual_operator(made.problem, made.start), 1.1 * longest)
    flat, unravel = ravel_pytree(made.zero)
    metric = jax.vmap(lambda e: ravel_pytree(operator.metric(unravel(e)))[0])(jnp.eye(flat.size))
    assert np.linalg.eigvalsh(metric)[0] < 0


def test_values_carried_along_are_those_of_the_functions(program):
    operator, like = curved(program)
    method = Halpern(restart=9, reflect=True)
    state = method.init(operator.advance, operator.evaluate(like))
    for _ in range(60):
        state = method.step(operator.advance, state)
    fresh = operator.evaluate(state.iterate.point)
    for name in ("gradient", "pull", "values"):
        carried, now = ravel_pytree(getattr(state.iterate, name))[0], getattr(fresh, name)
        np.testing.assert_allclose(carried, ravel_pytree(now)[0], atol=1e-12)


def test_fixed_points_are_answers(program):
    made = program("feasible")
    exact = linprog(made.c, A_eq=made.a, b_eq=made.b)
    point = st.Point(jnp.asarray(exact.x), {"rows": -jnp.asarray(exact.eqlin.marginals)})
    image = primal_dual_operator(made.problem, made.start)(point)
    np.testing.assert_allclose(image.primal, point.primal, atol=1e-9)
    np.testing.assert_allclose(image.duals["rows"], point.duals["rows"], atol=1e-9)


def test_of_one_given_step_the_other_follows(program):
    made = program("feasible")
    for given in ({"primal_step": 0.01}, {"dual_step": 0.3}):
        operator = primal_dual_operator(made.problem, made.start, **given)
        (tau,), (sigma,) = (
            set(np.asarray(s)) for s in (operator.primal_step, operator.dual_step["rows"])
        )
        np.testing.assert_allclose(tau * sigma * np.linalg.norm(made.a, 2) ** 2, 0.81, rtol=1e-2)


def test_default_steps_do_not_mind_the_units_of_rows_and_columns(program):
    made = program("feasible")
    rng = np.random.default_rng(7)
    r, s = 10 ** rng.uniform(-3, 3, 8), 10 ** rng.uniform(-3, 3, 16)
    other = dataclasses.replace(made, a=r[:, None] * made.a * s, b=r * made.b, c=s * made.c)
    one, two = (primal_dual_operator(p.problem, p.start) for p in (made, other))

    # The steps of x / s and y / r. Norms are estimated, so they agree to a factor only.
    tau = np.asarray(two.primal_step) * s**2 / np.asarray(one.primal_step)
    sigma = np.asarray(two.dual_step["rows"]) * r**2 / np.asarray(one.dual_step["rows"])
    for ratio in (tau, sigma):
        assert 0.2 < np.min(ratio) and np.max(ratio) < 5


def test_long_steps_are_refused_with_the_value(program):
    made = program("feasible")
    value = 0.1 * 2.0 * np.linalg.norm(made.a, 2) ** 2
    with pytest.raises(ValueError, match=r"must be below 1") as error:
        primal_dual_operator(made.problem, made.start, primal_step=0.1, dual_step=2.0)
    assert f"is {value:.3g}"[:6] in str(error.value)
    with pytest.raises(ValueError, match=r"Q alone makes"):
        primal_dual_operator(quadratic(), jnp.zeros(8), primal_step=3.0)
    with pytest.raises(ValueError, match="dual_step must be positive, got -1"):
        primal_dual_operator(made.problem, made.start, dual_step=-1.0)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (st.Minimize(lambda x: jnp.sum(x), {"ring": st.at_most(lambda x: x @ x, 1.0)}), "'ring'"),
        (st.Minimize(lambda x: jnp.sum(x), {"kink": st.at_most(lambda x: jnp.abs(x))}), "'kink'"),
        (st.Minimize(lambda x: jnp.sum(x**4)), "linear or quadratic objective"),
        (st.Minimize(lambda x: jnp.sum(jnp.log(2 + x))), "linear or quadratic objective"),
        (st.Minimize(lambda x: x[0] ** 2 - 0.5 * x[1] ** 2), "convex objective"),
        (st.Maximize(lambda x: x @ x), "convex objective"),
        (st.Minimize(lambda x: x[0], over=st.Simplex()), "the simplex"),
    ],
    ids=["ring", "kink", "quartic", "log", "saddle", "maximise", "simplex"],
)
def test_what_is_no_convex_quadratic_program_is_refused_by_name(problem, message):
    with pytest.raises(ValueError, match=message):
        primal_dual_operator(problem, jnp.array([0.5, 0.5]))


def test_missing_numbers_in_a_row_are_refused_by_constraint(program):
    made = program("feasible")
    data = {**made.data, "a": made.data["a"].at[3, 2].set(jnp.nan)}
    with pytest.raises(ValueError, match="constraint 'rows' is not finite"):
        primal_dual_operator(made.problem, made.start, data=data)


def test_bounds_that_leave_no_room_are_refused():
    with pytest.raises(ValueError, match="no number fits at entry 1"):
        st.Minimize(jnp.sum, over=st.Box(np.array([0.0, 2.0]), np.array([1.0, 1.0])))


def test_without_a_feasible_point_the_displacement_keeps_the_bound_in_its_norm(program):
    made = program("contradictory", 2)
    operator = primal_dual_operator(made.problem, made.start)

    def size(z):
        return jnp.sqrt(jnp.vdot(ravel_pytree(z)[0], ravel_pytree(operator.metric(z))[0]))

    # v by plain iteration, which ends in finitely many faces and then converges linearly.
    far = picard(operator, made.zero, tol=0.0, max_steps=60_000)
    v = far.displacement
    again = picard(operator, far.point, tol=0.0, max_steps=1000)
    assert float(size(jax.tree.map(jnp.subtract, v, again.displacement))) < 1e-10
    # x_k + k v tends to a point that attains v.
    star = jax.tree.map(lambda x, d: x + 60_000 * d, far.point, v)
    distance = float(size(jax.tree.map(jnp.subtract, made.zero, star)))

    def step(method):
        def once(state, _):
            state = method.step(operator, state)
            gaps = [method.displacement(state), method.mean_displacement(state)]
            return state, [size(jax.tree.map(jnp.subtract, gap, v)) for gap in gaps]

        start = method.init(operator, made.zero)
        return jax.jit(lambda s: jax.lax.scan(once, s, None, length=1000)[1])(start)

    k = np.arange(1, 1001)
    residual, _ = step(Halpern())
    bound = (np.sqrt(np.cumsum(1 / k) + 12) + 1) / (k + 1) * distance
    assert np.all(np.asarray(residual) <= bound)
    assert np.max(np.asarray(residual) / bound) > 0.05  # the bound says something
    _, mean = step(Picard())
    assert np.all(np.asarray(mean) <= 2 * distance / k)


def test_pure_iterations_run_over_a_batch_of_programs(program):
    made = [program("feasible", seed) for seed in range(3)]
    data = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(p.data for p in made))
    operator = primal_dual_operator(made[0].problem, made[0].start)

    def solve(d):
        lane = dataclasses.replace(stepping(operator, 0.1), data=d)
        return halpern(lane, made[0].zero, 200, True, tol=1e-7, max_steps=20_000)

    outcome = jax.jit(jax.vmap(solve))(data)
    assert outcome.status.tolist() == [1, 1, 1]
    for lane, each in enumerate(made):
        best = linprog(each.c, A_eq=each.a, b_eq=each.b).fun
        np.testing.assert_allclose(each.c @ outcome.point.primal[lane], best, atol=1e-4)
