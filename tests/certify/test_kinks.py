"""Points at kinks: which pass, by how much, and that no smooth function passes for one."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.certify import Verdict, certify
from stationary.methods import EpsilonDescent
from stationary.report import as_text, report


def verdict(problem, point, **options):
    return certify(problem, jnp.asarray(point), **options).verdict


def corner(x):
    return 2 * jnp.abs(x[0]) + jnp.abs(x[1] - 1)


def network(w):
    """|mean of 3 ReLU units - target| per sample: kinks of the units and of the loss."""
    rows = jnp.array([[1.0, 2.0], [-1.0, 0.5], [0.3, -1.0]])
    return jnp.mean(jnp.abs(jnp.sum(jax.nn.relu(rows @ w), axis=1) - jnp.array([3.0, 0.0, 0.3])))


def test_the_minimum_of_an_absolute_value_within_the_radius_and_no_farther():
    problem = st.Minimize(lambda x: jnp.abs(x - 1.0))
    for away, passes in ((1e-9, True), (9e-7, True), (1.2e-6, False), (1e-3, False)):
        for side in (-1, 1):
            found = certify(problem, jnp.array(1.0 + side * away))
            assert found.passed == passes, away
            assert (found.verdict is Verdict.EPSILON_STATIONARY) == passes
    assert certify(problem, jnp.array(1.001), tol=2e-3).passed


def test_the_radius_and_the_residual_are_said_and_stored():
    problem = st.Minimize(lambda x: jnp.abs(x[0] - 30.0) + x[1] ** 2)
    found = certify(problem, jnp.array([30.0 + 1e-6, 0.0]), tol=1e-6)
    assert found.kink.radius == pytest.approx(3e-5)  # the tolerance times the size of x
    assert found.kink.gradients >= 2 and found.kink.residual <= 1e-6 and not found.kink.better
    assert [check.kind for check in found.checks] == ["hull of gradients"]
    text = " ".join(str(found).split())
    assert text.startswith("epsilon-stationary (kink) (passed at tol 1e-06)")
    assert f"hull of {found.kink.gradients} gradients" in text
    assert "within 3.0e-05 of x" in text
    stored = json.loads(json.dumps(found.to_dict()))
    assert stored["kink"]["radius"] == found.kink.radius
    assert stored["verdict"] == "epsilon-stationary (kink)"
    again = certify(problem, jnp.array([30.0 + 1e-6, 0.0]), tol=1e-6)
    assert again.to_dict() == found.to_dict()  # the same draws each time


def test_a_smooth_point_has_no_kink_to_show():
    found = certify(st.Minimize(lambda x: jnp.sum(x**2)), jnp.zeros(2))
    assert found.verdict is Verdict.LOCAL_MINIMUM and found.kink is None


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: 0.5 * jnp.sum(x**2) + 1e-3 * x[0],
        lambda x: 1e-3 * x[0] + jnp.sum(x[1:] ** 4),
        lambda x: 1e-3 * jnp.sin(x[0]) + jnp.prod(jnp.cos(x)),
        lambda x: jax.nn.logsumexp(x) - 0.3 * jnp.sum(x),
        lambda x: 1e-3 * x[0] + jnp.sum(jnp.abs(x[1:])),
    ],
    ids=["bowl", "slope", "waves", "log-sum-exp", "a slope along a kink"],
)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_slope_of_a_thousandth_is_not_stationary(fn, scale):
    point = jnp.zeros(4)
    assert jnp.linalg.norm(jax.grad(fn)(point)) >= 1e-3 * (1 - 1e-9)
    found = certify(st.Minimize(lambda x: scale * fn(x)), point)
    assert found.verdict is Verdict.NOT_STATIONARY and found.kink is None


@pytest.mark.parametrize("steepness", [1e2, 1e4, 1e5, 1e6])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_steep_smooth_bend_passes_no_farther_from_its_minimum_than_the_radius(steepness, sign):
    # Its minimum is at 0, and its slope goes from -1 to 1 over a few 1 / steepness.
    problem = st.Minimize(lambda x: 2 * jax.nn.softplus(steepness * x) / steepness - x)
    for away in (1e-6, 3e-6, 1e-5, 1e-4, 1e-2):
        found = certify(problem, jnp.array(sign * away * 1.01))
        assert found.verdict is not Verdict.EPSILON_STATIONARY, (away, str(found))
        assert found.kink is None


def test_random_smooth_functions_never_pass_for_kinks(getkey):
    """Slopes anywhere from 1e-3 to 1e3, curvatures up to 1e2, in the presence of bounds."""
    mixed = jax.random.normal(getkey(), (6, 3))
    problem = st.Minimize(
        lambda x, data: data @ x + 50 * jnp.sum(jnp.tanh(mixed @ x) ** 2),
        over=st.Box(-1.0, 1.0),
        data=jnp.zeros(3),
    )
    for power in (-3, -1, 1, 3):
        for _ in range(4):
            slope = 10.0**power * jax.random.normal(getkey(), (3,))
            point = jax.random.uniform(getkey(), (3,), minval=-1.0, maxval=1.0)
            found = certify(problem, point, data=slope, second_order=False)
            assert found.verdict is Verdict.NOT_STATIONARY and found.kink is None


def test_kinks_that_are_no_minima():
    assert verdict(st.Minimize(lambda x: -jnp.abs(x)), 5e-7) is Verdict.SADDLE
    two = st.Minimize(lambda x: jnp.abs(x[0]) - jnp.abs(x[1]))
    assert verdict(two, [1e-7, 1e-7]) is Verdict.SADDLE
    assert certify(two, jnp.array([1e-7, 1e-7])).kink.better
    assert verdict(st.Maximize(lambda x: -jnp.abs(x)), 5e-7) is Verdict.EPSILON_STATIONARY
    assert verdict(st.Maximize(lambda x: jnp.abs(x)), 5e-7) is Verdict.SADDLE


def test_the_largest_of_several_functions():
    slopes = jnp.array([[1.0, 0.0], [-0.5, 1.0], [-0.5, -1.0]])  # 0 is inside their hull
    at_zero = st.Minimize(lambda x: jnp.max(slopes @ x) + jnp.sum(x**2))
    found = certify(at_zero, jnp.array([2e-7, -1e-7]))
    assert found.verdict is Verdict.EPSILON_STATIONARY and found.kink.gradients == 3
    assert verdict(at_zero, [1e-5, 0.0]) is Verdict.NOT_STATIONARY
    downhill = st.Minimize(lambda x: jnp.max((slopes + jnp.array([0.51, 0.0])) @ x))
    assert verdict(downhill, [2e-7, -1e-7]) is Verdict.NOT_STATIONARY


def test_a_network_of_rectified_units():
    problem = st.Minimize(network)
    found = st.solve(problem, jnp.array([[0.5, -0.3, 0.2], [0.4, 0.1, -0.2]]), EpsilonDescent())
    assert found.certificate.passed, str(found.certificate)
    assert found.certificate.verdict in (Verdict.EPSILON_STATIONARY, Verdict.LOCAL_MINIMUM)
    moved = st.Point(found.value + 1e-3, {})
    assert not certify(problem, moved).passed


def test_sets_take_up_what_presses_on_them():
    problem = st.Minimize(corner, over=st.Box(jnp.array([0.5, -1.0]), jnp.array([2.0, 3.0])))
    found = certify(problem, jnp.array([0.5, 1.0 + 1e-7]))
    assert found.verdict is Verdict.EPSILON_STATIONARY
    assert verdict(problem, [0.6, 1.0 + 1e-7]) is Verdict.NOT_STATIONARY
    # On the upper bound the objective pulls back into the box.
    assert verdict(problem, [2.0, 1.0 + 1e-7]) is Verdict.NOT_STATIONARY
    circle = st.Minimize(lambda x: jnp.max(jnp.abs(x)), over=st.sets.Sphere())
    diagonal = np.array([1.0, 1.0 + 1e-7])
    assert verdict(circle, diagonal / np.linalg.norm(diagonal)) is Verdict.EPSILON_STATIONARY


def test_a_constraint_with_multipliers_given_and_estimated():
    # At (0, 3/2): 2 |x| has slopes from -2 to 2, |y - 1| has 1, and the constraint (-1, -1).
    problem = st.Minimize(corner, {"sum": st.at_most(lambda x: -(x[0] + x[1]), -1.5)})
    point = jnp.array([1e-8, 1.5])
    estimated = certify(problem, point)
    assert estimated.verdict is Verdict.EPSILON_STATIONARY and estimated.multipliers == "estimated"
    assert estimated.duals["sum"] == pytest.approx(1.0)
    right = certify(problem, st.Point(point, {"sum": jnp.array(1.0)}))
    assert right.verdict is Verdict.EPSILON_STATIONARY and right.multipliers == "given"
    for wrong in (1.1, 0.0, -1.0):
        assert not certify(problem, st.Point(point, {"sum": jnp.array(wrong)})).passed
    # A multiplier on a constraint with slack is none.
    assert not certify(problem, st.Point(jnp.array([1e-8, 1.6]), {"sum": jnp.array(1.0)})).passed
    assert not certify(problem, jnp.array([1e-8, 1.6])).passed
    assert certify(problem, jnp.array([1e-8, 1.4])).verdict is Verdict.INFEASIBLE_POINT


def test_an_equality_has_a_multiplier_of_either_sign():
    for sign in (-1.0, 1.0):
        line = {"sum": st.equal(lambda x, s=sign: s * (x[0] + x[1]), sign * 1.5)}
        found = certify(st.Minimize(corner, line), jnp.array([1e-8, 1.5 - 1e-8]))
        assert found.verdict is Verdict.EPSILON_STATIONARY
        assert found.duals["sum"] == pytest.approx(-sign)


def test_a_kink_of_a_constraint():
    target = jnp.array([1.0, 2.0, 0.0])
    problem = st.Minimize(lambda x: jnp.sum((x - target) ** 2), {"cap": st.at_most(jnp.max, 0.5)})
    found = certify(problem, jnp.array([0.5, 0.5 - 1e-7, 0.0]))
    assert found.verdict is Verdict.EPSILON_STATIONARY
    assert found.duals["cap"] == pytest.approx(4.0, abs=1e-5)
    assert certify(problem, st.Point(jnp.array([0.5, 0.5, 0.0]), {"cap": jnp.array(4.0)})).passed
    assert verdict(problem, [0.5, 0.3, 0.0]) is Verdict.NOT_STATIONARY


def test_several_objectives_with_kinks():
    # Best for both only along y = 0: a (s, t) + b (-2, -1) = 0 has a = 2 b there.
    problem = st.Balance(
        {
            "a": lambda x: jnp.sum(jnp.abs(x)),
            "b": lambda x: 2 * jnp.abs(x[0] - 2) + jnp.abs(x[1] - 1),
        },
        {"cap": st.at_most(jnp.sum, 0.5)},
    )
    found = certify(problem, jnp.array([0.3, 1e-8]))
    assert found.verdict is Verdict.EPSILON_STATIONARY
    assert found.weights["a"] == pytest.approx(2 / 3) and found.duals["cap"] == 0
    assert verdict(problem, [0.3, 0.1]) is Verdict.NOT_STATIONARY
    on_the_slope = certify(problem, jnp.array([1.0, -0.5]))
    assert on_the_slope.passed and on_the_slope.duals["cap"] == pytest.approx(1.0)


def test_many_kinks_at_once(getkey):
    """Least squares with an l1 penalty: 24 zeros, each a kink, against the known conditions."""
    rows = jax.random.normal(getkey(), (20, 30))
    target = rows[:, :6] @ jnp.ones(6)
    smooth = lambda x: 0.5 * jnp.sum((rows @ x - target) ** 2) / 20  # noqa: E731
    rate = 20 / jnp.linalg.norm(rows, 2) ** 2

    @jax.jit
    def shrink(x):
        z = x - rate * jax.grad(smooth)(x)
        return jnp.sign(z) * jnp.maximum(jnp.abs(z) - 0.2 * rate, 0)

    x = jax.lax.fori_loop(0, 20_000, lambda _, x: shrink(x), jnp.zeros(30))
    zeros = x == 0
    assert 10 < jnp.sum(zeros) < 30
    assert jnp.max(jnp.abs(jax.grad(smooth)(x))) <= 0.2 * (1 + 1e-9)
    problem = st.Minimize(lambda x: smooth(x) + 0.2 * jnp.sum(jnp.abs(x)))
    found = certify(problem, x)
    assert found.passed, str(found)
    less = st.Minimize(lambda x: smooth(x) + 0.15 * jnp.sum(jnp.abs(x)))
    assert certify(less, x).verdict is Verdict.NOT_STATIONARY


def test_a_solution_with_a_kink_is_reported(tmp_path):
    problem = st.Minimize(corner, {"sum": st.at_most(lambda x: -(x[0] + x[1]), -1.5)})
    found = st.solve(problem, jnp.array([2.0, 3.0]), EpsilonDescent())
    assert found.certificate.verdict is Verdict.EPSILON_STATIONARY
    assert found.certificate.multipliers == "given"
    text = " ".join(as_text(found).split())
    assert "✓ epsilon-stationary (kink): zero lies in the hull of gradients" in text
    assert "0 lies within" in text
    page = report(found, tmp_path / "report.html").read_text()
    assert "Kink" in page and "hull of gradients" in page
