"""The experiments of paper 97: rotations, games, monotone operators in a box, and noise."""

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.atlas import Measured, Measurements, Table
from stationary.methods import (
    ExtraGradient,
    OptimisticGradient,
    PastExtraGradient,
    ReflectedGradient,
)

from ._gan import gan

SINGLE_CALL = {
    "past extragradient": PastExtraGradient,
    "reflected gradient": ReflectedGradient,
    "optimistic gradient": OptimisticGradient,
}


def measure(scale, seed, observe):
    """All claims; `laptop` differs from `smoke` in seeds and in the length of runs."""
    found = Measurements()
    key = jax.random.key(seed)
    laptop = scale == "laptop"
    for i, part in enumerate((identity, rotation, bound, ergodic, noise)):
        observe(part.__doc__)
        part(found, jax.random.fold_in(key, i), laptop)
    if laptop:
        observe(gan.__doc__)
        gan(found, jax.random.fold_in(key, 5))
    return found


def iterates(problem, x0, method, steps, read):
    """`read(state)` after each step, stacked."""
    system = problem.lower(x0)
    start = method.init(system, st.Point(x0, {}), problem.data)

    def step(state, _):
        state, _ = method.step(system, state, problem.data)
        return state, read(state)

    return jax.lax.scan(step, start, None, length=steps)[1]


def identity(found, key, _):
    """Without constraints the three are one; on simplices they are not."""

    @jax.jit
    def half_points(matrix, zero):
        problem = st.VariationalInequality(lambda x, d: d[0] @ (x - d[1]), data=(matrix, zero))
        step = 0.5 / jnp.linalg.norm(matrix, 2)
        return [
            iterates(problem, jnp.zeros(30), kind(step_size=step), 200, lambda s: s.half.primal)
            for kind in SINGLE_CALL.values()
        ]

    @jax.jit
    def plays(payoff):
        simplex = st.sets.Simplex()
        game = st.Saddle(lambda x, y, a: x @ a @ y, simplex, simplex, data=payoff)
        corner = jnp.eye(5)[0]
        step = 0.4 / jnp.linalg.norm(payoff, 2)
        return [
            jnp.hstack(
                iterates(game, (corner, corner), kind(step_size=step), 100, lambda s: s.half.primal)
            )
            for kind in SINGLE_CALL.values()
        ]

    same, different = [], []
    for own in jax.random.split(key, 5):
        one, two, three = jax.random.split(own, 3)
        same += _distances(half_points(_monotone(one, 30), jax.random.normal(two, (30,))))
        different += _distances(plays(jax.random.normal(three, (5, 5))))
    found.values["identity"] = max(same)
    found.values["difference"] = min(different)
    found.notes.append(
        "Identity and difference: five random instances each, and all three pairs of methods. The "
        "games start at a corner: from an interior start, past extragradient and the optimistic "
        "gradient agree on a simplex too, until a projection first cuts off a coordinate."
    )


def rotation(found, key, _):
    """Contraction on f(x, y) = xy, against the roots of the linear recursion."""
    game = st.Saddle(lambda x, y: x * y)
    start = (jnp.array(1.0), jnp.array(1.0))

    def sizes(kind, step, steps=1000):
        def read(state):
            return jnp.hypot(*state.base.primal)

        run = jax.jit(lambda c: iterates(game, start, kind(step_size=c), steps, read))
        return np.asarray(run(step))

    methods = {"extragradient": ExtraGradient, **SINGLE_CALL}
    calls = {}
    for name, kind in methods.items():
        reached = int(np.argmax(sizes(kind, 0.45) < 1e-10)) + 1
        calls[name] = reached * kind.calls
    found.values["calls"] = calls["extragradient"] / calls["past extragradient"]
    found.values["last iterate"] = float(sizes(PastExtraGradient, 0.3)[-1])

    found.notes.append(
        "At step 0.5 the recursion of past extragradient has a double root, which measured rates "
        "approach slowly."
    )
    steps = (0.1, 0.3, 0.45, 0.5, 0.55)
    rows = []
    for c in steps:
        two, one = sizes(ExtraGradient, c), sizes(PastExtraGradient, c)
        rows.append((c, _rate(two), abs(1 - 1j * c - c * c), _rate(one), _radius(c)))
    columns = (
        "step",
        "extragradient, measured",
        "its eigenvalue",
        "past extragradient, measured",
        "its largest root",
    )
    found.tables["Contraction per step on f(x, y) = xy"] = Table(columns, tuple(rows))
    found.figures["Distance to the saddle of f(x, y) = xy at step 0.45, by operator calls"] = (
        plot.line(
            {
                name: (kind.calls * np.arange(1, 301), sizes(kind, 0.45)[:300])
                for name, kind in methods.items()
                if name in ("extragradient", "past extragradient")
            },
            title="Distance to the saddle by operator calls",
            x_label="operator calls",
            y_label="distance",
            y_scale="log",
            standalone=True,
        )
    )


def bound(found, key, laptop):
    """The ergodic bound on random monotone operators in a box."""
    steps, dim, operators = (1000, 6, 20) if laptop else (300, 6, 3)
    marks = np.unique(np.geomspace(1, steps, 25 if laptop else 10).astype(int))
    box = st.sets.Box(-1.0, 1.0)

    @jax.jit
    def worst(key):
        one, two, three = jax.random.split(key, 3)
        matrix = _monotone(one, dim) + 0.5 * _semidefinite(two, dim)
        offset = jax.random.normal(three, (dim,))
        problem = st.VariationalInequality(lambda x, d: d[0] @ x + d[1], box, data=(matrix, offset))
        x0 = jnp.zeros(dim)
        beta = jnp.linalg.norm(matrix, 2)
        ratios = []
        for kind, fraction in zip(SINGLE_CALL.values(), (0.49, 0.41, 0.49), strict=True):
            method = kind(step_size=fraction / beta, average=True)
            means = iterates(problem, x0, method, steps, lambda s: s.mean.primal)[marks - 1]
            errors = jax.vmap(lambda z: _restricted_gap(z, matrix, offset, box))(means)
            # The box lies within R = sqrt(dim) of X_1 = 0, and V_1/2 = V(X_1): X_1/2 = X_1.
            ratios.append(errors * 2 * (fraction / beta) * marks / dim)
        return jnp.stack(ratios)

    ratios = np.stack([worst(own) for own in jax.random.split(key, operators)])
    found.values["bound"] = float(ratios[:, 0].max())
    found.tables["Err_R over (R^2 + |X_1 - X_1/2|^2) / (2 g N), largest of all runs"] = Table(
        ("method", "step times beta", "ratio"),
        tuple(
            (name, fraction, float(ratios[:, i].max()))
            for i, (name, fraction) in enumerate(zip(SINGLE_CALL, (0.49, 0.41, 0.49), strict=True))
        ),
    )
    found.figures["Err_R over its bound, largest over the operators"] = plot.line(
        {name: (marks, ratios[:, i].max(axis=0)) for i, name in enumerate(SINGLE_CALL)},
        title="Error of the average over its bound",
        x_label="steps N",
        y_label="error / bound",
        x_scale="log",
        standalone=True,
    )


def ergodic(found, key, laptop):
    """The rate of the average on random matrix games."""
    steps, games = (10_000, 20) if laptop else (3000, 8)
    size = 10
    simplex = st.sets.Simplex()

    @jax.jit
    @jax.vmap
    def gaps(payoff):
        game = st.Saddle(lambda x, y, a: x @ a @ y, simplex, simplex, data=payoff)
        even = jnp.full(size, 1 / size)
        step = 0.49 / jnp.linalg.norm(payoff, 2)

        def both(state):
            return [
                jnp.max(payoff.T @ x) - jnp.min(payoff @ y)
                for x, y in (state.mean.primal, state.half.primal)
            ]

        method = PastExtraGradient(step_size=step, average=True)
        return iterates(game, (even, even), method, steps, both)

    average, last = map(np.asarray, gaps(jax.random.normal(key, (games, size, size))))
    marks = np.geomspace(100, steps, 40).astype(int)
    slopes = [np.polyfit(np.log(marks), np.log(row[marks - 1]), 1)[0] for row in average]
    found.values["ergodic rate"] = Measured.over(slopes)
    found.figures["Duality gap on random 10 x 10 matrix games, median"] = plot.line(
        {
            "average": (marks, np.median(average[:, marks - 1], axis=0)),
            "last half-point": (marks, np.median(last[:, marks - 1], axis=0)),
        },
        title="Duality gap of the average and of the last half-point",
        x_label="steps N",
        y_label="duality gap",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )


def noise(found, key, laptop):
    """Mean square distance under noise, at steps 2 / (t + 80)."""
    steps, seeds = (100_000, 5) if laptop else (5000, 2)
    turn = float(np.sqrt(99.0))  # with strong monotonicity 1, a Lipschitz constant of 10

    shape = (seeds, 256, 2)

    def sampled(x, noise):
        one, two = x[..., 0], x[..., 1]
        return jnp.stack([one + turn * two, two - turn * one], axis=-1) + noise

    def draw(key):
        return jax.random.normal(key, shape) / jnp.sqrt(2.0)  # E|noise|^2 = 1

    def mean_square(state):
        return jnp.mean(jnp.sum(state.base.primal**2, axis=-1), axis=-1)

    # All runs are rows of one unknown: neither the operator nor the method mixes them.
    stream = st.Draws(draw, batch_size=1, seed=int(jax.random.randint(key, (), 0, 2**31 - 1)))
    problem = st.VariationalInequality(st.Expectation(sampled, stream))
    method = PastExtraGradient(step_size=lambda t: 2.0 / (t + 80.0))
    run = jax.jit(lambda: iterates(problem, jnp.ones(shape), method, steps, mean_square))
    curves = np.asarray(run()).T
    if laptop:
        marks = np.geomspace(1000, steps, 60).astype(int)
        slopes = [np.polyfit(np.log(marks), np.log(row[marks - 1]), 1)[0] for row in curves]
        found.values["noise rate"] = Measured.over(slopes)
    found.values["noise constant"] = Measured.over(steps * curves[:, -1])
    shown = np.unique(np.geomspace(1, steps, 120).astype(int))
    found.figures["Mean square distance to the answer under noise, 256 runs per seed"] = plot.line(
        {
            "measured": (shown, np.mean(curves, axis=0)[shown - 1]),
            "24 / t": (shown, 24 / shown),
        },
        title="Mean square distance under noise",
        x_label="steps t",
        y_label="E|X - x*|^2",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )


def _monotone(key, dim):
    matrix = jax.random.normal(key, (dim, dim)) / dim**0.5
    return matrix - matrix.T


def _semidefinite(key, dim):
    half = jax.random.normal(key, (dim, dim // 2)) / dim**0.5
    return half @ half.T


def _restricted_gap(z, matrix, offset, box):
    """max over x in the box of <V(x), z - x>, a concave program for monotone affine V."""
    problem = st.Maximize(
        lambda x, d: (d[0] @ x + d[1]) @ (d[2] - x), over=box, data=(matrix, offset, z)
    )
    best = st.run(problem, z, st.methods.AugmentedLagrangian(), tol=1e-9, differentiable=False)
    x = best.point.primal
    return (matrix @ x + offset) @ (z - x)


def _distances(runs):
    """The largest entry of the difference, per pair."""
    pairs = ((0, 1), (0, 2), (1, 2))
    return [float(jnp.max(jnp.abs(runs[i] - runs[j]))) for i, j in pairs]


def _rate(sizes):
    """Contraction per step where the transient is over and roundoff not yet there."""
    last = min(len(sizes), int(np.argmax(sizes < 1e-200)) or len(sizes)) - 1
    middle = last // 2
    return float((sizes[last] / sizes[middle]) ** (1 / (last - middle)))


def _radius(c):
    return float(max(abs(np.roots([1, -(1 - 2j * c), -1j * c]))))
