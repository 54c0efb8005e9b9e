"""Merits against autodiff and NumPy: values, slopes, exactness, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import stationary as st
from stationary.methods import (
    DivergenceCriterion,
    ExactAugmentedLagrangian,
    GradientNorm,
    L1Merit,
    LagrangeNewton,
    newton_divergence,
)
from stationary.methods.interior_point._program import Program
from stationary.methods.newton._merit import Move, Place


def loss(x):
    return jnp.exp(x[0]) + x[0] * x[1] ** 2 + jnp.sin(x[2])


def sphere(x):
    return x @ x - 2


def product(x):
    return x[0] * x[1] - x[2] ** 3


PROBLEM = st.Minimize(loss, {"sphere": st.equal(sphere), "product": st.equal(product)})
X, Y = np.array([0.7, -0.4, 1.1]), np.array([0.3, -1.2])


def place(x, y):
    x = jnp.asarray(x)
    system = PROBLEM.lower(x)
    program = Program(system, x, None)
    y = jnp.asarray(y)
    return program, Place(x, y, program.derivatives(x, y))


def everywhere(dx, dy):
    return Move(jnp.asarray(dx), jnp.asarray(dy), jnp.ones(2, bool), jnp.zeros(3, bool))


def point(x, y):
    return st.Point(x, {"sphere": y[0], "product": y[1]})


def lagrangian(x, y):
    return loss(x) + y[0] * sphere(x) + y[1] * product(x)


def rows(x):
    return jnp.stack([sphere(x), product(x)])


def test_the_exact_augmented_lagrangian_is_its_formula():
    eta1, eta2 = 3.0, 0.4
    force = jax.grad(lagrangian)(X, Y)
    expected = lagrangian(X, Y) + eta1 / 2 * rows(X) @ rows(X) + eta2 / 2 * force @ force
    found = ExactAugmentedLagrangian(eta1, eta2).value(PROBLEM, point(X, Y))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_slopes_of_the_exact_augmented_lagrangian_use_the_hessian_of_the_lagrangian():
    merit = ExactAugmentedLagrangian(3.0, 0.4)
    _, at = place(X, Y)
    weights = merit.first_weights(jnp.float64)
    by_x, by_y = jax.grad(lambda z: merit.value(PROBLEM, point(*z)))((X, Y))
    found = [merit.slope(weights, at, everywhere(e[:3], e[3:])) for e in np.eye(5)]
    np.testing.assert_allclose(found, [*by_x, *by_y], rtol=1e-12)
    # With the objective's Hessian in its place, as in the authors' code, it is another number.
    wrong = jax.hessian(loss)(X) @ at.force - at.local.hessian @ at.force
    assert np.max(np.abs(wrong)) > 1


def test_weights_move_until_a_newton_step_is_one_of_descent():
    merit = ExactAugmentedLagrangian(1.0, 0.1)
    program, at = place(X, Y)
    uphill = everywhere(at.force, jnp.zeros(2))
    weights, enough = merit.adapt(program, merit.first_weights(jnp.float64), at, uphill)
    assert not bool(enough)
    np.testing.assert_allclose([weights.eta1, weights.eta2], [1.5**2, 0.1 / 1.5], rtol=1e-14)
    downhill = everywhere(-at.force, -at.local.constraints)
    kept, enough = merit.adapt(program, weights, at, downhill)
    slope = merit.slope(weights, at, downhill)
    assert bool(enough) == bool(slope <= -0.5 * weights.eta2 * jnp.sum(at.residual**2))
    assert bool(enough) and float(kept.eta1) == float(weights.eta1)


def test_the_exact_augmented_lagrangian_is_stationary_exactly_at_solutions():
    method = LagrangeNewton(ExactAugmentedLagrangian())
    found = st.run(PROBLEM, X, method, tol=1e-12).point
    merit = ExactAugmentedLagrangian(10.0, 0.01)
    gradient = jax.grad(lambda z: merit.value(PROBLEM, z))(found)
    np.testing.assert_allclose(ravel_pytree(gradient)[0], 0, atol=1e-10)
    away = jax.tree.map(lambda leaf: leaf + 0.1, found)
    steep = jax.grad(lambda z: merit.value(PROBLEM, z))(away)
    assert np.max(np.abs(ravel_pytree(steep)[0])) > 0.1


def test_gradient_norm_is_half_the_square_of_the_lagrangian_gradient():
    force = jax.grad(lagrangian)(X, Y)
    expected = 0.5 * (force @ force + rows(X) @ rows(X))
    np.testing.assert_allclose(GradientNorm().value(PROBLEM, point(X, Y)), expected, rtol=1e-14)


def test_the_l1_merit_prices_equalities_by_size_and_inequalities_by_excess():
    problem = st.Maximize(
        loss,
        {
            "sphere": st.equal(sphere),
            "cap": st.at_most(lambda x: x, np.array([0.5, 5.0, 1.0])),
            "floor": st.in_cone(lambda x: x[1] + 0.1, st.Nonnegative()),
        },
    )
    violation = abs(sphere(X)) + 0.2 + 0.1 + 0.3
    found = L1Merit(7.0).value(problem, st.Point(X, {}))
    np.testing.assert_allclose(found, -loss(X) + 7 * violation, rtol=1e-13)


def test_the_slope_of_the_l1_merit_bounds_its_directional_derivative():
    merit = L1Merit(2.0)
    program, at = place(X, Y)
    weights = merit.first_weights(jnp.float64)
    rng = np.random.default_rng(0)
    for _ in range(20):
        move = everywhere(rng.normal(size=3), np.zeros(2))
        slope = float(merit.slope(program, weights, at, move))

        def along(t, move=move):
            return float(merit.value(PROBLEM, st.Point(at.x + t * move.x, {})))

        derivative = (along(1e-7) - along(0.0)) / 1e-7
        assert derivative <= slope + 1e-4 * (1 + abs(slope))
    newton = np.linalg.lstsq(np.asarray(at.local.jacobian), -np.asarray(rows(X)), rcond=None)[0]
    towards = everywhere(newton, np.zeros(2))
    raised, _ = merit.adapt(program, merit.Weights(jnp.asarray(1e-6)), at, towards)
    assert float(merit.slope(program, raised, at, towards)) < 0


def test_the_divergence_criterion_is_the_square_of_the_deviation_from_one():
    tau = newton_divergence(PROBLEM)(point(X, Y))
    found = DivergenceCriterion().value(PROBLEM, point(X, Y))
    np.testing.assert_allclose(found, (tau - 1) ** 2, rtol=1e-12)


def test_numbers_outside_their_ranges_are_refused():
    for decrease in (0.0, 0.5, 0.7, -1.0):
        for merit in (ExactAugmentedLagrangian, GradientNorm, L1Merit):
            with pytest.raises(ValueError, match=r"decrease \(beta\) must lie in \(0, 1/2\)"):
                merit(decrease=decrease)
    with pytest.raises(ValueError, match=r"growth \(nu\) must exceed 1, got 1"):
        ExactAugmentedLagrangian(growth=1)
    with pytest.raises(ValueError, match="eta2 must be positive"):
        ExactAugmentedLagrangian(1.0, 0.0)
    with pytest.raises(ValueError, match="penalty must be positive"):
        L1Merit(0.0)
    with pytest.raises(ValueError, match="grid.*golden.*reconstructed zigzag"):
        DivergenceCriterion("zigzag")
    with pytest.raises(ValueError, match="probes must be at least 1"):
        DivergenceCriterion(probes=0)
