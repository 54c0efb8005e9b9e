"""Model-predictive control: a robot among pillars plans 50 steps ahead at every tick.

    stationary solve examples/mpc.py         # the first plan, with its certificate
    python examples/mpc.py                   # thirty ticks, their times, and mpc.png

At each tick the robot solves for the best inputs from where it is, applies the first one, and goes
on from the plan it had: the shifted inputs and the shifted multipliers start the next solve. A tick
is one compiled program. It is differentiable too: `closed_loop_cost` has a gradient in the weights
of the planner, through every solve on the way.
"""

import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st

HORIZON = 50
STEP = 0.1
"""Seconds between two inputs."""
LIMITS = np.array([2.0, 2.0])
"""Largest acceleration and rate of turn."""
PILLARS = np.array([[1.4, 0.5, 0.5], [2.6, 1.9, 0.6], [3.3, 0.3, 0.5]])
"""Centre and radius of each."""
GOAL = np.array([4.5, 1.5])
START = np.array([0.0, 0.0, 0.2, 0.5])
"""Position, heading and speed."""
WEIGHTS = {"away": np.array(1.0), "effort": np.array(0.1), "arrival": np.array(5.0)}
method = st.methods.InteriorPoint()


def rollout(state, inputs):
    """The states that a row of inputs leads to: a unicycle that accelerates and turns."""
    acceleration, turn = inputs.T
    speed = state[3] + STEP * jnp.cumsum(acceleration)
    heading = state[2] + STEP * jnp.cumsum(turn)
    # The midpoint rule: speed and heading halfway through each step.
    mean, middle = speed - 0.5 * STEP * acceleration, heading - 0.5 * STEP * turn
    moves = STEP * mean * jnp.stack([jnp.cos(middle), jnp.sin(middle)])
    return jnp.column_stack([*(state[:2, None] + jnp.cumsum(moves, axis=1)), heading, speed])


def drive(state, inputs):
    """The state after one step."""
    return rollout(state, inputs[None])[0]


def plan_cost(inputs, data):
    """What the planner minimises: distance, effort, and not having arrived at the end."""
    states, weights = rollout(data["state"], inputs), data["weights"]
    away = jnp.sum((states[:, :2] - GOAL) ** 2)
    last = jnp.sum((states[-1, :2] - GOAL) ** 2) + states[-1, 3] ** 2
    effort = jnp.sum(inputs**2)
    return STEP * (weights["away"] * away + weights["effort"] * effort) + weights["arrival"] * last


def intrusion(inputs, data):
    """How far inside each pillar the robot is at each step, in squared distance."""
    away = rollout(data["state"], inputs)[:, None, :2] - PILLARS[:, :2]
    return PILLARS[:, 2] ** 2 - jnp.sum(away**2, axis=-1)


data = {"state": START, "weights": WEIGHTS}
problem = st.Minimize(
    plan_cost,
    subject_to={"pillars": st.at_most(intrusion)},
    over=st.Box(-LIMITS, LIMITS),
    data=data,
)
x0 = np.zeros((HORIZON, 2))


def shifted(plan):
    """A plan a tick later: its last row stays on."""
    return jnp.concatenate([plan[1:], plan[-1:]])


def tick(state, inputs, duals, weights):
    """Solve for a plan from `state`, and take its first step.

    **Returns:** the next state, the plan and its multipliers shifted by a tick, and the outcome.
    """
    now = {"state": state, "weights": weights}
    outcome = st.run(problem, inputs, method, data=now, duals={"pillars": duals}, max_steps=200)
    plan = outcome.point.primal
    later = shifted(plan), shifted(outcome.point.duals["pillars"])
    return drive(state, plan[0]), *later, outcome


def start(horizon=HORIZON, state=START):
    """A robot that has made no plan yet."""
    return jnp.array(state), jnp.zeros((horizon, 2)), jnp.zeros((horizon, len(PILLARS)))


def closed_loop_cost(weights, ticks, horizon=HORIZON, state=START):
    """What driving by these weights costs: distance left and effort, tick by tick.

    Not what the planner minimises, which only weighs the one by the other: this is what its
    weights are to be tuned by.
    """

    def one(carry, _):
        state, inputs, duals, outcome = tick(*carry, weights)
        applied = outcome.point.primal[0]
        paid = jnp.sum((state[:2] - GOAL) ** 2) + 0.05 * jnp.sum(applied**2)
        return (state, inputs, duals), (STEP * paid, outcome.status)

    _, (paid, statuses) = jax.lax.scan(one, start(horizon, state), length=ticks)
    return jnp.sum(paid), statuses


def summary(solution):
    """Printed at the end of `stationary solve`."""
    states = np.asarray(rollout(START, solution.value))
    gaps = np.linalg.norm(states[:, None, :2] - PILLARS[:, :2], axis=-1) - PILLARS[:, 2]
    left = np.linalg.norm(states[-1, :2] - GOAL)
    return {
        "closest to a pillar": f"{round(gaps.min(), 6) + 0.0:.3f} m",
        "left to the goal": f"{left:.3f} m after {STEP * HORIZON:g} s",
    }


def run_ticks(ticks, horizon=HORIZON, warm=True):
    """Drive in closed loop, and look at the clock.

    **Returns:** the states, the plans, the seconds, steps and statuses of each tick.
    """
    go = jax.jit(partial(tick, weights=WEIGHTS))
    state, inputs, duals = start(horizon)
    jax.block_until_ready(go(state, inputs, duals))  # compiled before the clock runs
    rows = []
    for _ in range(ticks):
        given = (inputs, duals) if warm else start(horizon)[1:]
        since = time.perf_counter()
        state, inputs, duals, outcome = jax.block_until_ready(go(state, *given))
        took = time.perf_counter() - since
        rows.append((state, outcome.point.primal, took, outcome.steps, outcome.status))
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def draw(path, states, plans):
    """The way driven, every tenth plan, and the pillars."""
    from matplotlib import pyplot
    from matplotlib.patches import Circle

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    before = np.vstack([START, states])
    for state, plan in list(zip(before, plans, strict=False))[::10]:
        planned = np.asarray(rollout(state, plan))
        axes.plot(*planned[:, :2].T, ":", color="0.6", lw=1)
    axes.plot(*before[:, :2].T, ".-", color="#0068b0", label="driven")
    for x, y, radius in PILLARS:
        axes.add_patch(Circle((x, y), radius, color="#c9d2dc"))
    axes.plot(*GOAL, "*", ms=14, color="#a8320f", label="goal")
    axes.set(aspect="equal", xlabel="x in m", ylabel="y in m")
    axes.legend(loc="upper left")
    figure.savefig(path, dpi=150)


def main(path="mpc.png", ticks=30):
    """Thirty ticks in closed loop, cold and warm."""
    jax.config.update("jax_enable_x64", True)
    for warm in (False, True):
        states, plans, took, steps, statuses = run_ticks(ticks, warm=warm)
        ends = {st.Status(int(status)).word for status in statuses}
        print(
            f"{'warm' if warm else 'cold'}: {1 / np.median(took):.0f} ticks a second (median), "
            f"{np.median(steps):.0f} steps a tick, {', '.join(sorted(ends))}"
        )
    draw(path, states, plans)
    print(
        f"{np.linalg.norm(states[-1, :2] - GOAL):.2f} m from the goal after {ticks} ticks; {path}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:2])
