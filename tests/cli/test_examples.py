"""The examples solve, are certified, and agree with other libraries."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from stationary.cli._exit import Exit

EXAMPLES = Path(__file__).parents[2] / "examples"
OWN_FILES = Path(__file__).parents[1] / "examples"


def module(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def solved(run):
    def solve(name):
        ran = run("solve", EXAMPLES / f"{name}.py", "--json")
        assert ran.code == Exit.OK, ran
        return ran.json

    return solve


def test_every_example_is_tested():
    here = {"screening", "portfolio", "matrix_game", "fair_classifier"}
    others = {path.stem.removeprefix("test_") for path in OWN_FILES.glob("test_*.py")}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == here | others


def test_screening_agrees_with_cvxpy_and_keeps_its_promise(solved):
    import cvxpy as cp

    found, example = solved("screening"), module("screening")
    rows = example.data
    weights, bias = cp.Variable(30), cp.Variable()
    rates = {
        name: cp.sum(cp.logistic(sign * (rows[name] @ weights + bias))) / len(rows[name])
        for name, sign in (("healthy", 1), ("cancer", -1))
    }
    missed = rates["cancer"] / np.log(2) <= example.MISSED
    budget = cp.norm1(weights) <= example.BUDGET
    reference = cp.Problem(cp.Minimize(rates["healthy"] / np.log(2)), [missed, budget])
    reference.solve(solver="CLARABEL")
    assert found["certificate"]["verdict"] == "optimal"
    assert found["objective"] == pytest.approx(reference.value, rel=1e-5)
    assert found["duals"]["missed"] == pytest.approx(float(missed.dual_value), rel=1e-3)
    (price,) = found["certificate"]["set_prices"].values()
    assert price == pytest.approx(float(budget.dual_value), rel=1e-3)
    score = rows["cancer"] @ np.array(found["value"]["weights"]) + found["value"]["bias"]
    assert np.mean(score <= 0) <= example.MISSED
    alarmed = rows["healthy"] @ np.array(found["value"]["weights"]) + found["value"]["bias"] > 0
    assert np.mean(alarmed) < 0.2
    assert f"({np.mean(alarmed):.1%})" in found["summary"]["fitted cases"]


def test_portfolio_agrees_with_cvxpy(solved):
    import cvxpy as cp

    found, example = solved("portfolio"), module("portfolio")
    covariance = example.problem.data["covariance"]
    x = cp.Variable(6)
    wanted = example.RETURN @ x >= example.WANTED
    invested = cp.sum(x) == 1
    problem = cp.Problem(
        cp.Minimize(cp.quad_form(x, covariance)), [wanted, invested, x >= 0, x <= 0.4]
    )
    problem.solve(solver="CLARABEL")
    assert found["certificate"]["verdict"] == "optimal"
    np.testing.assert_allclose(found["value"]["x"], x.value, atol=1e-5)
    assert found["duals"]["return"] == pytest.approx(float(wanted.dual_value), rel=1e-4)
    assert found["duals"]["invested"] == pytest.approx(float(invested.dual_value), rel=1e-4)


def test_matrix_game_agrees_with_a_linear_program(solved):
    from scipy.optimize import linprog

    found, example = solved("matrix_game"), module("matrix_game")
    payoffs = example.problem.data
    # Maximise v subject to payoffs' x >= v over the simplex.
    reference = linprog(
        np.r_[np.zeros(5), -1.0],
        A_ub=np.c_[-payoffs.T, np.ones(4)],
        b_ub=np.zeros(4),
        A_eq=[[1, 1, 1, 1, 1, 0]],
        b_eq=[1],
        bounds=[(0, None)] * 5 + [(None, None)],
    )
    assert -reference.fun == pytest.approx(14 / 9)  # the textbook's value of this game
    ours, theirs = (np.array(found["value"][name]) for name in ("0", "1"))
    assert np.min(payoffs.T @ ours) == pytest.approx(-reference.fun, abs=1e-4)
    assert np.max(payoffs @ theirs) == pytest.approx(-reference.fun, abs=1e-4)


def test_fair_classifier_keeps_the_gap_and_pays_for_it(solved):
    import jax.numpy as jnp

    found, example = solved("fair_classifier"), module("fair_classifier")
    x = {name: jnp.asarray(value) for name, value in found["value"].items()}
    gap = np.asarray(example.gap(x, example.data))
    assert np.max(gap) == pytest.approx(example.GAP, abs=1e-5)  # it binds, and just
    assert np.max(found["duals"]["parity"]) > 0
    # The surrogate alone would have stopped elsewhere.
    assert abs(np.max(example.gentle_gap(x, example.data)) - example.GAP) > 1e-3
