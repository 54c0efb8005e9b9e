"""Fronts that are known exactly, what the walk along them costs, and what is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.pareto import pareto_front, reference_distance, simplex_lattice, weighted_sum

A, B = jnp.array([1.0, 0.0, 2.0]), jnp.array([-1.0, 1.0, 0.0])
CURVATURE = jnp.array([1.0, 3.0, 10.0])


def near_a(x, data):
    return data * jnp.sum((x - A) ** 2)


def near_b(x):
    return jnp.sum(CURVATURE * (x - B) ** 2)


QUADRATICS = st.Balance({"a": near_a, "b": near_b}, data=jnp.array(2.0))


def minimiser(weights):
    """Of w_a 2 |x - A|^2 + w_b sum c (x - B)^2, in closed form."""
    a, b = np.asarray(weights, float).T[:, :, None]
    c = np.asarray(CURVATURE)
    return (2 * a * np.asarray(A) + b * c * np.asarray(B)) / (2 * a + b * c)


def bump(sign):
    return lambda x: 1 - jnp.exp(-jnp.sum((x - sign * jnp.sqrt(0.5)) ** 2))


FONSECA = st.Balance({"left": bump(-1.0), "right": bump(1.0)})
"""A front that is not convex: its ends are all that weighted sums find from afar."""


def fonseca_front(left):
    """The second objective on the front, from the first."""
    return 1 - np.exp(-((2 - np.sqrt(-np.log1p(-left))) ** 2))


@pytest.mark.parametrize("predictor", ["tangent", "secant", "none"])
def test_weighted_sums_give_the_closed_form(predictor):
    weights = simplex_lattice(2, 8)
    front = pareto_front(QUADRATICS, jnp.zeros(3), weights, predictor=predictor, certificates=True)
    np.testing.assert_allclose(front.points, minimiser(weights), atol=1e-6)
    np.testing.assert_allclose(front.values["a"], 2 * np.sum((front.points - A) ** 2, axis=1))
    assert front.converged.all() and front.nondominated.all()
    assert all(certificate.passed for certificate in front.certificates)
    assert len(front) == 9 and "9 converged; 9 nondominated" in repr(front)
    np.testing.assert_array_equal(front.weights, weights)


def test_columns_are_in_the_order_of_the_problem():
    turned = st.Balance({"b": near_b, "a": near_a}, data=jnp.array(2.0))
    weights = simplex_lattice(2, 4)
    for warm_start in (True, False):
        front = pareto_front(turned, jnp.zeros(3), weights, warm_start=warm_start)
        np.testing.assert_allclose(front.points, minimiser(weights[:, ::-1]), atol=1e-6)
        np.testing.assert_allclose(front.table[0], [0.0, near_a(B, 2.0)], atol=1e-10)
    front = pareto_front(turned, jnp.zeros(3), reference_points=[[-1.0, -2.0]])
    away = front.table[0] - [-1.0, -2.0]
    np.testing.assert_allclose(front.weights[0], away / away.sum())


def test_a_batch_from_the_start_finds_the_same():
    weights = simplex_lattice(2, 4)
    front = pareto_front(QUADRATICS, jnp.zeros(3), weights, warm_start=False)
    np.testing.assert_allclose(front.points, minimiser(weights), atol=1e-6)


@pytest.mark.parametrize("setting", ["one by one", "too few steps in compiled code"])
def test_solves_in_compiled_code_and_by_the_host_agree(monkeypatch, setting):
    limits = {"one by one": (0, 500), "too few steps in compiled code": (1000, 1)}[setting]
    weights = simplex_lattice(2, 4)
    monkeypatch.setattr("stationary.pareto._walk.LARGEST", limits[0])
    monkeypatch.setattr("stationary.pareto._sweep.STEPS", limits[1])
    front = pareto_front(QUADRATICS, jnp.full(3, 5.0), weights)
    assert front.converged.all() and front.steps.min() > 0
    np.testing.assert_allclose(front.points, minimiser(weights), atol=1e-6)
    np.testing.assert_allclose(front.values["a"], 2 * np.sum((front.points - A) ** 2, axis=1))


def test_weights_by_name_are_in_any_order():
    column = np.array([0.25, 0.5])
    front = pareto_front(QUADRATICS, jnp.zeros(3), {"b": column, "a": 1 - column})
    np.testing.assert_allclose(
        front.points, minimiser(np.stack([1 - column, column], 1)), atol=1e-6
    )


def test_one_compiled_program_serves_all_weights():
    scalarized = weighted_sum(QUADRATICS, [0.3, 0.7])
    st.solve(scalarized, jnp.zeros(3))
    data = weighted_sum(QUADRATICS, [0.6, 0.4]).data
    again = st.solve(scalarized, jnp.zeros(3), data=data)
    assert again.stats.traces == 0
    np.testing.assert_allclose(again.value, minimiser([[0.6, 0.4]])[0], atol=1e-6)


def test_a_tangent_saves_steps():
    def front(predictor, warm_start=True):
        problem = st.Balance(
            {
                "a": lambda x: jnp.sum(jnp.cosh(x - A)),
                "b": lambda x: jnp.sum(CURVATURE * (x - B) ** 4 + (x - B) ** 2),
            }
        )
        method = st.methods.AugmentedLagrangian()
        return pareto_front(
            problem, 3 * jnp.ones(3), simplex_lattice(2, 20), method=method, predictor=predictor
        )

    assert front("tangent").steps.sum() < front("none").steps.sum()


def test_constraints_and_set_hold_along_the_front():
    problem = st.Balance(
        {"a": near_a, "b": near_b},
        {"sum": st.at_most(lambda x, data: jnp.sum(x) * data, 1.0)},
        over=st.Box(-0.8, 0.9),
        data=jnp.array(2.0),
    )
    front = pareto_front(problem, jnp.zeros(3), simplex_lattice(2, 4), certificates=True)
    assert front.points.min() >= -0.8 - 1e-9 and front.points.max() <= 0.9 + 1e-9
    assert np.all(2 * front.points.sum(axis=1) <= 1 + 1e-6)
    assert front.duals["sum"].shape == (5,) and front.duals["sum"].max() > 0.1
    assert all(certificate.passed for certificate in front.certificates)


def test_reference_points_reach_a_front_that_is_not_convex():
    targets = np.stack([np.linspace(-0.1, 0.7, 5), np.linspace(0.7, -0.1, 5)], axis=1)
    front = pareto_front(FONSECA, jnp.array([0.1, 0.0]), reference_points=targets)
    assert front.converged.all() and front.nondominated.all() and not front.notices
    np.testing.assert_allclose(
        front.values["right"], fonseca_front(front.values["left"]), atol=1e-9
    )
    # The weights there make the objectives' gradients cancel.
    slopes = np.gradient(fonseca_front(x := np.linspace(0.01, 0.97, 2001)), x)
    expected = np.interp(front.values["left"], x, -slopes)
    np.testing.assert_allclose(front.weights[:, 0] / front.weights[:, 1], expected, rtol=1e-3)


def test_a_target_moves_along_the_whole_front():
    front = pareto_front(FONSECA, jnp.array([0.3, 0.1]), spacing=0.1)
    left = front.values["left"]
    np.testing.assert_allclose(front.values["right"], fonseca_front(left), atol=1e-6)
    assert np.all(np.diff(left) > 0)
    unit = np.ptp(front.table, axis=0)
    gaps = np.linalg.norm(np.diff(front.table / unit, axis=0), axis=1)
    assert gaps.max() < 0.15 and len(front) > 12
    assert np.isnan(front.reference_points[[0, -1]]).all()


def test_a_target_that_can_be_reached_is_told():
    front = pareto_front(QUADRATICS, jnp.zeros(3), reference_points=[[50.0, 60.0]])
    assert "reference point is not below the front" in front.notices[0]


def test_scaled_distances_are_distances_of_scaled_objectives():
    scale = np.array([4.0, 0.5])
    scaled = st.Balance(
        {"a": lambda x: near_a(x, 2.0) / scale[0], "b": lambda x: near_b(x) / scale[1]}
    )
    target = np.array([[-1.0, -2.0]])
    one = pareto_front(QUADRATICS, jnp.zeros(3), reference_points=target, scale=scale)
    two = pareto_front(scaled, jnp.zeros(3), reference_points=target / scale)
    np.testing.assert_allclose(one.points, two.points, atol=1e-5)


def test_objectives_that_do_not_compete_are_one_point():
    problem = st.Balance({"a": lambda x: x**2, "b": lambda x: 3 * x**2})
    front = pareto_front(problem, jnp.array(2.0), spacing=0.1)
    assert len(front) == 1 and "no objective costs another" in front.notices[0]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"weights": [[1.2, -0.2]]}, "not negative; row 0 is \\[1.2, -0.2\\]"),
        ({"weights": [[0.5, 0.5], [0.5, 0.6]]}, "sum to one; row 1 .* sums to 1.1"),
        ({"weights": [[0.5, np.nan]]}, "must be finite"),
        ({"weights": [0.5, 0.5]}, "shape \\(points, 2\\), a column for each of \\['a', 'b'\\]"),
        ({"weights": {"a": [1.0], "c": [0.0]}}, "for \\['a', 'c'\\], but .* \\['a', 'b'\\]"),
        ({"weights": {"a": [1.0], "b": [0.0, 1.0]}}, "differ in length"),
        ({"reference_points": [[0.0, 0.0, 0.0]]}, "reference_points must have shape"),
        ({"reference_points": [[0.0, np.inf]]}, "reference_points must be finite; row 0"),
        ({}, "needs one of weights, reference_points, spacing; got none"),
        ({"weights": [[1.0, 0.0]], "spacing": 0.1}, "got weights and spacing"),
        ({"spacing": 0.7}, "spacing must lie in \\(0, 0.5\\], got 0.7"),
        ({"weights": [[1.0, 0.0]], "predictor": "euler"}, "predictor must be one of"),
        ({"reference_points": [[0.0, 0.0]], "scale": [1.0, 0.0]}, "scale must be positive"),
    ],
)
def test_bad_requests_are_named(request_, message):
    with pytest.raises(ValueError, match=message):
        pareto_front(QUADRATICS, jnp.zeros(3), **request_)


def test_bad_problems_are_named():
    with pytest.raises(
        TypeError, match="takes a Balance, several objectives by name; got Minimize"
    ):
        pareto_front(st.Minimize(near_b), jnp.zeros(3), [[1.0]])
    stream = st.Expectation(lambda x, row: (x - row) ** 2, st.Batches(np.ones(4), batch_size=2))
    with pytest.raises(TypeError, match="objective 'b' is an Expectation"):
        pareto_front(st.Balance({"a": lambda x: x**2, "b": stream}), jnp.array(0.0), [[1.0, 0.0]])
    broken = st.Balance({"a": near_b, "b": lambda x: jnp.log(-1 - jnp.sum(x**2))})
    with pytest.raises(ValueError, match="objective 'b' is .*nan"):
        pareto_front(broken, jnp.zeros(3), [[0.5, 0.5]])
    three = st.Balance({"a": near_b, "b": near_b, "c": near_b})
    with pytest.raises(ValueError, match="spacing is for two objectives, not 3"):
        pareto_front(three, jnp.zeros(3), spacing=0.1)
    with pytest.raises(ValueError, match="need 2 numbers, got shape \\(3,\\)"):
        reference_distance(QUADRATICS, np.zeros(3))
