"""Lyapunov exponents of maps whose exponents, or branching points, are known."""

import jax
import jax.numpy as jnp
import numpy as np

from stationary import plot
from stationary.atlas import Measured
from stationary.methods import lyapunov_exponents

EDGE = 0.2
"""Where descent on the double well branches."""


def descent(x):
    """A step of gradient descent on a double well with minima on either side of the edge."""
    return x - 0.1 * (x - EDGE) * (x + 1.0) * (x - 1.5)


def lyapunov(found, _scale, seed):
    """Exponents of a chaotic map, of descent on quadratics, and by start on a double well."""
    one, two = jax.random.split(jax.random.key(seed))

    @jax.jit
    def logistic(starts):
        def exponent(x):
            return lyapunov_exponents(lambda x: 4 * x * (1 - x), x, 100_000)[0]

        return jax.vmap(exponent)(starts)

    starts = jax.random.uniform(one, (10,), minval=0.05, maxval=0.45)
    found.values["logistic map"] = Measured.over(logistic(starts))

    @jax.jit
    def gap(key):
        half = jax.random.normal(key, (5, 5))
        hessian = half @ half.T
        curvatures = jnp.linalg.eigvalsh(hessian)
        rate = 1.5 / curvatures[-1]

        def step(x):
            return x - rate * hessian @ x

        (found,) = lyapunov_exponents(step, jnp.ones(5), 5000)
        return jnp.abs(found - jnp.log(jnp.max(jnp.abs(1 - rate * curvatures))))

    found.values["descent exponents"] = float(jnp.max(jax.vmap(gap)(jax.random.split(two, 20))))

    grid = jnp.linspace(-1.5, 2.0, 2001)

    def by_start(steps):
        return jax.jit(jax.vmap(lambda x: lyapunov_exponents(descent, x, steps)[0]))(grid)

    curves = {f"{steps} steps": np.asarray(by_start(steps)) for steps in (10, 40, 160)}
    best = float(grid[np.argmax(curves["160 steps"])])
    found.values["branching start"] = abs(best - EDGE)
    found.figures["Exponent of descent on a double well, by start"] = plot.line(
        {name: (np.asarray(grid)[::5], curve[::5]) for name, curve in curves.items()},
        title="Exponent of descent on a double well",
        x_label="start",
        y_label="exponent",
        standalone=True,
    )
