"""Planted faults: the true answer passes, and every wrong one is caught by the right check."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.certify import certify
from stationary.sets import Box, L2Ball, Sphere

from .problems import KNOWN

SCALES = [(1.0, 1.0), (1e6, 1.0), (1e-6, 1.0), (1.0, 1e6), (1.0, 1e-6), (1e-6, 1e6)]


# Each problem compiles its own certificate; CI does without those that repeat another's lesson.
REPEATS = {"hs71", "stiefel", "l1_ball", "circle"}


@pytest.fixture(
    params=[pytest.param(n, marks=pytest.mark.slow if n in REPEATS else ()) for n in KNOWN],
    scope="module",
)
def known(request):
    return KNOWN[request.param]()


def given(known, f=1.0, g=1.0, x=None, change=lambda dual: dual):
    """The point with its exact multipliers, for the problem with f and g scaled."""
    duals = {name: change(np.asarray(dual)) * f / g for name, dual in known.duals.items()}
    return point(known.answer if x is None else x, duals)


def point(x, duals, dtype=float):
    """A `Point` of arrays."""
    return st.Point(jnp.asarray(x, dtype), {k: jnp.asarray(d, dtype) for k, d in duals.items()})


def failing(found):
    return {check.kind for check in found.failures}


def test_true_answer_passes(known):
    found = certify(known.build(1.0, 1.0), given(known))
    assert found.passed and not found.failures, str(found)
    assert found.verdict.word == known.verdict, str(found)
    assert found.multipliers == ("given" if known.duals else "none")


def test_estimated_multipliers_are_the_true_ones(known):
    found = certify(known.build(1.0, 1.0), known.answer)
    assert found.passed, str(found)
    assert found.multipliers == ("estimated" if known.duals else "none")
    for name, dual in known.duals.items():
        np.testing.assert_allclose(found.duals[name], dual, atol=1e-6)


@pytest.mark.parametrize("f, g", SCALES)
def test_units_change_no_verdict(known, f, g):
    problem = known.build(f, g)
    right = certify(problem, given(known, f, g))
    assert right.verdict.word == known.verdict, str(right)
    assert certify(problem, known.answer).verdict.word == known.verdict
    moved = known.answer + 1e-3 * _direction(known)
    wrong = certify(problem, given(known, f, g, moved))
    same = certify(known.build(1.0, 1.0), given(known, x=moved))
    assert not wrong.passed and wrong.verdict is same.verdict, str(wrong)
    assert failing(wrong) == failing(same)
    # The multipliers of other units do not pass in these, unless they are those of no constraint.
    if g != 1.0 and any(np.any(dual) for dual in known.duals.values()):
        assert "stationarity" in failing(certify(problem, given(known, f, 1.0)))


def _direction(known):
    way = np.random.default_rng(5).normal(size=known.answer.shape)
    return way / np.linalg.norm(way)


@pytest.mark.parametrize("size", [1e-1, 1e-3, 1e-4])
def test_moved_point_is_caught(known, size):
    moved = known.answer + size * _direction(known)
    for at in (given(known, x=moved), moved):
        found = certify(known.build(1.0, 1.0), at)
        assert not found.passed, str(found)
        assert failing(found) & {"stationarity", "feasibility", "set", "complementarity"}


def test_threshold_separates_near_from_far(known):
    problem, way = known.build(1.0, 1.0), _direction(known)
    assert certify(problem, given(known, x=known.answer + 1e-9 * way)).passed
    assert not certify(problem, given(known, x=known.answer + 3e-5 * way)).passed
    assert certify(problem, given(known, x=known.answer + 1e-4 * way), tol=1e-2).passed


def test_flipped_multipliers_are_caught(known):
    if not known.duals:
        return
    found = certify(known.build(1.0, 1.0), given(known, change=np.negative))
    assert found.verdict.word == "not stationary"
    assert "stationarity" in failing(found)
    signed = [k for k, c in known.build(1.0, 1.0).subject_to.items() if "equal" not in c.describe()]
    if any(np.any(known.duals[name]) for name in signed):
        assert "dual sign" in failing(found), str(found)


@pytest.mark.parametrize("factor", [0.0, 0.999, 1.001, 2.0])
def test_multipliers_of_the_wrong_size_are_caught(known, factor):
    if not any(np.any(dual) for dual in known.duals.values()):
        return
    found = certify(known.build(1.0, 1.0), given(known, change=lambda dual: factor * dual))
    assert found.verdict.word == "not stationary" and "stationarity" in failing(found)


def test_multiplier_of_an_inactive_constraint_is_caught():
    known = KNOWN["quadratic"]()

    def slack_pays(dual):
        return np.array([0.7, 0.2, 0.3]) if dual.shape == (3,) else dual

    found = certify(known.build(1.0, 1.0), given(known, change=slack_pays))
    assert {"stationarity", "complementarity"} <= failing(found)
    # Made up for in the objective, only complementarity is left to catch it.
    shifted = st.Minimize(
        lambda x: jnp.sum(x**2) / 2, {"slack": st.at_most(lambda x: -jnp.sum(x), 1.0)}
    )
    found = certify(shifted, point(np.full(2, 0.5), {"slack": 0.5}))
    assert failing(found) == {"complementarity"} and found.verdict.word == "not stationary"


def test_maximum_passed_off_as_minimum(known):
    if known.maximum is None:
        return
    found = certify(known.build(1.0, 1.0), known.maximum)
    assert not found.passed and not found.failures
    assert found.verdict.word == "saddle, not a minimum" and found.curvature["x"].sign == -1
    # Only looking no further than the first order lets it through, and says so.
    first = certify(known.build(1.0, 1.0), known.maximum, second_order=False)
    assert first.verdict.word == "stationary" and any("first order" in n for n in first.notes)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_saddle_passed_off_as_minimum(scale):
    monkey = st.Minimize(lambda x: scale * (x[0] ** 2 - 1e-3 * x[1] ** 2 + x[2] ** 2))
    found = certify(monkey, np.zeros(3))
    assert found.verdict.word == "saddle, not a minimum" and not found.failures
    assert found.curvature["x"].smallest == pytest.approx(-2e-3 * scale)


def test_saddle_hidden_by_constraints_is_found_only_where_it_is_reachable():
    def build(bound):
        return st.Minimize(
            lambda x: x[0] ** 2 - x[1] ** 2, {"b": st.equal(lambda x: x @ jnp.array(bound), 0.0)}
        )

    assert certify(build([0.0, 1.0]), np.zeros(2)).verdict.word == "local minimum"
    assert certify(build([1.0, 0.0]), np.zeros(2)).verdict.word == "saddle, not a minimum"


@pytest.mark.parametrize("bend, word", [(0.9, "local minimum"), (1.1, "saddle, not a minimum")])
def test_curvature_of_the_set_counts(bend, word):
    # On the unit circle near (-1, 0) the function is -2 + (1 - bend) y^2 to second order.
    for over in (L2Ball(1.0), Sphere()):
        problem = st.Minimize(lambda x: 2 * x[0] - bend * x[1] ** 2, over=over)
        found = certify(problem, np.array([-1.0, 0.0]))
        assert found.verdict.word == word
        assert found.curvature["x"].smallest == pytest.approx(2 - 2 * bend, abs=1e-6)


def test_zero_multipliers_are_not_mistaken_for_strict_ones():
    # At 0 the bound on y is active with multiplier 0, so that y >= 0 stays a critical direction.
    falls = st.Minimize(lambda x: x[0] ** 2 - x[1] ** 2, over=Box([-1, 0], [1, 1]))
    found = certify(falls, np.zeros(2))
    assert found.verdict.word == "stationary" and found.curvature["x"].undecided == 1
    rises = st.Minimize(lambda x: x[0] ** 2 + x[1] ** 2, over=Box([-1, 0], [1, 1]))
    assert certify(rises, np.zeros(2)).verdict.word == "local minimum"


def test_declared_convexity_is_not_believed_against_the_curvature():
    lie = st.Minimize(lambda x: x[0] ** 2 - x[1] ** 2, convex=True)
    assert certify(lie, np.zeros(2)).verdict.word == "saddle, not a minimum"


@pytest.mark.parametrize("f, g", SCALES)
def test_infeasible_point_is_caught_in_any_units(f, g):
    known = KNOWN["circle"]()
    found = certify(known.build(f, g), given(known, f, g, known.answer * (1 + 1e-4)))
    assert found.verdict.word == "infeasible point" and "feasibility" in failing(found)
    (check,) = [c for c in found.checks if c.kind == "feasibility"]
    assert check.name == "disc"
    assert check.scaled == pytest.approx(1e-4 * np.sqrt(5) / 2, rel=1e-2)  # a distance over |x|


def test_point_outside_the_set_is_caught():
    for name in ("simplex", "sphere", "stiefel", "l1_ball", "l2_ball", "hs35", "hs71"):
        known = KNOWN[name]()
        found = certify(known.build(1.0, 1.0), given(known, x=3 * known.answer))
        assert "set" in failing(found) or name == "hs35", str(found)
        assert found.verdict.word == "infeasible point"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_point_that_is_not_finite_is_undetermined(known, bad):
    x = known.answer.copy()
    x.flat[0] = bad
    found = certify(known.build(1.0, 1.0), given(known, x=x))
    assert found.verdict.word == "undetermined" and not found.passed
    assert "x" in {check.name for check in found.failures if check.kind == "finite"}


def test_multipliers_that_are_not_finite_are_undetermined():
    known = KNOWN["hs35"]()
    found = certify(known.build(1.0, 1.0), given(known, change=lambda dual: dual * np.nan))
    assert found.verdict.word == "undetermined"


def test_float32_answer_does_not_pass_at_a_tolerance_of_float64(known):
    rough = point(known.answer, known.duals, jnp.float32)
    assert certify(known.build(1.0, 1.0), rough, tol=1e-5).passed
    exact = np.array_equal(np.asarray(known.answer, np.float32), known.answer)
    if not exact:
        assert not certify(known.build(1.0, 1.0), rough, tol=1e-10).passed


@pytest.mark.parametrize("name", ["hs35", "sphere", "second_order_cone"])
def test_same_verdict_whatever_the_precision_around(name):
    known = KNOWN[name]()
    with jax.enable_x64(False):
        problem = known.build(1.0, 1.0)
        right = certify(problem, given(known))
        wrong = certify(problem, given(known, x=known.answer + 1e-4 * _direction(known)))
        assert not jax.config.jax_enable_x64
    assert right.verdict.word == known.verdict, str(right)
    assert not wrong.passed


def test_process_in_float32_gets_the_same_certificate():
    code = """
import jax.numpy as jnp, numpy as np, stationary as st
problem = st.Minimize(lambda x: jnp.sum((x - 2) ** 2), {"disc": st.at_most(lambda x: x @ x, 2.0)})
x = jnp.ones(2)
assert x.dtype == jnp.float32
found = st.certify(problem, st.Point(x, {"disc": jnp.array(1.0)}), tol=1e-12)
print(found.verdict.word, found.checks[0].scaled, jnp.ones(2).dtype)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "local minimum 0.0 float32"


def test_without_an_objective_multipliers_that_are_almost_zero_are_zero():
    problem = st.Minimize(
        lambda x: 0.0 * x[0],
        {"sphere": st.equal(lambda x: x @ x, 2.0), "order": st.at_most(lambda x: x[0] - x[1])},
    )
    x = np.array([-1.0, 1.0])
    assert st.certify(problem, x, duals={"sphere": 4e-20, "order": 8e-20}).passed
    assert not st.certify(problem, x, duals={"sphere": 0.0, "order": 1e-2}).passed
