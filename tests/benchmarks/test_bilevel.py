"""The comparison on stochastic bilevel problems: its measure, its peers, and what counts as met."""

import math

import numpy as np
import pytest

import stationary as st
from benchmarks import bilevel
from benchmarks._bilevel_peers import f2sa, saba, soba, srba
from stationary.methods import SAGA


@pytest.fixture
def small():
    return bilevel.quadratics(samples=128, size=5)


def value(problem, x):
    """The upper objective at the lower answer, which is a linear system."""
    rows, above = problem.lower_samples, problem.upper_samples
    n = len(rows["y"])
    y = np.linalg.solve(
        rows["y"].T @ rows["y"] / n,
        -(rows["right"].T @ (rows["left"] @ x)) / n - np.mean(rows["by y"], axis=0),
    )
    quadratic = (above["y"] @ y) ** 2 + (above["x"] @ x) ** 2
    cross = (above["left"] @ x) * (above["right"] @ y)
    return float(np.mean(quadratic / 2 + cross + above["by y"] @ y + above["by x"] @ x))


def test_the_measure_is_the_slope_of_the_upper_value(small):
    size = bilevel.hypergradient(small.upper, small.lower)
    found, _ = size(small.x, small.y, small.upper_samples, small.lower_samples)
    step = 1e-5 * np.eye(5)
    slope = [(value(small, small.x + e) - value(small, small.x - e)) / 2e-5 for e in step]
    assert float(found) == pytest.approx(np.linalg.norm(slope), rel=1e-6)


def test_ours_and_saba_take_the_same_steps_on_one_batch(small, monkeypatch):
    monkeypatch.setattr(bilevel, "BATCH", 128)
    monkeypatch.setattr(bilevel, "CHUNK", 9)  # ours reports x before the last move
    samples, setting = (small.upper_samples, small.lower_samples), (0.1, 0.3)
    ends = []
    for solver in (
        saba(small.upper, small.lower, 128, 8),
        bilevel.single_loop(small.upper, small.lower, st.Averaged(0.0, exact=False), SAGA()),
    ):
        prepared = solver.prepare(samples, small.x, small.y)
        ends.append(solver.x(solver.advance(prepared, setting, solver.begin(prepared), 1)))
    np.testing.assert_allclose(*ends, rtol=1e-9)
    assert not np.allclose(ends[0], small.x, atol=1e-2)


@pytest.mark.parametrize("peer", [saba, srba])
def test_peers_with_less_and_less_noise_arrive(small, peer):
    solver = peer(small.upper, small.lower, 32, 64)
    run = bilevel.reach(solver, small, (0.1, 0.3), 60.0, 4)
    assert math.isfinite(run.seconds)


@pytest.mark.parametrize("peer", [soba, f2sa])
def test_peers_with_noise_move_towards_the_answer_at_first(small, peer):
    solver = peer(small.upper, small.lower, 32, 1000)
    samples = small.upper_samples, small.lower_samples
    prepared = solver.prepare(samples, small.x, small.y)
    x = solver.x(solver.advance(prepared, (0.1, 0.3), solver.begin(prepared), 1))
    size = bilevel.hypergradient(small.upper, small.lower)
    first, last = (float(size(at, small.y, *samples)[0]) for at in (small.x, x))
    assert last < 0.5 * first


def test_a_contender_that_does_not_arrive_meets_nothing():
    def ratio(ours, theirs):
        found = {"a": {"median": ours}, "b": {"median": theirs}}
        return bilevel._ratio("test", found, "a", "b", 0.7, "")

    assert ratio(1.0, 2.0).met and not ratio(2.0, 1.0).met
    assert not ratio(math.inf, 1.0).met and not ratio(math.inf, math.inf).met
    only = ratio(1.0, math.inf)
    assert only.met and "b does not arrive" in only.detail["note"]


def test_unknown_problems_are_refused():
    with pytest.raises(SystemExit, match="quadratics, logistic tuning"):
        bilevel.run(["cubics"])
