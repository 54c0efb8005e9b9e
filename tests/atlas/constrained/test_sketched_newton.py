"""The problems, the inner solver and the bookkeeping of paper 16."""

from typing import Any

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest
from scipy.sparse.linalg import minres

from stationary.atlas.constrained.sketched_newton import _measure, _problems
from stationary.atlas.constrained.sketched_newton._control import control
from stationary.atlas.constrained.sketched_newton._exactness import Merit
from stationary.atlas.constrained.sketched_newton._minres import Minres
from stationary.atlas.constrained.sketched_newton._regression import ROWS, regression
from stationary.atlas.constrained.sketched_newton._walk import Walk, walkers
from stationary.methods import ExactAugmentedLagrangian, LagrangeNewton

ROOT = np.sqrt(2.0)
# Solutions as Hock and Schittkowski (1981) and Boggs and Tolle (1989) print them.
SOLUTIONS = {
    "HS6": [1, 1],
    "HS7": [0, np.sqrt(3)],
    "HS28": [0.5, -0.5, 0.5],
    "HS40": [2 ** (-1 / 3), 2**-0.5, 2 ** (-11 / 12), 2**-0.25],
    "HS42": [2, 2, 0.6 * ROOT, 0.8 * ROOT],
    "HS47": [1] * 5,
    "HS48": [1] * 5,
    "HS50": [1] * 5,
    "HS51": [1] * 5,
    "HS52": np.array([-33, 11, 180, -158, 11]) / 349,
    "HS77": [1.166172, 1.182111, 1.380257, 1.506036, 0.6109203],
    "HS78": [-1.717142, 1.595708, 1.827248, -0.7636429, -0.7636435],
    "HS79": [1.191127, 1.362603, 1.472818, 1.635017, 1.679081],
    "BT5": [3.5121, 0.21699, 3.5522],
    "BT6": [1.1662, 1.1821, 1.3803, 1.5060, 0.61092],
    "BT9": [1, 1, 0, 0],
    "BT10": [1, 1],
}
ROOTS = {
    "BOOTH": [1, 3],
    "CUBENE": [1, 1],
    "DENSCHNCNE": [1, 1],
    "DENSCHNFNE": [1, 1],
    "GOTTFR": [0, 0],
    "HELIXNE": [1, 0, 0],
    "HIMMELBA": [5, 6],
    "HIMMELBC": [3, 2],
    "HIMMELBE": [1, 1, 1],
    "PRICE4NE": [0, 0],
    "RSNBRNE": [1, 1],
    "SINVALNE": [0, 0],
    "TRIGON1NE": [0] * 10,
    "WAYSEA1NE": [1, 2],
    "WAYSEA2NE": [(2.5 - np.sqrt(6.25 - 16 * 0.340125)) / 8, 1],
    "ZANGWIL3": [0, 0, 0],
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_printed_solutions_satisfy_the_constraints_and_have_the_known_value(name):
    (problem,) = _problems.named(name)
    x = jnp.asarray(SOLUTIONS[name], float)
    digits = 1e-3 if name.startswith("BT") else 2e-5
    np.testing.assert_allclose(problem.c(x), 0, atol=digits)
    np.testing.assert_allclose(problem.f(x), problem.optimum, rtol=digits, atol=digits)
    assert x.size == problem.x0.size


@pytest.mark.parametrize("name", ROOTS)
def test_known_roots_of_systems_are_roots(name):
    (problem,) = _problems.named(name)
    x = jnp.asarray(ROOTS[name], float)
    np.testing.assert_allclose(problem.c(x), 0, atol=1e-12)
    assert problem.f(x) == 0 and x.size == problem.x0.size == problem.c(x).size


def test_the_list_is_the_papers_without_the_bundle_adjustments():
    found = _problems.problems()
    assert len({p.name for p in found}) == len(found) == 45
    assert set(SOLUTIONS) | set(ROOTS) <= {p.name for p in found}


def symmetric(n=12):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(n, n))
    return a + a.T, rng.normal(size=n)


@pytest.mark.parametrize("steps", [1, 2, 5, 9])
def test_minres_is_that_of_scipy(steps):
    a, b = symmetric()
    operator = lx.MatrixLinearOperator(jnp.asarray(a), lx.symmetric_tag)
    solver = Minres(rtol=0.0, max_steps=steps)
    found = lx.linear_solve(operator, jnp.asarray(b), solver, throw=False)
    np.testing.assert_allclose(found.value, minres(a, b, maxiter=steps, rtol=1e-14)[0], atol=1e-10)
    assert found.stats["num_steps"] == steps


def test_minres_goes_on_from_a_start_and_stops_at_its_goal():
    a, b = symmetric()
    operator = lx.MatrixLinearOperator(jnp.asarray(a), lx.symmetric_tag)
    near = np.linalg.solve(a, b) + 1e-3
    options = {"y0": jnp.asarray(near)}
    found = lx.linear_solve(operator, jnp.asarray(b), Minres(rtol=0.0, atol=1e-9), options=options)
    assert np.linalg.norm(a @ found.value - b) <= 1e-9 * np.sqrt(b.size) * (1 + 1e-3)
    exact = {"y0": jnp.asarray(np.linalg.solve(a, b))}
    done = lx.linear_solve(operator, jnp.asarray(b), Minres(atol=1e-9), options=exact)
    assert done.stats["num_steps"] == 0


@pytest.mark.parametrize("points", [2, 3])
def test_the_control_problems_answer_is_a_saddle_of_its_lagrangian(points):
    problem, answer = control(points)
    n = 2 * points**2
    x, y = jnp.asarray(answer[:n]), jnp.asarray(answer[n:])
    np.testing.assert_allclose(problem.c(x), 0, atol=1e-12)
    force = jax.grad(problem.f)(x) + y @ jax.jacobian(problem.c)(x)
    np.testing.assert_allclose(force, 0, atol=1e-12)


def test_the_regression_is_logistic_and_its_constraints_agree():
    from sklearn.datasets import load_breast_cancer
    from sklearn.metrics import log_loss

    problem = regression(0)
    data: Any = load_breast_cancer()
    x = np.random.default_rng(1).normal(size=30)
    rows = (data.data - data.data.mean(0)) / data.data.std(0)
    chance = 1 / (1 + np.exp(-rows @ x))
    np.testing.assert_allclose(problem.f(x), log_loss(data.target, chance), rtol=1e-6)
    a = np.asarray(jax.jacobian(problem.c)(jnp.zeros(30)))[:ROWS]
    shortest = np.linalg.lstsq(a, -np.asarray(problem.c(np.zeros(30)))[:ROWS], rcond=None)[0]
    assert np.linalg.norm(shortest) < 1
    outward = np.linalg.svd(a)[2][-1] * np.sqrt(1 - shortest @ shortest)
    np.testing.assert_allclose(problem.c(shortest + outward), 0, atol=1e-12)


@pytest.fixture(scope="module")
def small():
    with jax.enable_x64(True):
        by_name = walkers(_problems.named("HS6", "HS7"))
        assert by_name["HS6"] is by_name["HS7"]  # one size, one program
        return by_name["HS7"]


def test_walks_are_runs_of_the_method_and_report_its_residuals(small):
    (problem,) = _problems.named("HS7")
    walk = small("HS7", LagrangeNewton(ExactAugmentedLagrangian()), 1e-8, jax.random.key(0))
    assert walk.reached(1e-8) and walk.steps == walk.lengths.size == walk.work[-1]
    assert walk.work.size == walk.norms.size
    np.testing.assert_allclose(walk.x, [0, np.sqrt(3)], atol=1e-4)
    np.testing.assert_allclose(walk.objective, problem.optimum, rtol=1e-8)
    force = jax.grad(problem.f)(walk.x) + walk.y @ jax.jacobian(problem.c)(walk.x)
    residual = np.sqrt(np.sum(force**2) + np.sum(problem.c(walk.x) ** 2))
    np.testing.assert_allclose(walk.norms[-1], residual, rtol=1e-6)
    # The first norm is at the start, under least-squares multipliers.
    j, g = jax.jacobian(problem.c)(problem.x0), jax.grad(problem.f)(problem.x0)
    y = np.linalg.lstsq(j.T, -g, rcond=None)[0]
    start = np.concatenate([g + y @ j, problem.c(problem.x0)])
    np.testing.assert_allclose(walk.norms[0], np.linalg.norm(start), rtol=1e-10)


def test_the_merit_of_a_named_problem_is_its_formula_and_its_minimum_is_a_solution(small):
    (problem,) = _problems.named("HS7")
    merit, z = Merit(small), np.array([0.3, 1.2, -0.4])
    c = np.asarray(problem.c(z[:2]))
    force = jax.grad(problem.f)(z[:2]) + z[2:] @ jax.jacobian(problem.c)(z[:2])
    by_hand = problem.f(z[:2]) + z[2:] @ c + 0.5 * (7 * c @ c + 0.3 * force @ force)
    value, slope = merit.value("HS7", (7.0, 0.3), z)
    np.testing.assert_allclose(value, by_hand, rtol=1e-12)
    step = 1e-6 * np.eye(3)
    finite = [
        (merit.value("HS7", (7.0, 0.3), z + e)[0] - merit.value("HS7", (7.0, 0.3), z - e)[0]) / 2e-6
        for e in step
    ]
    np.testing.assert_allclose(slope, finite, rtol=1e-6)
    end = merit.minimised("HS7", (100.0, 0.1), np.array([0.2, 1.5]))
    assert end.residual < 1e-6
    np.testing.assert_allclose(np.abs(end.z[:2]), [0, np.sqrt(3)], atol=1e-6)


def test_orders_and_steps_are_read_off_residuals():
    quadratic = np.array([0.5, 0.1, 0.01, 1e-4, 1e-8, 1e-16])
    np.testing.assert_allclose(_measure._order(quadratic), 2, rtol=1e-12)
    walk = Walk(quadratic, np.ones(5), np.arange(6), np.zeros(1), np.zeros(1), 0.0)
    assert _measure._steps_to(walk, 1e-4) == 3
    assert _measure._steps_to(walk, 1e-20) == np.inf
    assert np.isnan(_measure._order(np.array([1.0, 1e-15])))
