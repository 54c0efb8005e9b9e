"""Model-predictive control: plans that keep clear, and their derivative in the weights."""

import jax
import numpy as np
import pytest

import stationary as st

HORIZON, TICKS = 8, 3
# Headed for the first pillar, near enough to have to give way within a short horizon.
NEAR = np.array([0.6, 0.3, 0.2, 1.0])


@pytest.fixture(scope="module")
def cost(example):
    """The closed loop's cost by the planner's weights, with its gradient: one program."""

    def of(weights):
        return example.closed_loop_cost(weights, TICKS, HORIZON, NEAR)

    return jax.jit(jax.value_and_grad(of, has_aux=True))


def test_states_are_those_of_small_steps(example):
    inputs = np.array([[0.5, 1.0], [-1.0, 0.3], [0.2, -2.0]])
    state = np.array(NEAR)
    for acceleration, turn in inputs:
        for _ in range(1000):
            h = example.STEP / 1000
            heading, speed = state[2:]
            slope = np.array([speed * np.cos(heading), speed * np.sin(heading), turn, acceleration])
            state = state + h * slope
    # The example's midpoint rule has an error of third order in its step.
    np.testing.assert_allclose(example.rollout(NEAR, inputs)[-1], state, atol=2e-3)


def test_a_tick_keeps_clear_and_pays_for_it(example):
    go = jax.jit(example.tick)
    _, inputs, duals, outcome = go(*example.start(HORIZON, NEAR), example.WEIGHTS)
    assert int(outcome.status) == st.Status.CONVERGED
    plan, now = outcome.point.primal, {"state": NEAR}
    assert np.max(example.intrusion(plan, now)) < 1e-6
    assert np.max(example.intrusion(np.zeros((HORIZON, 2)), now)) > 0  # straight on would not do
    assert np.max(np.abs(plan) - example.LIMITS) < 1e-6
    assert np.max(outcome.point.duals["pillars"]) > 1  # giving way costs
    np.testing.assert_array_equal(inputs, [*plan[1:], plan[-1]])
    np.testing.assert_array_equal(duals[:-1], outcome.point.duals["pillars"][1:])


def test_gradient_of_the_closed_loop_is_that_of_differences(example, cost):
    (_, statuses), gradient = cost(example.WEIGHTS)
    assert np.all(np.asarray(statuses) == st.Status.CONVERGED)
    assert abs(gradient["effort"]) > 1e-4
    h = 1e-4
    for name, weight in example.WEIGHTS.items():
        up, down = (cost({**example.WEIGHTS, name: weight + s * h})[0][0] for s in (1, -1))
        difference = float(up - down) / (2 * h)
        assert float(gradient[name]) == pytest.approx(difference, rel=1e-4, abs=1e-8)


def test_picture_is_drawn(example, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    path = tmp_path / "way.png"
    states = np.asarray(example.rollout(NEAR, np.zeros((4, 2))))
    example.draw(path, states, np.zeros((4, HORIZON, 2)))
    assert path.read_bytes()[:4] == b"\x89PNG"
