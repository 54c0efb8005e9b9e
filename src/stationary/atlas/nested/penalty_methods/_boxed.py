"""Random lower problems in a box, whose answers and derivatives are known."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.methods import InteriorPoint, hypergradient

SIZE = 4
SIGMAS = (1e-2, 1e-3, 5e-4, 1e-4)


def upper(x, y, data):
    return 0.5 * jnp.sum((y - data["target"]) ** 2)


def lower(x, y, data):
    return 0.5 * jnp.sum((y - data["matrix"] @ x) ** 2)


def psi(x, data):
    """The upper objective at the lower answer, which is a projection."""
    return upper(x, jnp.clip(data["matrix"] @ x, 0, 1), data)


def boxed(found, rng, instances):
    """Penalised gradients, the formula, and differences of psi."""
    boxes = st.Minimize(lower, over=st.Box(0.0, 1.0))
    faces = st.Minimize(
        lower, {"top": st.at_most(lambda x, y: y, 1.0), "bottom": st.at_most(lambda x, y: -y)}
    )
    middle = jnp.full(SIZE, 0.5)

    @jax.jit
    def explicit(x, data):
        problem = st.Nested(upper, faces, st.Implicit(), data=data)
        return hypergradient(problem, x, middle, method=InteriorPoint(), tol=1e-11).gradient

    @jax.jit
    @partial(jax.vmap, in_axes=(0, None, None))
    def penalised(sigma, x, data):
        problem = st.Nested(upper, boxes, st.ValueFunction(1 / sigma), data=data)
        return hypergradient(problem, x, middle, tol=1e-14).gradient

    errors, orders, formulas = [], [], []
    for _ in range(instances):
        x, data = draw(rng)
        exact = np.asarray(jax.grad(psi)(x, data))
        scale = np.linalg.norm(exact)
        formula = np.asarray(explicit(x, data))
        step = 1e-5
        differences = [
            (psi(x + step * e, data) - psi(x - step * e, data)) / (2 * step) for e in np.eye(len(x))
        ]
        formulas.append(np.linalg.norm(formula - np.array(differences)) / scale)
        got = np.asarray(penalised(jnp.array(SIGMAS), x, data))
        distance = np.linalg.norm(got - formula, axis=1) / scale
        errors.append(distance)
        orders.append(distance[1] / distance[2])
    errors = np.array(errors)
    found.values["gradient error"] = float(errors[:, -1].max())
    found.values["gradient order"] = float(np.median(orders))
    found.values["formula"] = float(np.max(formulas))
    found.figures["Box-constrained lower problems: distance of the penalised gradient"] = plot.line(
        {
            "largest": (SIGMAS, errors.max(0)),
            "median": (SIGMAS, np.median(errors, 0)),
        },
        title="Relative distance from the hypergradient",
        x_label="sigma",
        y_label="distance",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )


def draw(rng):
    """An instance whose lower answer has entries inside, and some at the ends, all clearly so."""
    while True:
        matrix, x = rng.normal(size=(SIZE, 3)), rng.normal(size=3)
        free = matrix @ x
        margin = np.min(np.abs(np.concatenate([free, free - 1])))
        inside = (free > 0) & (free < 1)
        if margin > 0.05 and 0 < inside.sum() < SIZE:
            return x, {"matrix": matrix, "target": rng.normal(size=SIZE)}
