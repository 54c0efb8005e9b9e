"""Every method on every known problem that it applies to: one answer, one set of multipliers."""

import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

import stationary as st
from stationary import Status, Verdict, problems
from stationary.methods import (
    LBFGS,
    AugmentedLagrangian,
    ExtraGradient,
    OptimisticGradient,
    PastExtraGradient,
    PrimalDual,
    ReflectedGradient,
    SpectralGradient,
    from_optax,
)

EXAMPLES = {name: problems.get(name) for name in problems.names()}
SOLVABLE = [name for name, example in EXAMPLES.items() if example.optimum is not None]
SADDLES = problems.names("Saddle")
WITH_MERIT = [name for name in SOLVABLE if name not in (*SADDLES, "two quadratics")]
# Fixed rates: not for the curved valleys of HS6, HS7 and Rosenbrock, the scale of HS71, or games.
HARD = {"HS6", "HS7", "HS71", "Rosenbrock", "bilinear", "matrix game"}
FIRST_ORDER = [name for name in SOLVABLE if name not in HARD]


def check(example, solution, accuracy):
    assert solution.status is Status.CONVERGED
    assert example.error(solution.value) < accuracy
    for name, dual in example.duals.items():
        np.testing.assert_allclose(solution.duals[name], dual, atol=accuracy)
    if np.isfinite(example.objective):
        np.testing.assert_allclose(solution.objective, example.objective, atol=30 * accuracy)


def solve(name, method=None, tol=1e-7):
    example = EXAMPLES[name]
    return example, st.solve(example.problem, example.x0, method, tol=tol, progress=False)


@pytest.mark.parametrize("name", SOLVABLE)
def test_the_default_method_finds_answer_and_multipliers(name):
    check(*solve(name, tol=1e-9), 1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_MERIT)
def test_multipliers_over_limited_memory(name):
    check(*solve(name, AugmentedLagrangian(direction=LBFGS())), 1e-5)


@pytest.mark.slow
# Steps of one length for all directions crawl on the two whose curvatures differ most.
@pytest.mark.parametrize("name", [n for n in WITH_MERIT if n not in ("HS48", "random QP")])
def test_multipliers_over_spectral_gradients(name):
    check(*solve(name, AugmentedLagrangian(direction=SpectralGradient())), 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", FIRST_ORDER)
def test_descent_ascent_with_damping(name):
    check(*solve(name, PrimalDual(5e-3, 0.05, damping=5.0)), 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pytree", "sphere", "Stiefel", "strongly monotone"])
def test_optax_rules_without_constraints(name):
    check(*solve(name, from_optax(optax.adam(1e-2, b1=0.5))), 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SOLVABLE if name not in ("HS40", "Rosenbrock")])
@pytest.mark.parametrize(
    "method",
    [ExtraGradient(), PastExtraGradient(), ReflectedGradient(), OptimisticGradient()],
    ids=lambda method: type(method).__name__,
)
def test_extragradient_with_multipliers_as_players(name, method):
    check(*solve(name, method), 1e-5)


def test_a_convex_programme_agrees_with_cvxpy_signs_included():
    example = problems.random_qp(8, 5, 2, seed=1)
    data = example.problem.data
    x = cp.Variable(8)
    limits, planes = data["rows"] @ x <= data["bounds"], data["planes"] @ x == data["levels"]
    quadratic = cp.quad_form(x, cp.psd_wrap(data["hessian"])) / 2 + data["linear"] @ x
    precise = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), 1e-12)
    cp.Problem(cp.Minimize(quadratic), [limits, planes]).solve(solver=cp.CLARABEL, **precise)

    solution = st.solve(example.problem, example.x0, tol=1e-9, progress=False)
    np.testing.assert_allclose(solution.value, x.value, atol=1e-6)
    np.testing.assert_allclose(solution.duals["limits"], limits.dual_value, atol=1e-6)
    np.testing.assert_allclose(solution.duals["planes"], planes.dual_value, atol=1e-6)
    assert np.sum(np.asarray(solution.duals["limits"]) > 0.1) == 3
    assert np.min(np.abs(solution.duals["planes"])) > 0.1


def test_contradictions_are_called_infeasible_and_proved():
    example, solution = solve("infeasible")
    assert solution.status is example.outcome is Status.INFEASIBLE
    assert solution.certificate.verdict is Verdict.INFEASIBLE


def test_endless_descent_is_called_unbounded_and_runs_along_the_ray():
    example, solution = solve("unbounded")
    assert solution.status is example.outcome is Status.UNBOUNDED
    direction = np.asarray(solution.value) / np.max(np.abs(solution.value))
    np.testing.assert_allclose(direction, [1, 1], atol=1e-6)
    assert st.certify(example.problem, example.x0, ray=np.ones(2)).verdict is Verdict.UNBOUNDED


# A disc and a plane that move with the data; the disc is active, the cap is not.
def loss(x, t):
    return jnp.sum((x - t["centre"]) ** 4) + jnp.sum(x**2)


CONSTRAINTS = {
    "disc": st.at_most(lambda x, t: x @ x - t["radius"] ** 2),
    "plane": st.equal(lambda x, t: jnp.sum(x) - t["level"]),
    "cap": st.at_most(lambda x, t: x[0] - 10 * t["radius"]),
}
DATA = {
    "centre": jnp.array([2.0, -1.0, 0.5]),
    "radius": jnp.array(1.0),
    "level": jnp.array(0.3),
}


def passed(t):
    return st.Minimize(loss, CONSTRAINTS, data=t)


def closed_over(t):
    constraints = {
        "disc": st.at_most(lambda x: x @ x - t["radius"] ** 2),
        "plane": st.equal(lambda x: jnp.sum(x) - t["level"]),
        "cap": st.at_most(lambda x: x[0] - 10 * t["radius"]),
    }
    return st.Minimize(lambda x: loss(x, t), constraints)


@pytest.mark.parametrize("build", [passed, closed_over], ids=["passed", "closed over"])
def test_derivatives_of_answer_and_multipliers_match_finite_differences(build):
    def answer(t):
        method = AugmentedLagrangian()
        return st.run(build(t), jnp.full(3, 0.1), method, tol=1e-12, max_steps=2000).point

    compiled = jax.jit(answer)
    point = compiled(DATA)
    assert float(point.duals["disc"]) > 0.1 and float(point.duals["cap"]) == 0

    flat, unravel = ravel_pytree(DATA)

    def vector(flat):
        return ravel_pytree(compiled(unravel(flat)))[0]

    step = 1e-4
    differences = [
        (vector(flat + step * e) - vector(flat - step * e)) / (2 * step) for e in np.eye(flat.size)
    ]
    expected = np.stack(differences, axis=1)
    assert np.abs(expected).max() > 0.5
    for jacobian in (jax.jacrev, jax.jacfwd):
        np.testing.assert_allclose(jax.jit(jacobian(vector))(flat), expected, atol=1e-6)
