"""The proximal Lagrangian value function: its gradient, its sign, its fixed points, its limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import BilevelDescent


def upper(x, y):
    return 0.5 * jnp.sum((x - y[1]) ** 2) + 0.5 * jnp.sum((y[0] - 1) ** 2)


def lower(x, y):  # merely convex in y
    return 0.5 * jnp.sum(y[0] ** 2) - jnp.vdot(x, y[0]) + jnp.sum(y[1])


def balance(x, y):
    return (jnp.sum(x) + jnp.sum(y)) / x.size**0.5


def coupled(penalty, **options):
    below = st.Minimize(lower, {"balance": st.equal(balance)})
    return st.Nested(upper, below, st.ProximalLagrangian(penalty, **options))


def start(n):
    """All ones, projected onto the constraint."""
    return jnp.zeros(n), jnp.zeros((2, n))


def descend(problem, pair, steps, tol=1e-16, rate=0.1):
    method = BilevelDescent(rate, rate, projection_steps=20)
    return st.run(problem, pair, method, tol=tol, max_steps=steps, differentiable=False)


# From an implementation in NumPy, n = 10 and 5000 steps; the answer is (-0.3, 0.7, -0.4).
REFERENCE = (-0.300694, 0.701151, -0.400456)


@pytest.fixture(scope="module")
def ten():
    x, y, *_ = descend(coupled(None), start(10), 5000).point.primal
    return jnp.stack([x, *y])


def test_toy_problem_of_the_paper(ten):
    np.testing.assert_allclose(ten, np.tile(REFERENCE, (10, 1)).T, atol=1e-5)
    assert np.max(np.abs(ten - np.array([[-0.3], [0.7], [-0.4]]))) < 2e-3


def test_numbers_do_not_depend_on_the_size(ten):
    x, y, *_ = descend(coupled(None), start(1000), 5000).point.primal
    many = jnp.stack([x, *y])
    np.testing.assert_allclose(many, jnp.tile(ten[:, :1], (1, 1000)), atol=1e-9)
    assert abs(float(jnp.sum(many))) < 1e-9


@pytest.mark.parametrize("c", [1.0, 5.0, 20.0, 100.0])
def test_fixed_points_of_a_fixed_penalty(c):
    x, _, anchor, _, duals = descend(coupled(c), start(4), 20000, 1e-13).point.primal
    np.testing.assert_allclose(x, -(3 * c + 6) / (10 * c + 12), atol=1e-9)
    # There the proximal saddle is at its own centre in the multipliers: z is one of its answers.
    np.testing.assert_allclose(anchor["balance"], duals["balance"], atol=1e-6)


def value_function(problem, x, y, z):
    """v and its saddle point, by Newton's method on the saddle's own equations."""
    lower, constraint, proximal, dual_proximal = problem

    def equations(w, m):
        def lagrangian(w, m):
            near = jnp.sum((w - y) ** 2) / (2 * proximal)
            far = jnp.sum((m - z) ** 2) / (2 * dual_proximal)
            return lower(x, w) + m @ constraint(x, w) + near - far

        return lagrangian, jax.grad(lagrangian, 0)(w, m), jax.grad(lagrangian, 1)(w, m)

    def root(u):
        _, by_w, by_l = equations(u[: y.size], u[y.size :])
        return jnp.concatenate([by_w, by_l])

    def newton(_, u):
        step = jnp.linalg.solve(jax.jacfwd(root)(u), root(u))
        return u - step / jnp.maximum(1.0, jnp.linalg.norm(step))

    u = jax.lax.fori_loop(0, 40, newton, jnp.concatenate([y, z]))
    w, m = u[: y.size], u[y.size :]
    return equations(w, m)[0](w, m), w, m


def curved(x, y):
    return jnp.sum(jnp.cosh(y - x[0])) + 0.3 * jnp.sum(x * y)


def slanted(x, y):
    return jnp.stack([x[0] * y[0] + y[1] - 0.5, jnp.sum(y) - x[1] * y[2]])


def test_directions_are_the_derivatives_of_the_penalised_gap():
    proximal, dual_proximal, c = 1.7, 0.6, 3.0
    problem = (curved, slanted, proximal, dual_proximal)

    def above(x, y):
        return jnp.sum((y - 1) ** 2) + jnp.sum(jnp.sin(x))

    x, y, z = jnp.array([0.4, -0.7, 0.2]), jnp.array([0.3, -0.5, 1.1]), jnp.array([0.2, -0.4])
    _, w, m = value_function(problem, x, y, z)
    below = st.Minimize(curved, {"slanted": st.equal(slanted)})
    response = st.ProximalLagrangian(c, proximal, dual_proximal)
    system = st.Nested(above, below, response).lower((x, y))
    unknown = (x, y, {"slanted": z}, w, {"slanted": m})
    none = system.zero_duals(unknown)
    by_x, by_y, by_z, by_w, by_l = system.linearize(unknown).direction(none)
    np.testing.assert_allclose(by_w, 0, atol=1e-12)
    np.testing.assert_allclose(by_l["slanted"], 0, atol=1e-12)

    @jax.jit
    def penalised(x, y, z):
        return above(x, y) / c + curved(x, y) - value_function(problem, x, y, z)[0]

    h = 1e-5
    for place, (at, found) in enumerate(zip((x, y, z), (by_x, by_y, by_z["slanted"]), strict=True)):
        for i, unit in enumerate(np.eye(at.size)):
            ends = [
                penalised(*(e + s * h * unit if j == place else e for j, e in enumerate((x, y, z))))
                for s in (1, -1)
            ]
            assert float(found[i]) == pytest.approx(float(ends[0] - ends[1]) / (2 * h), abs=1e-6)


def test_the_gap_is_nonnegative_where_feasible_and_zero_at_lower_answers():
    rng = np.random.default_rng(0)
    root = jnp.asarray(rng.normal(size=(3, 3)))
    a, b = jnp.asarray(rng.normal(size=(2, 3))), jnp.asarray(rng.normal(size=2))

    def below(x, y):
        return 0.5 * y @ root @ root.T @ y - x @ y

    def rows(x, y):
        return a @ y - b

    problem = (below, rows, 1.3, 0.8)

    @jax.jit
    def gap(x, y, z):
        return below(x, y) - value_function(problem, x, y, z)[0]

    null = np.linalg.svd(a)[2][2]
    point = np.linalg.lstsq(np.asarray(a), np.asarray(b), rcond=None)[0]
    for _ in range(20):
        y = jnp.asarray(point + rng.normal() * 3 * null)
        found = gap(jnp.asarray(rng.normal(size=3)), y, jnp.asarray(rng.normal(size=2)))
        assert float(found) >= -1e-10
    x = jnp.asarray(rng.normal(size=3))
    kkt = jnp.block([[root @ root.T, a.T], [a, jnp.zeros((2, 2))]])
    answer = jnp.linalg.solve(kkt, jnp.concatenate([x, b]))
    assert float(gap(x, answer[:3], answer[3:])) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_joint_projection_is_the_nearest_point(n):
    # One step of length 1 along a linear upper objective, from a feasible start, then back.
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(2, n)) / n**0.5, rng.normal(size=(2, n)) / n**0.5
    p, q = rng.normal(size=n), rng.normal(size=n)
    below = st.Minimize(
        lambda x, y: jnp.zeros(()),
        {"rows": st.equal(lambda x, y: jnp.asarray(a) @ x + jnp.asarray(b) @ y)},
    )
    problem = st.Nested(lambda x, y: p @ x + q @ y, below, st.ProximalLagrangian(1.0))
    method = BilevelDescent(1.0, 1.0, projection_steps=100)
    pair = (jnp.zeros(n), jnp.zeros(n))
    outcome = st.run(problem, pair, method, tol=0.0, max_steps=2, differentiable=False)
    rows = np.hstack([a, b])
    target = -np.concatenate([p, q])
    nearest = target - rows.T @ np.linalg.solve(rows @ rows.T, rows @ target)
    np.testing.assert_allclose(np.concatenate(outcome.point.primal[:2]), nearest, atol=1e-9)


def test_projection_onto_inequalities_agrees_with_a_quadratic_program():
    import cvxpy as cp

    rng = np.random.default_rng(3)
    a, b, cap = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), np.full(4, 0.1)
    p, q = rng.normal(size=3), rng.normal(size=3)
    below = st.Minimize(
        lambda x, y: jnp.zeros(()), {"rows": st.at_most(lambda x, y: a @ x + b @ y, cap)}
    )
    problem = st.Nested(lambda x, y: p @ x + q @ y, below, st.ProximalLagrangian(1.0))
    method = BilevelDescent(1.0, 1.0, projection_steps=3000)
    pair = (jnp.zeros(3), jnp.zeros(3))
    outcome = st.run(problem, pair, method, tol=0.0, max_steps=2, differentiable=False)
    u = cp.Variable(6)
    limits = [np.hstack([a, b]) @ u <= cap]
    cp.Problem(cp.Minimize(cp.sum_squares(u + np.concatenate([p, q]))), limits).solve()
    np.testing.assert_allclose(np.concatenate(outcome.point.primal[:2]), u.value, atol=1e-6)


def test_inequalities_find_the_lower_multiplier():
    # y minimises (y - x)^2 / 2 below a cap of 1; the multiplier of the cap is x - 1.
    below = st.Minimize(lambda x, y: 0.5 * (y - x) ** 2, {"cap": st.at_most(lambda x, y: y, 1.0)})
    problem = st.Nested(
        lambda x, y: 0.5 * (y - 2) ** 2 + 0.5 * (x - 3) ** 2, below, st.ProximalLagrangian(10.0)
    )
    pair = (jnp.array(0.0), jnp.array(0.0))
    x, y, z, *_ = descend(problem, pair, 5000, 1e-12, rate=0.3).point.primal
    assert (float(x), float(y)) == pytest.approx((3.0, 1.0), abs=1e-6)
    assert float(z["cap"]) == pytest.approx(2.0, abs=1e-6)


def test_a_multiplier_at_the_bound_is_noticed():
    below = st.Minimize(lambda x, y: 0.5 * (y - x) ** 2, {"cap": st.at_most(lambda x, y: y, 1.0)})

    def notices(bound):
        problem = st.Nested(
            lambda x, y: 0.5 * (x - 3) ** 2 + 0.5 * y**2,
            below,
            st.ProximalLagrangian(10.0, bound=bound),
        )
        method = BilevelDescent(0.3, 0.3, projection_steps=20)
        pair = (jnp.array(0.0), jnp.array(0.0))
        return st.solve(problem, pair, method, max_steps=2000, progress=False).stats.notices

    (notice,) = notices(0.5)
    assert "multiplier of 'cap' ended at 0.5, the bound" in notice
    assert notices(100.0) == ()


def test_contradictory_constraints_are_said_to_be():
    rows = {
        "low": st.at_most(lambda x, y: x + y, 0.0),
        "high": st.at_most(lambda x, y: 1.0 - x - y),
    }
    below = st.Minimize(lambda x, y: 0.5 * (y - x) ** 2, rows)
    problem = st.Nested(lambda x, y: 0.5 * (y - 2) ** 2, below, st.ProximalLagrangian(5.0))
    method = BilevelDescent(0.1, 0.1, projection_steps=30)
    pair = (jnp.array(0.3), jnp.array(-0.4))
    solution = st.solve(problem, pair, method, max_steps=5000, progress=False)
    assert solution.status is st.Status.INFEASIBLE
    assert not st.certify(solution).passed


def test_no_second_derivative_is_taken():
    def above(x, y):
        return jnp.sum(jnp.cosh(y) * x)

    @jax.custom_jvp
    def once(y):
        return jnp.sum(jnp.cosh(y))

    @once.defjvp
    def _(primals, tangents):
        return once(*primals), slope(*primals) @ tangents[0]

    @jax.custom_jvp
    def slope(y):
        return jnp.sinh(y)

    @slope.defjvp
    def _(primals, tangents):
        raise AssertionError("a second derivative")

    below = st.Minimize(lambda x, y: once(y) - x @ y, {"sum": st.equal(lambda x, y: jnp.sum(y))})
    problem = st.Nested(above, below, st.ProximalLagrangian(2.0))
    pair = (jnp.zeros(3), jnp.zeros(3))
    assert int(descend(problem, pair, 3).steps) == 3
    with pytest.raises(AssertionError, match="a second derivative"):
        system = st.Nested(above, lambda x, y: once(y) - x @ y, st.Averaged(0.5)).lower(pair)
        system.linearize((*pair, pair[1])).direction({})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty": 0.0}, r"penalty=\.\.\.\) must be positive and finite, got 0"),
        ({"penalty": lambda k: 2.0 * (k + 1.0) ** 0.5}, r"more slowly than the square root.*0\.5"),
        ({"bound": -1.0}, r"bound=\.\.\.\) must be positive"),
        ({"proximal": 0.0}, r"proximal=\.\.\.\) must be positive"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        st.ProximalLagrangian(**options)


def test_growth_just_below_the_square_root_is_fine():
    assert callable(st.ProximalLagrangian(lambda k: 5 * (k + 1.0) ** 0.49).penalty)


def test_cones_are_refused():
    ball = st.Minimize(lower, {"ball": st.in_cone(lambda x, y: y[0], st.SecondOrder())})
    problem = st.Nested(upper, ball, st.ProximalLagrangian())
    with pytest.raises(TypeError, match="takes equalities and at_most"):
        problem.embed(start(2))


def test_projection_needs_one_learning_rate_for_both():
    method = BilevelDescent(0.1, 0.2, projection_steps=5)
    with pytest.raises(ValueError, match=r"projection_steps=\.\.\.\) projects x and y together"):
        st.solve(coupled(5.0), start(2), method, max_steps=2, progress=False)
