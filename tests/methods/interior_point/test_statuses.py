"""Problems without an answer, or without a regular one: every status tells the truth."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary import Status, Verdict
from stationary.methods import InteriorPoint


def solve(problem, x0, **options):
    return st.solve(problem, np.asarray(x0, float), InteriorPoint(), progress=False, **options)


INFEASIBLE = {
    "half-planes": (
        {"low": st.at_most(jnp.sum, 0.0), "high": st.at_most(lambda x: 1 - jnp.sum(x))},
        None,
    ),
    "circle and line": (
        {"circle": st.equal(lambda x: x @ x, 1.0), "line": st.at_most(lambda x: 3 - x[0])},
        None,
    ),
    "bounds": ({"sum": st.equal(jnp.sum, 5.0)}, st.Box(0, 1)),
    "no point at all": ({"square": st.at_most(lambda x: x @ x, -1.0)}, None),
    "parallel equalities": (
        {"one": st.equal(jnp.sum, 1.0), "two": st.equal(lambda x: 2 * jnp.sum(x), 3.0)},
        None,
    ),
    "two discs": (
        {
            "left": st.at_most(lambda x: x @ x, 1.0),
            "right": st.at_most(lambda x: (x[0] - 3) ** 2 + x[1] ** 2, 1.5),
            "low": st.at_most(lambda x: x[1], 5.0),
        },
        None,
    ),
    "a constraint without x": ({"never": st.equal(lambda x: jnp.ones(()), 0.0)}, None),
}


@pytest.mark.parametrize("name", INFEASIBLE)
def test_contradictions_are_called_infeasible(name):
    subject_to, over = INFEASIBLE[name]
    found = solve(st.Minimize(lambda x: x @ x, subject_to, over), [0.3, 0.4])
    assert found.status is Status.INFEASIBLE
    assert not found.certificate.passed
    assert found.certificate.verdict in (Verdict.INFEASIBLE, Verdict.LOCALLY_INFEASIBLE)


UNBOUNDED = {
    "linear": (lambda x: x[0] - 2 * x[1], {"slope": st.at_most(lambda x: x[1] - x[0], 1.0)}),
    "saddle": (
        lambda x: -x[0] * x[1],
        {"cone": st.at_most(lambda x: x @ x - 5 * x[0] * x[1], 1.0)},
    ),
    "cubic": (lambda x: -(x[0] ** 3), {"other": st.equal(lambda x: x[1], 1.0)}),
}


@pytest.mark.parametrize("name", UNBOUNDED)
def test_objectives_that_fall_for_ever_are_called_unbounded(name):
    objective, subject_to = UNBOUNDED[name]
    assert solve(st.Minimize(objective, subject_to), [0.5, 0.5]).status is Status.UNBOUNDED


def test_dependent_equalities_do_not_stop_it():
    rows = {"a": st.equal(jnp.sum, 1.0), "again": st.equal(lambda x: 2 * jnp.sum(x), 2.0)}
    found = solve(st.Minimize(lambda x: x @ x, rows), [3.0, 1.0])
    assert found.status is Status.CONVERGED and found.certificate.passed
    np.testing.assert_allclose(found.value, [0.5, 0.5], atol=1e-7)


def test_more_equalities_than_unknowns_are_remarked_upon():
    rows = {"all": st.equal(lambda x: jnp.stack([x[0], x[1], x[0] + x[1]]), jnp.array([1, 2, 3.0]))}
    found = solve(st.Minimize(lambda x: x @ x, rows), [0.0, 0.0])
    assert any("more equalities (3) than unknowns (2)" in notice for notice in found.stats.notices)
    np.testing.assert_allclose(found.value, [1, 2], atol=1e-7)


def test_inequalities_that_leave_one_point_are_solved():
    pinned = {"up": st.at_most(lambda x: x[0], 1.0), "down": st.at_most(lambda x: 1.0 - x[0])}
    found = solve(st.Minimize(lambda x: x @ x, pinned), [4.0, 1.0])
    assert found.certificate.passed
    np.testing.assert_allclose(found.value, [1, 0], atol=1e-6)


def test_complementarity_constraints_end_truthfully():
    # x, y >= 0, xy = 0: no constraint qualification holds at the answer (0, 1).
    problem = st.Minimize(
        lambda x: (x[0] + 1) ** 2 + (x[1] - 1) ** 2,
        {"complementary": st.at_most(lambda x: x[0] * x[1])},
        st.Box(0, jnp.inf),
    )
    found = solve(problem, [1.0, 1.0])
    np.testing.assert_allclose(found.value, [0, 1], atol=1e-3)
    assert (found.status is Status.CONVERGED) == found.certificate.passed


def test_a_point_without_multipliers_is_never_called_converged():
    # min x subject to x^2 <= 0: feasible only at 0, where no multiplier exists.
    found = solve(st.Minimize(lambda x: x[0], {"cusp": st.at_most(lambda x: x[0] ** 2)}), [1.0])
    assert found.status is not Status.CONVERGED or found.certificate.passed
    assert found.status not in (Status.INFEASIBLE, Status.UNBOUNDED)


def test_trial_points_outside_the_domain_are_stepped_back_from():
    problem = st.Minimize(
        lambda x: -jnp.log(x[0]) - jnp.sqrt(x[1]), {"sum": st.at_most(jnp.sum, 1.0)}
    )
    found = solve(problem, [0.01, 0.9])
    assert found.status is Status.CONVERGED and found.certificate.passed


def test_kinks_are_remarked_upon():
    problem = st.Minimize(lambda x: jnp.sum(jnp.abs(x)), {"sum": st.equal(jnp.sum, 1.0)})
    found = solve(problem, [0.7, 0.2], max_steps=50)
    assert any("abs, which has kinks" in notice for notice in found.stats.notices)


def test_smooth_functions_that_shift_by_their_maximum_are_not():
    problem = st.Minimize(lambda x: x @ x, {"soft": st.at_most(jax.nn.logsumexp, 1.0)})
    assert not solve(problem, [0.7, 0.2]).stats.notices


@pytest.mark.parametrize(
    ("problem", "match"),
    [
        (st.Minimize(jnp.sum, {"s": st.equal(jnp.sum)}, st.sets.L2Ball(1.0)), "bounds on entries"),
        (
            st.Minimize(jnp.sum, {"s": st.in_cone(lambda x: x, st.sets.SecondOrder())}),
            "entry by entry",
        ),
        (
            st.Minimize(jnp.sum, {"s": st.at_most(jnp.sum, surrogate=jnp.sum)}),
            "surrogate",
        ),
    ],
)
def test_what_it_cannot_see_is_refused(problem, match):
    with pytest.raises(TypeError, match=match):
        solve(problem, [1.0, 0.5])


@pytest.mark.parametrize("options", [{"barrier": 0.0}, {"hessian": "none"}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        InteriorPoint(**options)
