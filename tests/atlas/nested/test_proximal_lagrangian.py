"""Paper 23's experiments are what their names say."""

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.atlas import Measurements
from stationary.atlas.nested.proximal_lagrangian import _machine, _machines, _toy


@pytest.fixture(scope="module")
def split():
    return _machine.generated(np.random.default_rng(0))


def test_the_answer_of_the_toy_problem_satisfies_both_levels():
    x, one, two = (np.full(4, value) for value in _toy.ANSWER)
    y = jnp.stack([one, two])
    assert float(_toy.balance(x, y)) == pytest.approx(0, abs=1e-12)
    # Multiplier -1 of the unscaled sum: the lower Lagrangian is stationary in y1 and y2.
    np.testing.assert_allclose(one - x - 1, 0, atol=1e-12)
    # The upper value n / 20 is the least over x, y1 = x + 1 and y2 = -2 x - 1.
    values = [float(_toy.upper(v, jnp.stack([v + 1, -2 * v - 1]))) for v in (x - 0.01, x, x + 0.01)]
    assert values[1] == pytest.approx(4 / 20)
    assert values[1] < min(values[0], values[2])


def test_the_gap_is_zero_at_lower_answers_and_positive_elsewhere():
    found = Measurements()
    _toy.gap(found, 1, False)
    assert abs(found.values["gap"]) < 1e-10
    assert "at the farthest ones" in found.notes[0]


def test_the_machine_is_that_of_scikit_learn_where_all_costs_are_alike(split):
    svm = pytest.importorskip("sklearn.svm")
    cp = pytest.importorskip("cvxpy")
    rows, labels = split.train
    count, cost = labels.size, 0.01
    data = {"rows": rows, "labels": labels}
    w, b, slack = cp.Variable(8), cp.Variable(), cp.Variable(count)
    x = np.full(count, np.log(cost))
    below = 100 * (0.5 * cp.sum_squares(w) / count + 0.5 * cost * cp.sum_squares(slack))
    margins = [1 - slack - cp.multiply(labels, rows @ w + b) / count**0.5 <= 0]
    cp.Problem(cp.Minimize(below), margins).solve(solver="CLARABEL")
    y = {"w": w.value, "b": b.value, "slack": slack.value}
    assert float(_machine.training(x, y, data)) == pytest.approx(float(below.value))
    assert np.max(_machine.shortfall(x, y, data)) < 1e-6
    # scikit-learn has no 1/2 before the squared hinge, and penalises the intercept a little.
    peer = svm.LinearSVC(
        C=cost / 2, loss="squared_hinge", dual=False, intercept_scaling=1e3, tol=1e-10
    ).fit(rows, labels)
    np.testing.assert_allclose(w.value / count**0.5, peer.coef_[0], atol=1e-4)


def test_the_answer_is_a_lower_answer_for_its_costs(split):
    stated = _machine.statement(split)
    pair = _machine.start(np.random.default_rng(1), split)
    outcome = st.run(stated, pair, _machine.METHOD, tol=1e-12, max_steps=1500, differentiable=False)
    x, y, *_ = outcome.point.primal
    start_loss = float(_machine.validation(*pair, stated.data))
    assert float(_machine.validation(x, y, stated.data)) < start_loss - 0.02
    assert np.max(_machine.shortfall(x, y, stated.data)) < 1e-6
    # The lower optimality conditions, with the multipliers of the saddle.
    slack, margins = y["slack"], outcome.point.primal[4]["margins"]
    np.testing.assert_allclose(100 * jnp.exp(x) * slack, margins, atol=2e-2)
    values = _machine.shortfall(x, y, stated.data)
    assert np.max(np.abs(margins * values)) < 2e-2


def test_projections_of_the_conic_solver_are_nearest_points(split):
    pytest.importorskip("cvxpy")
    rng = np.random.default_rng(2)
    at = rng.normal(size=509)
    nearest = _machines.conic_projection(split)(at)
    rows, labels = split.train
    normal = np.hstack([labels[:, None] * rows, labels[:, None]]) / 500**0.5
    normal = np.hstack([normal, np.eye(500)])
    values = 1 - normal @ nearest
    assert values.max() < 1e-5
    forces = np.linalg.lstsq(normal.T, nearest - at, rcond=None)[0]
    assert forces.min() > -1e-5
    assert np.abs(forces * values).max() < 1e-4
    np.testing.assert_allclose(normal.T @ forces, nearest - at, atol=1e-6)


def test_the_diabetes_data_are_read_where_the_environment_says(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    lines = [
        f"{label:+d} " + " ".join(f"{i + 1}:{v:.4f}" for i, v in enumerate(rng.normal(size=8)))
        for label in rng.choice([-1, 1], 768)
    ]
    monkeypatch.delenv(_machine.VARIABLE, raising=False)
    assert _machine.diabetes(rng) is None
    path = tmp_path / "diabetes.txt"
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.setenv(_machine.VARIABLE, str(path))
    found = _machine.diabetes(rng)
    assert [part.labels.size for part in found] == [500, 150, 118]
    assert set(found.test.labels) == {-1.0, 1.0}
