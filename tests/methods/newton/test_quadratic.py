"""Elastic quadratic programmes against CVXPY."""

import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.methods.newton._quadratic import Quadratic, solve_quadratic

solve = jax.jit(solve_quadratic)
SIZES = (5, 4, 2)  # unknowns, rows, of which equalities: one compiled program for all


def draw(seed, contradictory=False, fixed=False):
    rng = np.random.default_rng(seed)
    n, m, equalities = SIZES
    half = rng.normal(size=(n, n))
    hessian = half @ half.T + 10.0 ** rng.integers(-3, 2) * np.eye(n)
    gradient = rng.normal(size=n) * 10.0 ** rng.integers(-2, 3)
    jacobian, offset = rng.normal(size=(m, n)), rng.normal(size=m)
    if contradictory:
        jacobian[1] = jacobian[0]
    price = np.full(m, 10.0 ** rng.integers(1, 5))
    lower = np.where(rng.random(n) < 0.5, -rng.random(n), -np.inf)
    upper = np.where(rng.random(n) < 0.5, rng.random(n), np.inf)
    if fixed:
        lower[0] = upper[0] = 0.25
    fall = np.where(np.arange(m) < equalities, price, 0.0)
    return Quadratic(
        *map(jnp.asarray, (hessian, gradient, jacobian, offset, price, fall, lower, upper))
    )


def reference(q):
    h, g, jac, c, rise, fall, lower, upper = map(np.asarray, q)
    d, p, k = cp.Variable(g.size), cp.Variable(c.size), cp.Variable(c.size)
    limits = [d[i] >= lower[i] for i in range(g.size) if np.isfinite(lower[i])]
    limits += [d[i] <= upper[i] for i in range(g.size) if np.isfinite(upper[i])]
    rows = c + jac @ d == p - k
    cost = g @ d + cp.quad_form(d, cp.psd_wrap(h)) / 2 + rise @ p + fall @ k
    precise = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), 1e-12)
    problem = cp.Problem(cp.Minimize(cost), [rows, p >= 0, k >= 0, *limits])
    problem.solve(solver=cp.CLARABEL, **precise)
    return d.value


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["consistent", "contradictory", "fixed"])
def test_steps_agree_with_cvxpy(seed, kind):
    q = draw(seed, contradictory=kind == "contradictory", fixed=kind == "fixed")
    found = solve(q)
    assert bool(found.solved)
    np.testing.assert_allclose(found.step, reference(q), atol=2e-6)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("contradictory", [False, True])
def test_the_conditions_of_optimality_hold_to_rounding(seed, contradictory):
    q = draw(seed, contradictory)
    found = solve(q)
    d, y = found.step, found.multipliers
    slope = q.hessian @ d + q.gradient + y @ q.jacobian
    scale = 1 + float(jnp.max(jnp.abs(q.gradient))) + float(jnp.max(q.rise))
    np.testing.assert_allclose(d, jnp.clip(d - slope, q.lower, q.upper), atol=1e-13 * scale)
    rows = q.offset + q.jacobian @ d
    np.testing.assert_allclose(y, jnp.clip(y + rows, -q.fall, q.rise), atol=1e-13 * scale)


def test_prices_below_the_multiplier_leave_a_violation():
    # min d^2 / 2 subject to d = 1: the multiplier is -1.
    one = jnp.ones(1)
    for price, answer in ((0.5, 0.5), (2.0, 1.0)):
        limits = (-jnp.inf * one, jnp.inf * one)
        found = solve_quadratic(
            Quadratic(one[None], 0 * one, one[None], -one, price * one, price * one, *limits)
        )
        np.testing.assert_allclose(found.step, [answer], atol=1e-12)
        np.testing.assert_allclose(found.multipliers, [-min(price, 1.0)], atol=1e-12)
        assert bool(found.working[0]) == (price > 1)


def test_without_rows_bounds_alone_hold_the_step():
    nothing = jnp.zeros(0)
    q = Quadratic(
        jnp.eye(3),
        jnp.array([-3.0, 3.0, -0.5]),
        jnp.zeros((0, 3)),
        *(nothing,) * 3,
        -jnp.ones(3),
        jnp.ones(3),
    )
    found = solve_quadratic(q)
    np.testing.assert_allclose(found.step, [1, -1, 0.5], atol=1e-12)
    assert found.held.tolist() == [True, True, False]
