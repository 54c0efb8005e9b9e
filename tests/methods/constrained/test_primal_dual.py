"""Descent-ascent on multipliers: KKT points, linear theory, cones, noise and failure."""

import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st
from stationary import Status
from stationary.methods import GradientAscent, NuPI, PrimalDual, mdmm
from stationary.sets import Box, PositiveSemidefinite, SecondOrder


def budget(**options):
    """The projection of (2, 0, 1) onto sum <= 1: (1.333, -0.667, 0.333), multiplier 4/3."""
    return st.Minimize(
        lambda x: jnp.sum((x - jnp.array([2.0, 0.0, 1.0])) ** 2),
        subject_to={"sum": st.at_most(jnp.sum, 1.0)},
        **options,
    )


@pytest.mark.parametrize(
    "method",
    [
        PrimalDual(0.1, 0.1),
        PrimalDual(0.1, 0.1, order="simultaneous"),
        mdmm(0.1),
        PrimalDual(optax.adam(0.01), 0.1, damping=1.0),
        PrimalDual(0.1, NuPI(0.1, proportional=0.5)),
        PrimalDual(0.1, NuPI(0.1, proportional=0.5, smoothing=0.5)),
        PrimalDual(0.1, GradientAscent({"sum": lambda count: 0.5 / (1 + count) ** 0.5})),
    ],
    ids=["alternating", "simultaneous", "mdmm", "adam", "nuPI", "smooth nuPI", "schedule"],
)
def test_every_form_reaches_the_analytic_kkt_point(method):
    outcome = st.run(budget(), jnp.zeros(3), method, tol=1e-8, differentiable=False)
    assert outcome.status == Status.CONVERGED
    np.testing.assert_allclose(outcome.point.primal, [4 / 3, -2 / 3, 1 / 3], atol=1e-7)
    np.testing.assert_allclose(outcome.point.duals["sum"], 4 / 3, atol=1e-7)


def rotation(steps, **options):
    """x and its multiplier over time for a curvature of +1 or -1 under x = 1, by forward Euler."""
    sign, damping = options["sign"], options["damping"]
    problem = st.Minimize(lambda x: sign * x**2 / 2, subject_to={"one": st.equal(lambda x: x, 1.0)})
    system = problem.lower(jnp.zeros(()))
    method = mdmm(1e-3, damping=damping)
    state = method.init(system, st.Point(jnp.zeros(()), {"one": jnp.zeros(())}))

    def step(state, _):
        state, _ = method.step(system, state)
        return state, state.primal

    return jax.jit(lambda s: jax.lax.scan(step, s, None, length=steps)[1])(state)


@pytest.mark.parametrize("damping", [0.0, 0.5, 0.9, 1.1, 2.0])
def test_a_convex_problem_overshoots_exactly_below_damping_one(damping):
    overshoot = float(jnp.max(rotation(20_000, sign=1.0, damping=damping))) - 1
    # The closed form of the peak of a damped oscillation, for the roots of s^2 + (1 + c) s + 1.
    rate, frequency = (1 + damping) / 2, np.sqrt(complex(1 - ((1 + damping) / 2) ** 2))
    if damping < 1:
        t = np.linspace(0, 20, 20_001)
        w = frequency.real
        exact = -np.exp(-rate * t) * (np.cos(w * t) + (rate - damping) / w * np.sin(w * t))
        np.testing.assert_allclose(overshoot, exact.max(), atol=2e-3)
        assert overshoot > 1e-4
    else:
        assert overshoot < 1e-6


@pytest.mark.parametrize("damping", [0.5, 1.0, 1.2, 3.0])
def test_a_concave_problem_converges_exactly_above_damping_one(damping):
    distance = jnp.abs(rotation(40_000, sign=-1.0, damping=damping) - 1)
    early, late = float(jnp.max(distance[5_000:20_000])), float(jnp.max(distance[25_000:]))
    assert (late < early) == (damping > 1)
    # At the border the flow neither grows nor shrinks; Euler's method adds its own growth.
    growth = np.log(late / early)
    slowest = np.max(np.roots([1, damping - 1, 1]).real)
    if damping not in (1.0, 3.0):
        np.testing.assert_allclose(growth / 20, slowest, atol=0.03)


def test_mdmm_is_a_step_of_the_written_equations():
    problem = st.Minimize(
        lambda x: jnp.sum(jnp.cos(x)),
        subject_to={"ball": st.at_most(lambda x: x @ x, 0.5), "plane": st.equal(lambda x: x[0])},
    )
    x = jnp.array([0.6, -0.9])
    duals = {"ball": jnp.array(0.3), "plane": jnp.array(-0.2)}
    method, system = mdmm(0.01, 0.02, damping=3.0), problem.lower(x)
    state, _ = method.step(system, method.init(system, st.Point(x, duals)))
    g = {"ball": x @ x - 0.5, "plane": x[0]}
    felt = {"ball": jnp.maximum(0.3 + 3 * g["ball"], 0), "plane": -0.2 + 3 * g["plane"]}
    slope = -jnp.sin(x) + felt["ball"] * 2 * x + felt["plane"] * jnp.array([1.0, 0.0])
    np.testing.assert_allclose(state.primal, x - 0.01 * slope, rtol=1e-12)
    np.testing.assert_allclose(state.duals["ball"], 0.3 + 0.02 * g["ball"], rtol=1e-12)
    np.testing.assert_allclose(state.duals["plane"], -0.2 + 0.02 * g["plane"], rtol=1e-12)


def test_alternating_uses_the_new_points_constraints():
    problem = budget()
    x, duals = jnp.array([1.0, 2.0, 0.5]), {"sum": jnp.array(0.5)}
    system = problem.lower(x)
    state = {}
    for order in ("simultaneous", "alternating"):
        method = PrimalDual(0.1, 0.1, order=order)
        state[order], _ = method.step(system, method.init(system, st.Point(x, duals)))
    new = x - 0.1 * (2 * (x - jnp.array([2.0, 0.0, 1.0])) + 0.5)
    for order, seen in (("simultaneous", x), ("alternating", new)):
        np.testing.assert_allclose(state[order].primal, new, rtol=1e-12)
        expected = 0.5 + 0.1 * (seen.sum() - 1)
        np.testing.assert_allclose(state[order].duals["sum"], expected, rtol=1e-12)


def test_multipliers_of_inequalities_never_turn_negative_on_the_way():
    problem = st.Minimize(
        lambda x: jnp.sum(jnp.sin(3 * x)),
        subject_to={"low": st.at_most(lambda x: x, 0.5), "high": st.at_most(lambda x: -x, 0.2)},
    )
    system = problem.lower(jnp.zeros(4))
    point = st.Point(jnp.linspace(-2, 2, 4), system.zero_duals(jnp.zeros(4)))

    def smallest(method):
        def step(state, _):
            state, _ = method.step(system, state)
            both = jax.tree.leaves((state.duals, state.estimate))
            return state, jnp.min(jnp.stack([d.min() for d in both]))

        return jax.lax.scan(step, method.init(system, point), None, length=300)[1].min()

    methods = (
        PrimalDual(0.05, 0.5),
        mdmm(0.05, 0.3, damping=2.0),
        PrimalDual(0.05, NuPI(0.3, proportional=1.0)),
    )
    values = jax.jit(lambda: jnp.stack([smallest(method) for method in methods]))()
    assert np.all(np.asarray(values) == 0)


def test_a_quadratic_programme_agrees_with_cvxpy():
    rng = np.random.default_rng(0)
    root, linear = rng.normal(size=(6, 6)), rng.normal(size=6)
    matrix, bound = rng.normal(size=(3, 6)), rng.normal(size=3)
    row = rng.normal(size=6)
    x = cp.Variable(6)
    limits, plane = matrix @ x <= bound, row @ x == 1
    cp.Problem(cp.Minimize(cp.sum_squares(root @ x) + linear @ x), [limits, plane]).solve()

    problem = st.Minimize(
        lambda x: jnp.sum((root @ x) ** 2) + linear @ x,
        subject_to={
            "limits": st.at_most(lambda x: matrix @ x, bound),
            "plane": st.equal(lambda x: row @ x, 1.0),
        },
    )
    method = PrimalDual(0.01, 0.5, damping=5.0)
    outcome = st.run(problem, jnp.zeros(6), method, max_steps=60_000, differentiable=False)
    assert outcome.status == Status.CONVERGED
    np.testing.assert_allclose(outcome.point.primal, x.value, atol=1e-4)
    np.testing.assert_allclose(outcome.point.duals["limits"], limits.dual_value, atol=1e-3)
    np.testing.assert_allclose(outcome.point.duals["plane"], plane.dual_value, atol=1e-3)


def test_cone_constraints_keep_their_multipliers_in_the_polar_cone():
    target = jnp.array([[1.0, 2.0], [2.0, -1.0]])
    problem = st.Minimize(
        lambda x: jnp.sum((x["m"] - target) ** 2) + jnp.sum((x["v"] - jnp.array([0.0, 3, 4])) ** 2),
        subject_to={
            "definite": st.in_cone(lambda x: x["m"], PositiveSemidefinite()),
            "lorentz": st.in_cone(lambda x: x["v"], SecondOrder()),
        },
    )
    start = {"m": jnp.zeros((2, 2)), "v": jnp.zeros(3)}
    point = st.run(problem, start, mdmm(0.1, 0.5), tol=1e-7, differentiable=False).point
    values, vectors = np.linalg.eigh(target)
    nearest = vectors @ np.diag(np.maximum(values, 0)) @ vectors.T
    np.testing.assert_allclose(point.primal["m"], nearest, atol=1e-6)
    np.testing.assert_allclose(point.primal["v"], [2.5, 1.5, 2.0], atol=1e-6)
    assert float(jnp.linalg.eigvalsh(point.duals["definite"]).max()) < 1e-6
    np.testing.assert_allclose(point.duals["lorentz"], [-5.0, 3.0, 4.0], atol=1e-5)


def test_the_unknown_follows_the_surrogate_and_the_multiplier_the_truth():
    # The truth is a step: no gradient. Its sigmoid pulls x down until the step itself is satisfied.
    problem = st.Minimize(
        lambda x: (x - 2) ** 2,
        subject_to={
            "step": st.at_most(
                lambda x: jnp.where(x > 1, 1.0, -1e-3), surrogate=lambda x: jax.nn.sigmoid(x - 1)
            )
        },
    )
    method = PrimalDual(0.05, 0.05)
    point = st.run(problem, jnp.array(2.0), method, max_steps=2000, differentiable=False).point
    assert abs(float(point.primal) - 1) < 0.1
    # 2 (1 - 2) + dual / 4 = 0 at x = 1
    assert abs(float(point.duals["step"]) - 8) < 1


def test_mini_batches_with_smoothed_multipliers_reach_the_full_answer():
    rows = np.random.default_rng(1).normal(size=400) + 1.0
    stream = st.Batches(rows, batch_size=20)
    problem = st.Minimize(
        lambda x: x**2 / 2,
        subject_to={"mean": st.at_most(st.Expectation(lambda x, row: row - x, stream))},
    )
    method = PrimalDual(0.02, GradientAscent(0.02, smoothing=0.9), damping=0.5)
    point = st.run(problem, jnp.array(0.0), method, max_steps=3000, differentiable=False).point
    np.testing.assert_allclose(point.primal, rows.mean(), atol=0.1)


def test_nupi_without_proportional_gain_is_gradient_ascent_and_with_it_is_optimistic():
    duals, rate = {"g": jnp.array([0.3, -0.1])}, 0.2
    values = [{"g": jnp.array(v)} for v in ([1.0, 2.0], [-0.5, 0.1], [0.2, 0.4])]

    def follow(rule):
        memory, at, path = rule.init(duals), duals, []
        for value in values:
            at, memory = rule(memory, at, value)
            path.append(at["g"])
        return np.stack(path)

    plain = follow(GradientAscent(rate))
    np.testing.assert_allclose(follow(NuPI(rate, proportional=0.0)), plain, rtol=1e-15)
    v = np.stack([value["g"] for value in values])
    change = np.concatenate([[0 * v[0]], v[1:] - v[:-1]])
    optimistic = np.asarray(duals["g"]) + np.cumsum(rate * v + rate * change, axis=0)
    np.testing.assert_allclose(follow(NuPI(rate, proportional=rate)), optimistic, rtol=1e-12)
    # The published closed form: theta_0 + kappa_p (xi_t - xi_0) + kappa_i sum e.
    nu, average = 0.7, [v[0]]
    for error in v[1:]:
        average.append(nu * average[-1] + (1 - nu) * error)
    closed = np.asarray(duals["g"]) + 2.0 * (np.stack(average) - v[0]) + rate * np.cumsum(v, 0)
    rule = NuPI(rate, proportional=2.0, smoothing=nu)
    np.testing.assert_allclose(follow(rule), closed, rtol=1e-12)


def test_the_proportional_term_damps_the_oscillation_of_a_bilinear_game():
    problem = st.Minimize(lambda x: 0.0 * x, subject_to={"zero": st.equal(lambda x: x)})

    def final(dual):
        method = PrimalDual(0.1, dual, order="simultaneous")
        outcome = st.run(problem, jnp.array(1.0), method, max_steps=300, differentiable=False)
        return float(jnp.hypot(outcome.point.primal, outcome.point.duals["zero"]))

    assert final(NuPI(0.1, proportional=1.0)) < 1e-4 < 1 < final(0.1)


def test_contradictory_constraints_are_suspected_and_hard_feasible_ones_are_not():
    contradiction = st.Minimize(
        lambda x: (x - 3) ** 2,
        subject_to={"low": st.at_most(lambda x: x), "high": st.at_most(lambda x: 1 - x)},
    )
    method = PrimalDual(1e-3, 1.0, damping=1.0)
    run = jax.jit(lambda x: st.run(contradiction, x, method, max_steps=50_000).status)
    assert run(jnp.array(0.0)) == Status.INFEASIBLE
    # A multiplier of 200, approached slowly: growth alone must not raise the suspicion.
    steep = st.Minimize(
        lambda x: 100 * (x - 1) ** 2, subject_to={"low": st.at_most(lambda x: x, 0.0)}
    )
    outcome = st.run(steep, jnp.array(1.0), PrimalDual(1e-3, 0.05), max_steps=200_000)
    assert outcome.status == Status.CONVERGED
    np.testing.assert_allclose(outcome.point.duals["low"], 200.0, rtol=1e-4)


def test_too_long_a_step_is_reported_as_divergence():
    outcome = st.run(budget(), jnp.zeros(3), PrimalDual(3.0, 0.1))
    assert outcome.status in (Status.DIVERGED, Status.NONFINITE)


def test_lanes_of_vmap_are_single_solves_and_rates_are_data():
    def answer(rate, target):
        problem = st.Minimize(
            lambda x: jnp.sum((x - target) ** 2),
            subject_to={"sum": st.at_most(jnp.sum, 1.0)},
            over=Box(-1, 1),
        )
        method = PrimalDual(rate, rate, damping=0.5)
        return st.run(problem, jnp.zeros(2), method, max_steps=40).point

    rates, targets = jnp.array([0.05, 0.1]), jnp.array([[2.0, 0.0], [0.5, 3.0]])
    together = jax.jit(jax.vmap(answer))(rates, targets)
    one = jax.jit(answer)
    for i in range(2):
        alone = one(rates[i], targets[i])
        np.testing.assert_allclose(together.primal[i], alone.primal, atol=1e-12)
        np.testing.assert_allclose(together.duals["sum"][i], alone.duals["sum"], atol=1e-12)


def test_float32_keeps_its_dtype():
    start = jnp.zeros(3, jnp.float32)
    method = PrimalDual(optax.adam(0.02), NuPI(0.1), damping=1.0)
    outcome = st.run(budget(), start, method, tol=1e-3, differentiable=False)
    assert outcome.status == Status.CONVERGED
    assert {leaf.dtype for leaf in jax.tree.leaves(outcome.point)} == {jnp.dtype("float32")}
    np.testing.assert_allclose(outcome.point.duals["sum"], 4 / 3, atol=1e-2)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: PrimalDual(0.0), ValueError, "must be positive"),
        (lambda: PrimalDual("adam"), TypeError, "optax.adam"),
        (lambda: PrimalDual(0.1, -1.0), ValueError, "must be positive"),
        (lambda: PrimalDual(0.1, optax.adam(0.1)), TypeError, "whatever the violation"),
        (lambda: PrimalDual(0.1, 0.1, damping=-0.1), ValueError, "feeds the oscillation"),
        (lambda: PrimalDual(0.1, 0.1, order="both"), ValueError, "'simultaneous' or 'alternating'"),
        (lambda: mdmm(optax.adam(1e-3)), TypeError, "pass it"),
        (lambda: NuPI(0.1, proportional=-1.0), ValueError, "at least 0"),
        (lambda: NuPI(0.1, smoothing=1.0), ValueError, r"\[0, 1\)"),
        (lambda: GradientAscent(float("nan")), ValueError, "must be positive"),
        (
            lambda: st.run(budget(), jnp.zeros(3), PrimalDual(0.1, GradientAscent({"total": 0.1}))),
            ValueError,
            "the constraints are",
        ),
    ],
)
def test_bad_settings_are_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()
