"""Claim: a linear model of the lower answer has the right slope, and tunes cheaply."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import stationary as st
from stationary.methods import BilevelDescent

GRID = np.linspace(-4, 6, 41)


def response(found, scale, seed):
    """Ridge regression with one penalty per group of weights."""
    rng = np.random.default_rng(seed)
    true = np.array([2.0, -1.0, 1.5, 0.2, -0.1, 0.1])

    def rows(count):
        inputs = rng.normal(size=(count, 6))
        return inputs, inputs @ true + 2.0 * rng.normal(size=count)

    train, valid = rows(20), rows(200)
    hessian, right = train[0].T @ train[0] / 20, train[0].T @ train[1] / 20
    groups = np.repeat(np.arange(2), 3)

    def upper(x, y):
        return jnp.mean((valid[0] @ y - valid[1]) ** 2)

    def lower(x, y):
        fit = 0.5 * y @ hessian @ y - right @ y
        return fit + 0.5 * jnp.sum(jnp.exp(x)[groups] * y**2)

    def answer(x):
        return jnp.linalg.solve(hessian + jnp.diag(jnp.exp(x)[groups]), right)

    # The slope at a fixed x: an upper objective that does not care leaves x where it is.
    centre = jnp.zeros(2)
    predict, parameters = st.linear_response(centre, jnp.zeros(6))
    spread = 0.02
    still = st.Nested(
        lambda x, y: 0.0 * jnp.sum(x), lower,
        st.BestResponse(predict, parameters, spread=spread, samples=8),
    )  # fmt: skip
    rates: Any = {"at": optax.sgd(0.3), "slope": optax.sgd(0.3 / spread**2)}
    rule = optax.multi_transform(rates, {"at": "at", "slope": "slope"})
    method = BilevelDescent(1e-6, (None, rule))
    options = {"tol": 0.0, "max_steps": 4000, "differentiable": False}
    point = st.run(still, (centre, jnp.zeros(6)), method, **options).point
    exact = jax.jit(jax.jacobian(answer))(centre)
    learned = point.primal[2]["slope"]
    found.values["response slope"] = float(np.linalg.norm(learned - exact) / np.linalg.norm(exact))

    # Tuning, against a grid that trains anew at every pair of penalties.
    pairs = jnp.asarray(np.stack(np.meshgrid(GRID, GRID), -1).reshape(-1, 2))

    @jax.jit
    def validated(x):
        return upper(x, answer(x))

    best = float(np.min(jax.vmap(validated)(pairs)))
    cost = int(np.sum(jax.jit(jax.vmap(lambda x: gradients(lower, x)))(pairs)))
    model = st.BestResponse(_saturating, jnp.zeros((6, 5)), spread=0.3)
    method = BilevelDescent(optax.adam(0.02), (None, optax.adam(0.02)), inner_steps=5)
    options = {"tol": 0.0, "max_steps": 600, "differentiable": False}
    tune = st.Nested(upper, lower, model)
    x = st.run(tune, (centre, jnp.zeros(6)), method, **options).point.primal[0]
    found.values["tuned by the model"] = float(validated(x)) / best
    found.values["cost of tuning"] = 600 * 5 * 2 / cost
    found.notes.append(
        f"The grid has {len(GRID)} values of each of two penalties; its cost is the {cost} "
        "gradients that descent takes to train to a gradient of 1e-3 at every pair, that of the "
        "model two gradients per lower step."
    )


def gradients(lower, x):
    """How many gradients descent takes to a gradient of 1e-3, from zero."""
    slope = jax.grad(lower, argnums=1)
    rate = 1 / (2 + jnp.max(jnp.exp(x)))

    def going(carry):
        y, count = carry
        return (jnp.max(jnp.abs(slope(x, y))) > 1e-3) & (count < 100_000)

    def step(carry):
        y, count = carry
        return y - rate * slope(x, y), count + 1

    return jax.lax.while_loop(going, step, (jnp.zeros(6), 0))[1]


def _saturating(parameters, x):
    """A linear model of x and of its sigmoid: weights stop moving at both ends."""
    return parameters @ jnp.concatenate([x, jax.nn.sigmoid(x), jnp.ones(1)])
