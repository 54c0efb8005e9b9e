"""The paper's toy problem: merely convex below, with one constraint that both levels share."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.atlas import Table
from stationary.methods import BilevelDescent

METHOD = BilevelDescent(0.1, 0.1, projection_steps=20)
ANSWER = np.array([-0.3, 0.7, -0.4])
STEPS = 5000


def upper(x, y):
    return 0.5 * jnp.sum((x - y[1]) ** 2) + 0.5 * jnp.sum((y[0] - 1) ** 2)


def lower(x, y):
    return 0.5 * jnp.sum(y[0] ** 2) - jnp.vdot(x, y[0]) + jnp.sum(y[1])


def balance(x, y):
    """The sum of everything, scaled so that its slope does not grow with the size."""
    return (jnp.sum(x) + jnp.sum(y)) / x.size**0.5


def problem(penalty):
    below = st.Minimize(lower, {"balance": st.equal(balance)})
    return st.Nested(upper, below, st.ProximalLagrangian(penalty))


def start(size):
    """All ones, projected onto the constraint."""
    return jnp.zeros(size), jnp.zeros((2, size))


@eqx.filter_jit
def descend(penalty, size, steps, tol=1e-16):
    """x, y1 and y2 after some steps."""
    run = st.run(
        problem(penalty), start(size), METHOD, tol=tol, max_steps=steps, differentiable=False
    )
    x, y, *_ = run.point.primal
    return jnp.stack([x, *y])


def toy(found, _, laptop):
    """The toy problem by size."""
    sizes = (10, 100, 1000) if laptop else (10, 100)
    ends = {size: np.asarray(descend(None, size, STEPS)) for size in sizes}
    found.values["toy"] = max(float(np.max(np.abs(own.T - ANSWER))) for own in ends.values())
    first = ends[10][:, :1]
    found.values["size"] = max(float(np.max(np.abs(own - first))) for own in ends.values())
    found.tables["The toy problem after 5000 steps; the answer is -0.3, 0.7, -0.4"] = Table(
        ("n", "x", "y1", "y2"), tuple((size, *map(float, own[:, 0])) for size, own in ends.items())
    )


def penalty_path(found, *_):
    """Fixed points at fixed penalties, against their closed form."""
    costs = (1.0, 5.0, 20.0, 100.0)
    wrong, rows = [], []
    for c in costs:
        x = np.asarray(descend(jnp.asarray(c), 4, 20_000, 1e-13)[0])
        expected = -(3 * c + 6) / (10 * c + 12)
        wrong.append(float(np.max(np.abs(x - expected))))
        rows.append((c, float(x[0]), expected))
    found.values["penalty path"] = max(wrong)
    found.tables["Fixed points by penalty"] = Table(("penalty", "x", "closed form"), tuple(rows))


def residual(found, *_):
    """How fast the residual falls while the penalty grows."""
    power, size = 0.3, 10

    @eqx.filter_jit
    def residuals(pair):
        stated = problem(lambda k: 5 * (k + 1.0) ** power)
        system = stated.lower(pair)
        unknown = stated.embed(pair)
        begun = METHOD.init(system, st.Point(unknown, system.zero_duals(unknown)))

        def step(state, _):
            state, metrics = METHOD.step(system, state)
            return state, metrics.residual

        return jax.lax.scan(step, begun, None, length=STEPS)[1]

    least = np.minimum.accumulate(np.asarray(residuals(start(size))))
    k = np.arange(100, STEPS)
    found.values["residual"] = float(np.polyfit(np.log(k), np.log(least[k]), 1)[0])
    marks = np.unique(np.geomspace(1, STEPS - 1, 150).astype(int))
    found.figures["Least residual so far on the toy problem"] = plot.line(
        {
            "measured": (marks, least[marks]),
            "the theory's bound, through step 100": (
                marks[marks >= 100],
                least[100] * (marks[marks >= 100] / 100) ** (-(1 - 2 * power) / 2),
            ),
        },
        title="Least residual so far",
        x_label="steps",
        y_label="residual",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )


def gap(found, seed, _):
    """The gap f - v at random feasible points; the saddle is a linear system here."""
    size, proximal, dual_proximal = 10, 1.0, 1.0
    rng = np.random.default_rng(seed)
    row = np.full(2 * size, size**-0.5)
    curve = np.diag(np.concatenate([np.ones(size), np.zeros(size)]))
    gaps = []
    for near in np.repeat([1.0, 0.1, 1e-2, 1e-3, 0.0], 40):
        # A lower answer and its multiplier, and feasible points at a distance.
        x, flat = rng.normal(size=size), rng.normal(size=size)
        y = np.concatenate([x + 1, flat]) + near * rng.normal(size=2 * size)
        y[size:] -= (x.sum() + y.sum()) / size
        z = -(size**0.5) + near * rng.normal()
        # Stationary in w and in the multiplier m: two blocks of linear equations.
        slope = np.concatenate([-x, np.ones(size)])
        matrix = np.block(
            [
                [curve + np.eye(2 * size) / proximal, row[:, None]],
                [row[None], np.full((1, 1), -1 / dual_proximal)],
            ]
        )
        shift = x.sum() * size**-0.5
        right = np.concatenate([y / proximal - slope, [-shift - z / dual_proximal]])
        w, m = np.split(np.linalg.solve(matrix, right), [2 * size])
        pulled = np.sum((w - y) ** 2) / (2 * proximal) - (m[0] - z) ** 2 / (2 * dual_proximal)
        value = float(lower(x, w.reshape(2, size))) + m[0] * (row @ w + shift) + pulled
        gaps.append(float(lower(x, y.reshape(2, size))) - value)
    found.values["gap"] = min(gaps)
    found.notes.append(
        f"Gap: the feasible points are around lower answers, at distances of the order of 1, 0.1, "
        f"0.01, 0.001 and 0; at the answers themselves it is {np.max(np.abs(gaps[160:])):.1g} at "
        f"most, and at the farthest ones {min(gaps[:40]):.2g} at least."
    )
