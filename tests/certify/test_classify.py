"""Local minimax points: verdicts, eigenvalues and stable steps, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.certify import MinimaxVerdict, StepInterval
from stationary.certify._steps import stable_steps

ZERO = (np.array(0.0), np.array(0.0))


def game(a, b, c):
    """The quadratic saddle with Hessian [[a, c], [c', b]]."""
    return st.Saddle(
        lambda x, y, d: x @ d[0] @ x / 2 + x @ d[2] @ y + y @ d[1] @ y / 2, data=(a, b, c)
    )


def origin(a, b):
    return np.zeros(len(a)), np.zeros(len(b))


def radius(jacobian, split, timescale, step, ahead=True):
    """The spectral radius of one step, by eigenvalues of the step's own matrix."""
    slow = np.r_[np.full(split, 1 / timescale), np.ones(len(jacobian) - split)]
    h = step * slow[:, None] * jacobian
    return max(abs(np.linalg.eigvals(np.eye(len(h)) - h + (h @ h if ahead else 0))))


def random_game(seed, rows=3, columns=4, kernel=2):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((rows, rows))
    a = (a + a.T) / 2
    turn, _ = np.linalg.qr(rng.standard_normal((columns, columns)))
    values = -np.r_[np.zeros(kernel), rng.uniform(0.5, 2.0, columns - kernel)]
    return a, turn * values @ turn.T, rng.standard_normal((rows, columns))


RADII = {
    0.4: (1.00179838, 1.00020486),
    0.6: (1.00329457, 0.99971634),
    0.9: (1.00628028, 0.99825964),
}


def test_a_degenerate_minimax_point_that_only_looking_ahead_finds():
    found = st.classify_stationary(st.Saddle(lambda x, y: -0.25 * x**2 + x * y), ZERO)
    assert found.verdict is MinimaxVerdict.CALM and found.kernel == 1
    assert found.minimizer.size == 0 and "punish every move" in found.reason
    for step, (plain, ahead) in RADII.items():
        values = found.eigenvalues(100.0)
        assert max(abs(1 - step * values)) == pytest.approx(plain, abs=1e-7)
        assert max(abs(1 - step * values + (step * values) ** 2)) == pytest.approx(ahead, abs=1e-7)
        assert (step in found.step_interval(100.0)) == (ahead < 1)
    assert found.step_interval(100.0, ahead=False).empty
    # The lower end is a / c^2 as the timescale grows.
    assert found.step_interval(1e8).low == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("value", [0.25, 3.0])
def test_the_lower_end_scales_with_curvature_over_coupling(value):
    found = st.classify_stationary(st.Saddle(lambda x, y: -value / 2 * x**2 + 3 * x * y), ZERO)
    assert found.step_interval(1e8).low == pytest.approx(value / 9, rel=1e-6)


def test_a_strict_non_minimax_point_repels_at_every_step():
    problem = st.Saddle(lambda x, y: -(x[0] ** 2) / 4 + x[1] * y)
    found = st.classify_stationary(problem, (np.zeros(2), np.array(0.0)))
    assert found.verdict is MinimaxVerdict.NOT
    np.testing.assert_allclose(found.minimizer, [-0.5])
    values = found.eigenvalues(100.0)
    for step, expected in ((0.1, 1.00050025), (0.6, 1.003009), (0.9, 1.00452025)):
        assert max(abs(1 - step * values + (step * values) ** 2)) == pytest.approx(expected)
    assert found.step_interval(100.0).empty


@pytest.mark.parametrize("seed", range(4))
def test_with_curvature_in_y_it_is_the_schur_complement(seed):
    a, b, c = random_game(seed, kernel=0)
    a = a + 2.0 * seed * np.eye(3)
    found = st.classify_stationary(game(a, b, c), origin(a, b))
    schur = np.linalg.eigvalsh(a - c @ np.linalg.inv(b) @ c.T)
    np.testing.assert_allclose(found.minimizer, schur, rtol=1e-10)
    assert found.verdict is (MinimaxVerdict.STRICT if schur[0] > 0 else MinimaxVerdict.NOT)
    np.testing.assert_allclose(found.maximizer, np.linalg.eigvalsh(b), rtol=1e-10)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rows, columns, kernel", [(3, 4, 2), (4, 2, 1), (2, 3, 2)])
def test_flat_directions_of_y_are_the_limit_of_slightly_curved_ones(seed, rows, columns, kernel):
    # Curve y by a little less and less: what stays finite of the Schur complement is the
    # restricted one.
    a, b, c = random_game(seed, rows, columns, kernel)
    found = st.classify_stationary(game(a, b, c), origin(a, b))
    values, vectors = np.linalg.eigh(b)
    small = 1e-6
    curved = (vectors * np.where(np.abs(values) < 1e-9, -small, values)) @ vectors.T
    schur = np.linalg.eigvalsh(a - c @ np.linalg.inv(curved) @ c.T)
    finite = schur[np.abs(schur) < 1e3]
    assert found.minimizer.size == finite.size == max(0, rows - kernel)
    np.testing.assert_allclose(found.minimizer, finite, rtol=1e-3, atol=1e-3)
    expected = MinimaxVerdict.CALM if np.all(finite > 0) else MinimaxVerdict.NOT
    assert found.verdict is expected and found.kernel == kernel


def test_a_maximum_that_is_none_is_said():
    found = st.classify_stationary(st.Saddle(lambda x, y: x**2 + y**2), ZERO)
    assert found.verdict is MinimaxVerdict.NOT and found.reason.startswith("y does better")


def test_flat_directions_of_x_are_undetermined():
    found = st.classify_stationary(st.Saddle(lambda x, y: x**4 - y**2), ZERO)
    assert found.verdict is MinimaxVerdict.UNDETERMINED and str(found).startswith("undetermined: 1")


def test_what_hangs_on_the_tolerance_is_undetermined():
    # With curvature -1e-5 in y the Schur complement is 1e5 - 1; without, there is one to fail.
    problem = st.Saddle(lambda x, y: -0.5 * x[0] ** 2 + x[0] * y * 1e-2 - 0.5e-5 * y**2)
    point = (np.zeros(1), np.array(0.0))
    clear = {r: st.classify_stationary(problem, point, rtol=r).verdict for r in (1e-7, 1e-2)}
    assert clear[1e-7] is MinimaxVerdict.STRICT
    hanging = st.classify_stationary(problem, point, rtol=5e-6)
    assert hanging.verdict is MinimaxVerdict.UNDETERMINED and "hangs on" in hanging.reason


def test_a_step_interval_holds_exactly_the_stable_steps():
    rng = np.random.default_rng(0)
    for ahead in (True, False):
        kept = 0
        for _ in range(400):
            parts = rng.standard_normal((2, 2)) * [[1.0], [0.3 if ahead else 1.0]]
            values = np.r_[parts[1] + 1j * parts[0], abs(rng.standard_normal())]
            interval = stable_steps(values, ahead=ahead)
            steps = np.geomspace(1e-4, 20, 300) / max(abs(values))
            z = steps[:, None] * values
            size = np.abs(1 - z + (z**2 if ahead else 0)).max(axis=1)
            stable = size < 1
            clear = np.abs(size - 1) > 1e-12
            inside = np.array([s in interval for s in steps])
            assert np.array_equal(stable[clear], inside[clear])
            kept += not interval.empty
        assert 40 < kept < 380


def test_an_interval_of_a_whole_game_is_that_of_its_spectral_radius():
    a, b, c = random_game(3, kernel=1)
    found = st.classify_stationary(game(a + 3 * np.eye(3), b, c), origin(a, b))
    interval = found.step_interval(50.0)
    assert found.verdict is MinimaxVerdict.CALM and not interval.empty
    ends = (interval.high,) if interval.low == 0 else (interval.low, interval.high)
    for end in ends:
        assert radius(found.jacobian, 3, 50.0, end) == pytest.approx(1.0, abs=1e-9)
    assert radius(found.jacobian, 3, 50.0, 0.5 * (interval.low + interval.high)) < 1


def test_an_empty_interval_says_so():
    assert stable_steps(np.array([0.0 + 0j, 1.0]), ahead=True).empty
    assert str(StepInterval(0.0, 0.0)) == "no step" and 0.0 not in StepInterval(0.0, 0.0)


def test_the_order_of_play_counts_in_the_certificate():
    problem = st.Saddle(lambda x, y: -0.5 * x**2 + 2 * x * y - y**2)
    found = st.certify(problem, ZERO)
    assert found.verdict is st.Verdict.LOCAL_MINIMAX and found.passed
    assert found.curvature["x"].sign == -1
    assert any("when x moves first" in note for note in found.notes)
    flat = st.certify(st.Saddle(lambda x, y: -0.25 * x**2 + x * y), ZERO)
    assert flat.verdict is st.Verdict.NOT_A_SADDLE
    assert any("calm local minimax" in note for note in flat.notes)
    other = st.certify(st.Saddle(lambda x, y: -(x**2) + x * y / 2 - y**2), ZERO)
    assert other.verdict is st.Verdict.NOT_A_SADDLE
    inside = st.Saddle(problem.objective, st.Box(-1.0, 1.0), st.Box(-1.0, 1.0))
    assert st.certify(inside, ZERO).verdict is st.Verdict.LOCAL_MINIMAX


def test_a_solution_is_classified_at_its_point():
    problem = st.Saddle(lambda x, y: -0.5 * (x - 1) ** 2 + 2 * (x - 1) * y - y**2)
    method = st.methods.ExtraGradient(0.4, timescale=10.0)
    solution = st.solve(problem, (jnp.array(0.5), jnp.array(0.5)), method, tol=1e-9)
    assert st.classify_stationary(solution).verdict is MinimaxVerdict.STRICT


def test_what_it_refuses():
    problem = st.Saddle(lambda x, y: x**2 - y**2)
    with pytest.raises(ValueError, match=r"is not stationary at tol 1e-06 \(stationarity"):
        st.classify_stationary(problem, (np.array(0.1), np.array(0.0)))
    with pytest.raises(ValueError, match="float32, so which curvatures are zero .* give rtol"):
        st.classify_stationary(problem, (np.float32(0.0), np.float32(0.0)))
    single = st.classify_stationary(problem, (np.float32(0.0), np.float32(0.0)), rtol=1e-3)
    assert single.verdict is MinimaxVerdict.STRICT
    noisy = st.Expectation(
        lambda z, s: z[0] ** 2 - z[1] ** 2 + 0 * s, st.Draws(jax.random.normal, 4)
    )
    with pytest.raises(ValueError, match="estimated from samples"):
        st.classify_stationary(st.Saddle(noisy), ZERO, tol=1e-2)
    estimated = st.classify_stationary(st.Saddle(noisy), ZERO, tol=1e-2, rtol=1e-2)
    assert estimated.verdict is MinimaxVerdict.STRICT
    with pytest.raises(ValueError, match="boundary of the box"):
        boxed = st.Saddle(lambda x, y: x**2 - y**2, st.Box(0.0, 1.0))
        st.classify_stationary(boxed, ZERO)
    with pytest.raises(ValueError, match="2002 unknowns"):
        large = st.Saddle(lambda x, y: x @ x - y @ y)
        st.classify_stationary(large, (np.zeros(1001), np.zeros(1001)))
    with pytest.raises(TypeError, match="is for a Saddle, got Minimize"):
        st.classify_stationary(st.Minimize(lambda x: x**2), np.array(0.0))
    with pytest.raises(TypeError, match="needs the pair"):
        st.classify_stationary(problem)
    with pytest.raises(ValueError, match="rtol must lie between"):
        st.classify_stationary(problem, ZERO, rtol=0.0)
    found = st.classify_stationary(problem, ZERO)
    for bad in (0.5, float("nan")):
        with pytest.raises(ValueError, match="timescale must be a finite number of at least 1"):
            found.step_interval(bad)
