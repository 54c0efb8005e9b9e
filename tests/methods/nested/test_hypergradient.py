"""Hypergradients against closed forms and finite differences, and where they must not exist."""

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest

import stationary as st
from stationary import Status
from stationary.methods import hypergradient

RANDOM = np.random.default_rng(3)
A = np.diag([1.0, 2.0, 3.0]) + 0.2
B = RANDOM.normal(size=(3, 2))
TARGET = np.array([1.0, -2.0, 0.5])
X = np.array([0.3, -0.7])


def upper(x, y):
    return jnp.sum((y - TARGET) ** 2) + 0.1 * jnp.sum(x**2) + x[0] * y[1]


def lower(x, y):
    return 0.5 * y @ A @ y - y @ B @ x


def exact(x):
    return jax.grad(lambda x: upper(x, jnp.linalg.solve(A, B @ x)))(x)


def degenerate_upper(x, y):
    return 0.5 * (x - y[1]) ** 2 + 0.5 * (y[0] - 1) ** 2


def degenerate_lower(x, y):
    return 0.5 * y[0] ** 2 - x * y[0]


@pytest.mark.parametrize(
    ("response", "accuracy"),
    [
        (st.Implicit(), 1e-6),
        (st.Implicit(st.LeastSquares()), 1e-6),
        (st.Implicit(st.Neumann(150, 0.2)), 1e-6),
        (st.Implicit(lx.CG(1e-12, 1e-12)), 1e-6),
        (st.Implicit(lx.SVD()), 1e-6),
        (st.Unrolled(150, 0.2), 1e-6),
        (st.Unrolled(150, 0.2, warm_start=False, checkpoint=True), 1e-6),
        (st.ValueFunction(1e5), 1e-3),
        (st.ValueFunction(1e3, central=True), 1e-3),
        (st.Averaged(1e-5), 1e-3),
    ],
    ids=str,
)
def test_every_response_finds_the_derivative(response, accuracy):
    found = hypergradient(st.Nested(upper, lower, response), X, np.zeros(3))
    assert found.status == Status.CONVERGED
    np.testing.assert_allclose(found.gradient, exact(X), atol=accuracy)
    np.testing.assert_allclose(found.value, upper(X, np.linalg.solve(A, B @ X)), atol=accuracy)


def test_a_maximised_upper_objective_keeps_its_sign():
    turned = st.Maximize(lambda x, y: -upper(x, y))
    found = hypergradient(st.Nested(turned, lower, st.Implicit()), X, np.zeros(3))
    np.testing.assert_allclose(found.gradient, -exact(X), atol=1e-6)


def test_the_penalty_error_falls_like_its_inverse_and_faster_for_central_ones():
    def error(**kwargs):
        response = st.ValueFunction(**kwargs)
        found = hypergradient(st.Nested(upper, lower, response), X, np.zeros(3))
        return np.linalg.norm(found.gradient - exact(X))

    plain = [error(penalty=p) for p in (1e2, 1e3)]
    central = [error(penalty=p, central=True) for p in (1e2, 1e3)]
    assert np.log10(plain[0] / plain[1]) == pytest.approx(1, abs=0.02)
    assert np.log10(central[0] / central[1]) == pytest.approx(2, abs=0.02)


@pytest.mark.parametrize("share", [1e-1, 1e-3, 1e-6])
def test_penalised_values_where_the_lower_answer_is_not_unique(share):
    problem = st.Nested(degenerate_upper, degenerate_lower, st.ValueFunction(1 / share))
    found = hypergradient(problem, np.array(0.3), np.zeros(2))
    assert found.gradient == pytest.approx((0.3 - 1) / (1 + share), abs=1e-9)


def test_least_squares_needs_the_best_of_the_lower_answers():
    problem = st.Nested(degenerate_upper, degenerate_lower, st.Implicit(st.LeastSquares()))
    best = hypergradient(problem, np.array(0.3), np.array([0.0, 0.3]))
    assert best.gradient == pytest.approx(-0.7, abs=1e-8)
    other = hypergradient(problem, np.array(0.3), np.array([0.0, 0.1]))
    assert not other.exists and other.defect > 1e-2
    assert best.status == Status.CONVERGED and other.status == Status.NONFINITE


def test_a_plain_solve_flags_a_singular_lower_problem():
    problem = st.Nested(degenerate_upper, degenerate_lower, st.Implicit())
    found = hypergradient(problem, np.array(0.3), np.zeros(2))
    assert not found.exists and found.status == Status.NONFINITE


def test_lower_constraints_against_finite_differences():
    def answer(x):
        # y = x moved to the plane sum(y) = 1, with y[0] at most 0.2.
        y0 = 0.2
        rest = x[1:] + (1 - y0 - jnp.sum(x[1:])) / 2
        return jnp.concatenate([jnp.array([y0]), rest])

    follower = st.Minimize(
        lambda x, y: 0.5 * jnp.sum((y - x) ** 2),
        {
            "plane": st.equal(lambda x, y: jnp.sum(y), 1.0),
            "cap": st.at_most(lambda x, y: y[0], 0.2),
        },
    )

    def leader(x, y):
        return jnp.sum((y - TARGET) ** 2) + jnp.sum(x**2)

    x = np.array([1.0, 0.4, 0.1])
    found = hypergradient(st.Nested(leader, follower, st.Implicit()), x, np.zeros(3), tol=1e-9)
    np.testing.assert_allclose(
        found.gradient, jax.grad(lambda x: leader(x, answer(x)))(x), atol=1e-6
    )


@pytest.mark.parametrize(
    ("follower", "status"),
    [
        (st.Minimize(lambda x, y: x[0] * y[0] + y[1]), Status.UNBOUNDED),
        (
            st.Minimize(
                lambda x, y: jnp.sum((y - x[0]) ** 2),
                {
                    "low": st.at_most(lambda x, y: jnp.sum(y), 1.0),
                    "high": st.at_most(lambda x, y: 2.0 - jnp.sum(y)),
                },
            ),
            Status.INFEASIBLE,
        ),
    ],
    ids=["unbounded", "infeasible"],
)
def test_without_a_lower_answer_there_is_no_gradient(follower, status):
    problem = st.Nested(lambda x, y: jnp.sum(x) + jnp.sum(y**2), follower, st.Implicit())
    found = hypergradient(problem, np.ones(2), np.zeros(2))
    assert found.status == status
    assert not found.exists


def test_dependent_lower_constraints_are_named():
    follower = st.Minimize(
        lambda x, y: jnp.sum((y - x) ** 2),
        {
            "first": st.equal(lambda x, y: y[0] + y[1], 1.0),
            "again": st.equal(lambda x, y: 2 * (y[0] + y[1]), 2.0),
        },
    )
    problem = st.Nested(lambda x, y: jnp.sum(y**2), follower, st.Implicit())
    method = st.methods.AugmentedLagrangian()
    with pytest.raises(ValueError, match=r"'again', 'first'.*dependent"):
        hypergradient(problem, np.array([3.0, 0.0]), np.zeros(2), method=method)


def test_large_penalties_are_evaluated_in_float64():
    x, y = X.astype(np.float32), np.zeros(3, np.float32)
    with jax.enable_x64(False), pytest.warns(UserWarning, match="float64"):
        found = hypergradient(st.Nested(upper, lower, st.ValueFunction(1e5)), x, y)
    assert found.gradient.dtype == np.float32
    np.testing.assert_allclose(found.gradient, exact(X), atol=1e-3)


def test_under_vmap():
    problem = st.Nested(upper, lower, st.Implicit())
    points = RANDOM.normal(size=(4, 2))
    found = jax.vmap(lambda x: hypergradient(problem, x, jnp.zeros(3)).gradient)(points)
    np.testing.assert_allclose(found, jax.vmap(exact)(points), atol=1e-5)


def test_a_neumann_series_takes_exactly_its_terms():
    curvature = jnp.array([1.0, 4.0])
    products = []

    def product(v):
        products.append(None)
        return curvature * v

    neumann = st.Neumann(terms=7, step=0.2)
    with jax.disable_jit():
        value = neumann.solve(product, jnp.ones(2))
    assert len(products) == 7
    series = 0.2 * sum((1 - 0.2 * curvature) ** j for j in range(8))
    np.testing.assert_allclose(value, series, rtol=1e-12)


def test_a_diverging_neumann_series_is_cut_off():
    value = st.Neumann(200, 1.0).solve(lambda v: 4.0 * v, jnp.ones(2))
    assert np.all(np.isfinite(value)) and np.max(np.abs(value)) < 100


def test_a_diverging_neumann_series_gives_no_hypergradient():
    problem = st.Nested(upper, lower, st.Implicit(st.Neumann(20, 1.0)))
    found = hypergradient(problem, X, np.zeros(3))
    assert found.status == Status.DIVERGED and found.defect > 1
    assert not found.exists


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: st.Neumann(-1), "terms"),
        (lambda: st.Neumann(3, 0.0), "step"),
        (lambda: st.LeastSquares(cutoff=2.0), "cutoff"),
        (lambda: st.LeastSquares(range_tolerance=0.0), "range_tolerance"),
        (lambda: st.Implicit("cg"), "lineax"),
        (lambda: st.ValueFunction(-1.0), "penalty"),
        (lambda: st.ValueFunction(lambda k: 1.0 - k), "step 1"),
        (lambda: st.Unrolled(0), "steps"),
        (lambda: st.Unrolled(5, upper_weight=1.5), r"\[0, 1\]"),
        (lambda: st.Unrolled(5, truncate=6), "truncate"),
        (lambda: st.Averaged(2.0), r"\[0, 1\]"),
        (lambda: st.ProximalLagrangian(bound=-1.0), "bound"),
    ],
)
def test_bad_settings_are_named(make, match):
    with pytest.raises((ValueError, TypeError), match=match):
        make()


def test_what_hypergradient_refuses():
    with pytest.raises(TypeError, match="KKT"):
        hypergradient(st.Nested(upper, lower), X, np.zeros(3))
