"""The comparison on constrained programs: cases, scores, peers and figures, without its cases."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import _comparison, _cutest, _peers, _profile, nlp
from benchmarks._record import Record
from benchmarks._score import score
from benchmarks._workers import Worker


class Pair:
    """HS71 as `sif2jax` would have it, its unknown in two parts and its constraints in tuples."""

    args = None
    y0 = (np.array([1, 5, 5]), np.array(0.0))  # integers, and a start below the bounds

    bounds = (1.0, 5.0)

    def objective(self, y, args):
        (a, b, c), d = y
        return a * d * (a + b + c) + c

    def constraint(self, y):
        (a, b, c), d = y
        return (a**2 + b**2 + c**2 + d**2 - 40,), {"product": a * b * c * d - 25}


class Residuals:
    """A problem of least squares: its objective is a tuple of residuals."""

    args = 2.0
    y0 = np.zeros(2)

    def objective(self, y, args):
        return y - args, jnp.ones(1)


@pytest.fixture(scope="module")
def pair():
    return _cutest.convert("PAIR", Pair())


def test_cases_keep_their_structure_and_turn_their_inequalities_around(pair):
    assert jax.tree.map(np.shape, pair.x0) == ((3,), ())
    assert float(pair.x0[1]) == 1.0  # moved into the bounds
    assert pair.flat.m == 2 and pair.flat.equalities == 1
    np.testing.assert_allclose(pair.flat.constraints(pair.flat.x0), [12.0, 0.0])
    at = jax.tree.map(jnp.asarray, (np.array([1.0, 2.0, 3.0]), np.array(2.0)))
    inequality = pair.statement.subject_to["inequalities"].fn(at)
    np.testing.assert_allclose(inequality, [25 - 12.0])


def test_residuals_become_a_sum_of_squares():
    case = _cutest.convert("RESIDUALS", Residuals())
    assert float(case.flat.objective(jnp.array([1.0, 0.0]))) == pytest.approx(6.0)
    assert case.statement.over is None and case.flat.m == 0


@pytest.mark.parametrize("name", ["slsqp", "trust-constr", "ipopt"])
def test_peers_find_the_known_answer_with_multipliers_of_our_signs(pair, name):
    if name == "ipopt":
        pytest.importorskip("cyipopt")
    answer = _peers.solver(pair.flat, name, 30.0)()
    assert answer.claims
    assert float(pair.statement.objective(answer.x)) == pytest.approx(17.0140173, rel=1e-5)
    # Known multipliers: 0.5523 for the product's lower bound, 0.1615 for the sphere.
    assert float(answer.duals["inequalities"][0]) == pytest.approx(0.55229, abs=1e-3)
    assert float(answer.duals["equalities"][0]) == pytest.approx(0.16147, abs=1e-3)


def test_the_same_score_for_right_wrong_and_missing_multipliers(pair):
    answer = _peers.solver(pair.flat, "slsqp", 30.0)()
    wrong = {name: 7 - dual for name, dual in answer.duals.items()}
    broken = {name: dual * np.nan for name, dual in answer.duals.items()}
    scores = [score(pair.statement, answer.x, d) for d in (answer.duals, wrong, None, broken)]
    assert all(s.solved and s.worst <= 1e-6 for s in scores)
    assert [s.multipliers for s in scores] == ["given"] + 3 * ["estimated"]
    assert not score(pair.statement, pair.x0, None).solved


def test_the_oracles_hessian_is_that_of_the_lagrangian(pair):
    oracles = _peers.Oracles(pair.flat)
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, -2.0])
    step, factor = 1e-6, 3.0

    def slope(x):
        return factor * oracles.gradient(x) + oracles.jacobian(x).T @ y

    differences = [(slope(x + step * e) - slope(x - step * e)) / (2 * step) for e in np.eye(4)]
    np.testing.assert_allclose(oracles.lagrangian_hessian(x, y, factor), differences, atol=1e-6)


def _row(case, solver, warm, objective=0.0, solved=True, claims=True, **more):
    row = {"case": case, "solver": solver, "warm": warm, "objective": objective, "status": "s"}
    return row | {"solved": solved, "claims": claims, "worst": 0.0, "check": ""} | more


def test_figures_count_false_claims_and_worse_objectives():
    rows = [
        _row("A", "InteriorPoint", 0.01, 1.0, run=1e-3, **{"run solved": True}),
        _row("A", "ipopt", 0.1, 1.0),
        _row("B", "InteriorPoint", 0.01, 2.0, run=1e-3, **{"run solved": False}),
        _row("B", "ipopt", 0.1, 1.0),
        _row("C", "InteriorPoint", 0.01, solved=False),
        _row("C", "ipopt", 0.1),
        _row("D", "InteriorPoint", 0.02, run=1e-3, **{"run solved": True}),
        _row("D", "ipopt", 0.1, solved=False),
    ]
    figures = {f.name: f for f in _comparison.on_cases(rows, ["InteriorPoint"])}
    share = figures["InteriorPoint: share solved of what IPOPT solves"]
    assert share.measured == pytest.approx(2 / 3) and share.met is False
    assert share.detail["lost"] == ["C"] and share.detail["gained"] == ["D"]
    assert figures["InteriorPoint: false convergences"].measured == 1
    assert figures["ipopt: false convergences"].measured == 1
    assert figures["InteriorPoint: objective not worse, share"].measured == pytest.approx(0.5)
    assert figures["InteriorPoint: solve() again, time ratio"].measured == pytest.approx(0.1)
    run = figures["InteriorPoint: run() in jit, time ratio"]
    assert run.measured == pytest.approx(0.01) and run.detail["cases"] == 1


def test_a_profile_starts_with_the_fastest_and_ends_with_the_share_solved():
    seconds = {"a": {"P": 1.0, "Q": 4.0, "R": math.inf}, "b": {"P": 8.0, "Q": 1.0, "R": math.inf}}
    seconds["b"]["S"] = 1.0  # a never tried
    curves = _profile.profile(seconds)
    np.testing.assert_allclose(curves["a"][0], [0.0, 2.0])
    np.testing.assert_allclose(curves["b"][0], [0.0, 0.0, 3.0])
    assert curves["a"][1] == pytest.approx(1 / 3)  # nobody solves R


def test_a_profile_is_drawn_with_a_curve_for_each_solver(tmp_path):
    pytest.importorskip("matplotlib")
    rows = [_row("A", "ipopt", 0.1), _row("A", "slsqp", 0.2), _row("B", "slsqp", 0.2)]
    _profile.draw(rows, tmp_path / "profile.svg")
    text = (tmp_path / "profile.svg").read_text()
    assert "IPOPT (cyipopt) (50 %)" in text and "SciPy SLSQP (100 %)" in text


def test_a_record_is_taken_up_again_under_the_same_settings_only(tmp_path):
    path = tmp_path / "rows.json"
    made = []

    def make(status="done"):
        made.append(status)
        return {"status": status}

    first = Record(path, {"tol": 1}, resume=True)
    first.row("cases", "A", make)
    first.row("cases", "B", lambda: make("crash"))
    again = Record(path, {"tol": 1}, resume=True)
    again.row("cases", "A", make)
    assert made == ["done", "crash"]
    again.row("cases", "B", make)
    assert [row["status"] for row in again.rows("cases")] == ["done", "done"]
    assert Record(path, {"tol": 2}, resume=True).rows("cases") == []
    assert Record(path, {"tol": 1}, resume=False).rows("cases") == []


def test_names_are_drawn_evenly():
    assert nlp.evenly(list("abcdefgh"), 4) == list("aceg")
    assert nlp.evenly(list("ab"), 4) == list("ab")


def test_the_committed_cases_have_the_columns_of_other_files():
    cases = nlp.read_cases(nlp.CASES)
    assert len(cases) > 10 and Path(nlp.CASES).exists()
    columns = {"name", "n", "m", "ipopt_status", "ipopt_objective", "ipopt_violation"}
    assert all(set(row) == columns for row in cases.values())


def test_the_large_control_problem_has_its_own_sparse_jacobian():
    from benchmarks._large import control

    problem = control(30)
    x = np.random.default_rng(0).normal(size=30)
    dense = jax.jacfwd(problem.constraints)(x)
    np.testing.assert_allclose(problem.jacobian(x).toarray(), dense, atol=1e-12)


def test_instances_differ_by_their_data_only(pair):
    from benchmarks._instances import data, perturbed

    flat_case = pair._replace(x0=pair.flat.x0)
    statement, flat = perturbed(flat_case)
    rows = data(flat_case, 3)
    one = {name: values[1] for name, values in rows.items()}
    x = jnp.array([1.0, 4.0, 4.0, 1.5])
    assert float(statement.objective(x, one)) == pytest.approx(
        float(pair.flat.objective(x)) + float(one["tilt"] @ x)
    )
    np.testing.assert_allclose(
        flat.constraints(x, one), pair.flat.constraints(x) - one["shift"], rtol=1e-12
    )
    inequality = statement.subject_to["inequalities"].fn(x, one)
    np.testing.assert_allclose(inequality, flat.constraints(x, one)[1:], rtol=1e-12)


def test_a_task_that_takes_too_long_ends_with_its_process():
    worker = Worker()
    row = worker.do({"kind": "case", "case": "HS71", "solver": "ipopt"}, limit=0.02)
    assert row["status"] == "killed" and not row["solved"] and not row["claims"]
