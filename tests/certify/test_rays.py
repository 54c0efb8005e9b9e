"""Rays prove what they claim, or are refused with the reason; dual bounds really bound."""

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.certify import certify
from stationary.sets import Box, L2Ball, Simplex


def contradiction():
    rows = jnp.array([[1.0, 1.0], [-1.0, -1.0]])
    return st.Minimize(lambda x: x[0], {"rows": st.at_most(lambda x: rows @ x, -1.0)})


@pytest.mark.parametrize("x", [np.zeros(2), np.array([30.0, -7.0])])
def test_infeasible_system_is_proved_so_from_any_point(x):
    found = certify(contradiction(), x)
    assert found.verdict.word == "infeasible problem" and found.ray.proved
    y = found.ray.vector["rows"]
    np.testing.assert_allclose(y[0], y[1], rtol=1e-6)  # Farkas: y A = 0, y (b) < 0
    assert y[0] > 0


def test_given_ray_is_checked():
    right = certify(contradiction(), np.zeros(2), ray={"rows": np.array([2.0, 2.0])})
    assert right.ray.proved and right.verdict.word == "infeasible problem"
    for wrong, why in (
        (np.array([1.0, 0.5]), "proves it only within"),
        (np.array([-1.0, -1.0]), "polar"),
        (np.zeros(2), "not positive"),
    ):
        found = certify(contradiction(), np.zeros(2), ray={"rows": wrong})
        assert not found.ray.proved and why in found.ray.reason, found.ray.reason
        assert found.verdict.word != "infeasible problem"


def test_bogus_ray_does_not_condemn_a_feasible_problem():
    problem = st.Minimize(
        lambda x: jnp.sum(x**2), {"sum": st.at_most(lambda x: -jnp.sum(x), -2.0)}, convex=True
    )
    found = certify(problem, np.ones(2), ray={"sum": np.array(1.0)})
    assert found.verdict.word == "optimal" and not found.ray.proved
    # From an infeasible point of the same problem neither.
    found = certify(problem, np.zeros(2), ray={"sum": np.array(1.0)})
    assert found.verdict.word == "infeasible point" and not found.ray.proved


def test_bounded_set_proves_infeasibility_without_a_distance():
    problem = st.Minimize(
        lambda x: x[0], {"far": st.at_most(lambda x: -jnp.sum(x), -3.0)}, Simplex()
    )
    found = certify(problem, np.array([0.5, 0.5]))
    assert found.verdict.word == "infeasible problem" and "anywhere" in found.ray.reason


def test_nonconvex_contradiction_is_only_locally_infeasible():
    def build(convex):
        return st.Minimize(
            lambda x: x[0], {"ring": st.at_most(lambda x: x @ x + 1, 0.0)}, convex=convex
        )

    assert certify(build(False), np.zeros(2)).verdict.word == "locally infeasible"
    assert certify(build(True), np.zeros(2)).verdict.word == "infeasible problem"
    assert certify(build(False), np.ones(2)).verdict.word == "infeasible point"


def descent():
    return st.Minimize(
        lambda x: x[0] - 2 * x[1], {"sum": st.at_most(jnp.sum, 1.0)}, Box(-np.inf, [np.inf, 5.0])
    )


def test_unbounded_direction_is_proved_or_refused():
    found = certify(descent(), np.zeros(2), ray=np.array([-3.0, 0.0]))
    assert found.verdict.word == "unbounded problem" and found.ray.proved
    assert found.ray.vector["x"].tolist() == [-3.0, 0.0]
    for wrong, why in (
        (np.array([1.0, 0.0]), "leaves the feasible"),
        (np.array([0.0, 1.0]), "leaves the feasible"),
        (np.array([-1.0, -1.0]), "does not keep improving"),
    ):
        found = certify(descent(), np.zeros(2), ray=wrong)
        assert not found.ray.proved and why in found.ray.reason, found.ray.reason
        assert found.verdict.word == "not stationary"


def test_point_that_ran_away_shows_its_own_direction():
    assert certify(descent(), np.array([-1e7, 0.0])).verdict.word == "unbounded problem"
    curved = st.Minimize(lambda x: jnp.sum(jnp.exp(-1e-3 * x)))
    found = certify(curved, np.full(2, 2e4))
    assert found.verdict.word != "unbounded problem" and found.ray is None


def test_ray_of_neither_kind_is_refused():
    with pytest.raises(ValueError, match="ray must be multipliers"):
        certify(descent(), np.zeros(2), ray=np.zeros(3))


@pytest.mark.parametrize("over, slack", [(Box(-1, 1), 0.0), (L2Ball(2.0), 0.0), (None, 1e-9)])
def test_gap_bounds_the_distance_to_the_optimum(over, slack):
    target = np.array([0.6, 0.3, -0.2])
    problem = st.Minimize(
        lambda x: jnp.sum((x - target) ** 2),
        {"sum": st.at_most(jnp.sum, 0.1)},
        over,
        convex=True,
    )
    answer = target - 0.2
    best = np.sum((answer - target) ** 2)
    assert certify(problem, answer).gap == pytest.approx(0, abs=1e-7)
    for step in (np.array([-0.1, 0.05, 0.0]), np.array([0.0, -0.3, 0.2])):
        found = certify(problem, answer + step)
        value = np.sum((answer + step - target) ** 2)
        assert found.gap >= value - best - slack, "a bound below the true distance"
        assert not found.passed
    not_declared = st.Minimize(problem.objective, problem.subject_to, over)
    assert certify(not_declared, answer).gap is None


def test_proof_names_the_constraints_that_contradict_each_other():
    problem = st.Minimize(
        lambda x: x[0],
        {
            "budget": st.at_most(jnp.sum, 1.0),
            "demand": st.at_most(lambda x: 2 - x[0]),
            "harmless": st.at_most(lambda x: x[1], 9.0),
        },
        Box(0, np.inf),
    )
    reason = certify(problem, np.array([5.0, 3.0])).ray.reason
    assert "'budget' and 'demand' contradict each other within the bounds of x" in reason
    assert "with weights 1 and 1 they add up to at least 1 anywhere in the set" in reason
    assert "harmless" not in reason


def test_rows_of_a_vector_constraint_are_named_by_place_and_many_are_counted():
    rows = np.vstack([np.eye(8), -np.ones((1, 8))])
    problem = st.Minimize(
        lambda x: x[0], {"rows": st.at_most(lambda x: rows @ x, np.r_[np.zeros(8), -1.0])}
    )
    reason = certify(problem, np.zeros(8)).ray.reason
    assert "'rows[8]', " in reason and "and 4 more contradict each other" in reason


def test_constraint_that_no_point_satisfies_alone_is_named_alone():
    problem = st.Minimize(lambda x: x[0], {"far": st.at_most(lambda x: 3 - jnp.sum(x))}, Simplex())
    reason = certify(problem, np.array([0.5, 0.5])).ray.reason
    assert "'far' cannot be satisfied within the set of x: it is at least 2" in reason


def test_ray_is_exact_where_bounds_are_one_sided_however_far_the_point_is():
    # A'y > 0 in an entry that is bounded below: no reservation about distances.
    problem = st.Minimize(lambda x: x[0], {"sum": st.at_most(jnp.sum, -1.0)}, Box(0, np.inf))
    found = certify(problem, np.array([1e3, 5.0]), ray={"sum": np.array(1.0)})
    assert found.ray.proved and "anywhere in the set" in found.ray.reason


def test_direction_may_leave_an_equality_by_rounding_but_not_by_more():
    problem = st.Minimize(
        lambda x: x[0] - x[1], {"plane": st.equal(lambda x: 1e3 * (x[0] + x[1]), 0.0)}
    )
    almost = certify(problem, np.zeros(2), ray=np.array([-1.0, 1.0 + 1e-8]))
    assert almost.verdict.word == "unbounded problem"
    off = certify(problem, np.zeros(2), ray=np.array([-1.0, 1.0 + 1e-4]))
    assert not off.ray.proved and "leaves the feasible" in off.ray.reason


def test_local_standoff_names_the_constraints_that_hold_each_other():
    problem = st.Minimize(
        lambda x: x[0] + x[1],
        {
            "outside": st.at_most(lambda x: 4 - x @ x),
            "inside": st.at_most(lambda x: jnp.sqrt(1 + x @ x), 1.0),
            "idle": st.at_most(lambda x: x[0], 9.0),
        },
    )
    # Where both violations, as distances in x, balance: 3 |x|^2 - 2 = 2 sqrt(1 + |x|^2).
    found = certify(problem, np.array([4 / 3, 0.0]))
    assert found.verdict.word == "locally infeasible"
    (note,) = (note for note in found.notes if "no small move" in note)
    assert "'outside'" in note and "'inside'" in note and "idle" not in note


def test_tight_tolerance_asks_no_more_of_a_proof():
    found = certify(
        contradiction(), np.zeros(2), ray={"rows": np.array([1.0, 1.0 + 1e-8])}, tol=1e-12
    )
    assert found.ray.proved


def test_constraints_that_hold_each_other_are_seen_by_their_multipliers():
    problem = st.Minimize(
        lambda x: x @ x,
        {
            "disc": st.at_most(lambda x: x @ x, 1.0),
            "right": st.at_most(lambda x: 2 - x[0]),
            "low": st.at_most(lambda x: x[1], 5.0),
        },
    )
    held = {"disc": 50.0, "right": 100.0, "low": 0.0}
    found = certify(problem, np.array([1.0, 0.0]), duals=held)
    assert found.verdict.word == "locally infeasible"
    assert any("'disc' and 'right' hold" in note for note in found.notes)
    # Neither weights that do not balance, nor a place that a small move improves.
    for x, duals in (([1.0, 0.0], held | {"right": 90.0}), ([0.9, 0.0], held)):
        assert certify(problem, np.array(x), duals=duals).verdict.word == "infeasible point"
