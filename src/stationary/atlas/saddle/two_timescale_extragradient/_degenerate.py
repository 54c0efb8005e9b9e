"""A local minimax point with no curvature in y, and a point that is none."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

import stationary as st
from stationary import plot
from stationary.atlas import Table
from stationary.methods import ExtraGradient, GradientDescentAscent

A, C, TIMESCALE = 0.5, 1.0, 100.0
GAME = st.Saddle(lambda x, y: -A / 2 * x**2 + C * x * y)
IMPOSTOR = st.Saddle(lambda x, y: -(x[0] ** 2) / 4 + x[1] * y)
KINDS = {"descent-ascent": GradientDescentAscent, "extragradient": ExtraGradient}


def mover(problem, x0, method):
    """One step of a method on the flat pair that it moves."""
    system = problem.lower(x0)
    flat, unravel = ravel_pytree(x0)

    def move(z):
        state = method.init(system, st.Point(unravel(z), {}))
        return ravel_pytree(method.step(system, state)[0].base)[0]

    return move, flat


def trajectory(problem, x0, method, steps):
    """The moved point after each step, flat, from the start on."""
    move, flat = mover(problem, x0, method)

    def one(z, _):
        return move(z), z

    return np.asarray(jax.jit(lambda z: jax.lax.scan(one, z, None, length=steps + 1)[1])(flat))


def by_hand(kind, step):
    """The spectral radius from the roots of l^2 + (a e) l + c^2 e, with e = 1 / timescale."""
    e = 1 / TIMESCALE
    z = step * np.roots([1.0, A * e, C**2 * e])
    return float(max(abs(1 - z + (z**2 if kind == "extragradient" else 0))))


def radii(found, _key, _laptop):
    """Spectral radii of single steps at the degenerate local minimax point."""
    origin = (jnp.array(0.0), jnp.array(0.0))
    rows, gaps = [], []
    for step in (0.4, 0.6, 0.9):
        for name, kind in KINDS.items():
            move, flat = mover(GAME, origin, kind(step, timescale=TIMESCALE))
            measured = float(max(abs(np.linalg.eigvals(jax.jacfwd(move)(flat)))))
            rows.append((step, name, measured, by_hand(name, step)))
            gaps.append(abs(rows[-1][2] - rows[-1][3]))
    found.values["radii"] = max(gaps)
    columns = ("step", "method", "measured", "by hand")
    shown = tuple((*row[:2], *(f"{radius:.8f}" for radius in row[2:])) for row in rows)
    found.tables["Spectral radius of a step at the degenerate local minimax point"] = Table(
        columns, shown
    )
    timescales = np.geomspace(1, 1e4, 60)
    point = st.classify_stationary(GAME, origin)
    intervals = [point.step_interval(t) for t in timescales]
    stable = np.array([(i.low, i.high) if not i.empty else (np.nan, np.nan) for i in intervals])
    found.figures["Stable steps of extragradient at the degenerate point, by timescale"] = (
        plot.line(
            {
                "longest": (timescales, stable[:, 1]),
                "shortest": (timescales, stable[:, 0]),
                "a / c²": (timescales, np.full(timescales.size, A / C**2)),
            },
            title="Stable steps of extragradient by timescale",
            x_label="timescale",
            y_label="step",
            x_scale="log",
            y_scale="log",
            standalone=True,
        )
    )
    found.notes.append(
        "Short steps are not safe here: below a / c² = 0.5 extragradient leaves the point, by a "
        "factor of 1.0002 a step at 0.4. A rule that shortens steps when a run fails makes it "
        "worse, so all steps here are constant."
    )


def portrait(found, _key, _laptop):
    """Runs of both methods from the same start."""
    start = (jnp.array(0.1), jnp.array(0.1))
    runs = {
        name: trajectory(GAME, start, kind(0.9, timescale=TIMESCALE), steps)
        for (name, kind), steps in zip(KINDS.items(), (3000, 20_000), strict=True)
    }
    sizes = {name: np.linalg.norm(run, axis=1) for name, run in runs.items()}
    found.values["found"] = float(sizes["extragradient"][-1])
    found.values["avoided by descent-ascent"] = float(sizes["descent-ascent"].max())
    lengths = {"descent-ascent": 170, "extragradient": 400}
    found.figures["Phase portrait of f = -x²/4 + xy from (0.1, 0.1), y 100 times as fast"] = (
        plot.line(
            {name: tuple(run[: lengths[name]].T) for name, run in runs.items()},
            title="Descent-ascent spirals out, extragradient in",
            x_label="x",
            y_label="y",
            size=(400, 340),
            standalone=True,
        )
    )


def avoidance(found, key, laptop):
    """Starts near a strict non-minimax point."""
    method = ExtraGradient(0.6, timescale=TIMESCALE)

    @jax.jit
    def last(starts):
        def run(start):
            move, flat = mover(IMPOSTOR, (start[:2], start[2]), method)
            return jax.lax.fori_loop(0, 20_000, lambda _, z: move(z), flat)

        return jnp.linalg.norm(jax.vmap(run)(starts), axis=1)

    stayed = []
    for own in jax.random.split(key, 5 if laptop else 2):
        way, size = jax.random.split(own)
        ways = jax.random.normal(way, (100, 3))
        sizes = 1e-3 * jax.random.uniform(size, (100, 1)) ** (1 / 3)
        starts = sizes * ways / jnp.linalg.norm(ways, axis=1, keepdims=True)
        stayed.append(int(jnp.sum(~(last(starts) > 1e-2))))
    found.values["strict non-minimax points"] = max(stayed)
