"""The experiments of paper 55: isometries, a primal-dual operator, and linear programs."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

import stationary as st
from stationary import plot
from stationary.atlas import Measurements
from stationary.methods import Halpern, Picard, halpern, primal_dual_operator

from . import _operators, _programs
from ._certificates import certificates

STEPS = 1000


def measure(scale, seed, observe):
    """All claims; `laptop` differs from `smoke` in the number and size of instances."""
    found = Measurements()
    rng = np.random.default_rng(seed)
    for part in (isometries, own_norm, rates, certificates):
        observe(part.__doc__)
        part(found, rng, scale == "laptop")
    return found


def errors(method, operator, x0, v, steps=STEPS, metric=None):
    """Distances of displacement and mean displacement from v after 1, 2, ... steps."""

    def size(gap):
        flat, unravel = ravel_pytree(gap)
        product = flat if metric is None else ravel_pytree(metric(unravel(flat)))[0]
        return jnp.sqrt(flat @ product)

    def step(state, _):
        state = method.step(operator, state)
        both = method.displacement(state), method.mean_displacement(state)
        return state, [size(jax.tree.map(jnp.subtract, each, v)) for each in both]

    return jax.lax.scan(step, method.init(operator, x0), None, length=steps)[1]


def isometries(found, rng, laptop):
    """The bounds on random isometries."""
    k = np.arange(1, STEPS + 1)

    @jax.jit
    def run(known):
        still = type(known.operator)(known.operator.turn, known.operator.move + known.v)
        return (
            errors(Halpern(), known.operator, known.x0, known.v)[0],
            errors(Halpern(), still, known.x0, 0 * known.v)[0],
            errors(Picard(), known.operator, known.x0, known.v)[1],
        )

    ratios = np.array(
        [
            [np.max(e / d) for e, d in zip(run(known), limits, strict=True)]
            for known in (_operators.random_isometry(rng) for _ in range(100 if laptop else 5))
            for limits in [[known.distance * b for b in (_operators.bound(k), 2 / (k + 1), 2 / k)]]
        ]
    )
    found.values["bound"], found.values["fixed point"], found.values["mean"] = ratios.max(axis=0)
    found.notes.append(
        f"Bounds on {len(ratios)} isometries, error over bound at its largest: with translation "
        f"{ratios[:, 0].max():.3f} (median {np.median(ratios[:, 0]):.3f}), without it "
        f"{ratios[:, 1].max():.3f}, mean displacement of plain iteration {ratios[:, 2].max():.3f}."
    )


def own_norm(found, rng, laptop):
    """The bound for the primal-dual operator of infeasible programs, in its own norm."""
    k, ratios = np.arange(1, STEPS + 1), []
    for _ in range(5 if laptop else 1):
        problem = _programs.statement(_programs.infeasible(rng, 8, 16))
        zero = st.Point(jnp.zeros(16), {"rows": jnp.zeros(8)})
        operator = primal_dual_operator(problem, zero.primal)
        far = halpern(operator, zero, restart=200, reflect=True, tol=0.0, max_steps=20_000)
        v = far.displacement
        distance, off = _nearest(operator, zero, far.point, v)
        error, _ = jax.jit(
            lambda op, d: errors(Halpern(), op, zero, d, metric=op.metric)  # noqa: B023
        )(operator, v)
        ratios.append(float(np.max(error / (distance * _operators.bound(k)))))
        if not off < 1e-6:
            raise RuntimeError(f"v is known to {off:.1g} only; run the iteration for longer.")
    found.values["bound"] = max(found.values["bound"], *ratios)
    found.notes.append(
        "Bound in the norm of the primal-dual operator, error over bound at its largest on "
        f"{len(ratios)} programs: {max(ratios):.3f}. There v comes from 20 000 restarted steps, "
        "and d is the distance of a point that attains it to 1e-6."
    )


def _nearest(operator, zero, far, v):
    """The distance to a point near the start that attains v, and how well it does."""

    @jax.jit
    def at(steps):
        z = jax.tree.map(lambda x, d: x + steps * d, far, v)
        gap = jax.tree.map(lambda x, t, d: x - t - d, z, operator(z), v)
        return _size(operator, jax.tree.map(jnp.subtract, z, zero)), _size(operator, gap)

    # Where z attains v so does z - s v for s > 0: go back as far as it still does.
    tried = [at(float(s)) for s in np.linspace(0, 20_000, 201)]
    good = [(float(d), float(off)) for d, off in tried if off < 1e-6]
    return min(good, default=(np.inf, np.inf))


def _size(operator, z):
    return jnp.sqrt(ravel_pytree(z)[0] @ ravel_pytree(operator.metric(z))[0])


def rates(found, rng, laptop):
    """The rates on a turned plane, and on many slow ones at once."""
    k = np.arange(1, STEPS + 1)
    known = _operators.one_turn()
    plain, mean = map(np.asarray, errors(Picard(), known.operator, known.x0, known.v))
    anchored, _ = map(np.asarray, errors(Halpern(), known.operator, known.x0, known.v))
    found.values["plain"] = float(plain[-1])
    found.values["anchored"] = float(anchored[-1])
    found.values["rate"] = _slope(k, anchored)
    slow = _operators.slow_turns()
    half = _operators.Averaged(slow.operator, 0.5)
    averaged, _ = map(np.asarray, errors(Picard(), half, slow.x0, 0.5 * slow.v))
    pulled, _ = map(np.asarray, errors(Halpern(), slow.operator, slow.x0, slow.v))
    found.values["averaged"] = _slope(k, averaged)
    limit = np.sqrt(0.5 / 0.5 / (k + 1))  # sqrt(theta / (1 - theta) / (k + 1)) d
    found.notes.append(
        "Displacements of the averaged operator, error over sqrt(theta / (1 - theta) / (k + 1)) d "
        f"at its largest: {np.max(averaged / limit):.3f}. On the turned plane alone the averaged "
        "iteration converges linearly; it takes many slow planes at once to see its rate. "
        f"Halpern's slope on them is {_slope(k, pulled):.3f}."
    )
    found.figures["Error of the displacement for a turned plane beside a moved line"] = plot.line(
        {
            "Picard": (k, plain),
            "Picard, mean": (k, mean),
            "Halpern": (k, anchored),
            "its bound": (k, _operators.bound(k)),
        },
        title="Error of the displacement",
        x_label="steps k",
        y_label="distance from v",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )
    found.figures["Error of the displacement for many slowly turned planes"] = plot.line(
        {
            "Picard, averaged": (k, averaged),
            "Halpern": (k, pulled),
            "bound of the averaged": (k, limit),
            "bound of Halpern": (k, _operators.bound(k)),
        },
        title="Error of the displacement on slow planes",
        x_label="steps k",
        y_label="distance from v",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )


def _slope(k, values, low=30):
    return float(np.polyfit(np.log(k[low - 1 :]), np.log(values[low - 1 :]), 1)[0])
