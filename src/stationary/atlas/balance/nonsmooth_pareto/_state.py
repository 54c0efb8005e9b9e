"""The state equation against a manufactured state, and its gradient against differences."""

import jax
import jax.numpy as jnp
import numpy as np

from stationary import plot
from stationary.atlas import Table
from stationary.fields import MaxTypeElliptic

KAPPA = 10.0


def manufactured(n):
    """Largest error and Newton steps for the state sin(2 pi x)."""
    equation = MaxTypeElliptic(KAPPA, n)
    (x,) = equation.laplacian.points
    state = np.sin(2 * np.pi * x)
    found = jax.jit(equation.newton)(4 * np.pi**2 * state + KAPPA * np.maximum(state, 0))
    return float(np.max(np.abs(found.field - state))), int(found.steps)


def gradient_error(shape, rng):
    """The relative error of the adjoint's derivative in a random direction."""
    equation = MaxTypeElliptic(KAPPA, shape)
    x = equation.laplacian.points[0]
    control = 40 * np.sin(2 * np.pi * x) + rng.normal(size=x.shape)
    way = rng.normal(size=x.shape)

    @jax.jit
    def value(u):
        y = equation.solve(u)
        return 0.5 * equation.laplacian.inner(y - x, y - x)

    if not 0 < np.mean(jax.jit(equation.solve)(control) > 0) < 1:
        raise RuntimeError("the state does not change sign; choose another control.")
    adjoint = float(jnp.vdot(jax.jit(jax.grad(value))(control), way))
    small = 1e-3
    differences = float(value(control + small * way) - value(control - small * way)) / (2 * small)
    return abs(adjoint - differences) / abs(differences)


def measure(found, seed, sizes, shapes):
    """Order, error, steps and gradient."""
    errors, steps = zip(*map(manufactured, sizes), strict=True)
    found.values["order"] = float(np.log(errors[-2] / errors[-1]) / np.log(161 / 81))
    found.values["state"] = errors[-1]
    found.values["Newton"] = max(steps)
    rng = np.random.default_rng(seed)
    found.values["adjoint"] = max(gradient_error(shape, rng) for shape in shapes)
    found.tables["Manufactured state"] = Table(
        ("inner points", "largest error", "Newton steps"),
        tuple(zip(sizes, errors, steps, strict=True)),
    )
    found.figures["Error of the state for a manufactured solution"] = plot.line(
        {"largest error": (sizes, errors), "second order": (sizes, [3.7 / n**2 for n in sizes])},
        title="Error of the state",
        x_label="inner points",
        y_label="largest error",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )
