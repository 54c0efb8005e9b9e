"""A conditional flow that moves simulated events until they pass for real ones."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import stationary as st
from stationary.measures import GaussianKernel, median_distance, mmd_squared
from stationary.methods import GradientAscent, mdmm


class Calibrated(NamedTuple):
    """What became of simulated events that were not trained on."""

    moved: np.ndarray
    multiplier: float
    level: float
    """The limit on MMD^2."""


def flow(features: int, key: Any, layers: int = 3, width: int = 64) -> Any:
    """Masked autoregressive layers from noise to a shift, given the simulated event.

    **Raises:** `ImportError` where FlowJAX is missing.
    """
    try:
        from flowjax.distributions import StandardNormal
        from flowjax.flows import masked_autoregressive_flow
    except ImportError as error:
        raise ImportError("paper 36 takes its flow from FlowJAX: pip install flowjax.") from error
    return masked_autoregressive_flow(
        key,
        base_dist=StandardNormal((features,)),
        cond_dim=features,
        flow_layers=layers,
        nn_width=width,
        nn_depth=1,
        invert=False,
    ).bijection


def transport(bijection: Any, noise: Any, event: Any) -> Any:
    """The event after the move; the quarter lets training start near the identity."""
    return event + bijection.transform(noise, condition=event) / 4


def resolution(real: Any, kernel: Any, key: Any, count: int = 500, draws: int = 200) -> Any:
    """What finite data cannot tell apart: the 95 % quantile of MMD^2 between halves of them.

    Measured between disjoint samples of `count` events; it falls like one over their number.
    """

    @jax.jit
    @jax.vmap
    def between(own):
        rows = jax.random.permutation(own, len(real))[: 2 * count]
        return mmd_squared(real[rows[:count]], real[rows[count:]], kernel)

    found = jnp.quantile(between(jax.random.split(key, draws)), 0.95)
    return float(found) * count / (len(real) // 2)


def calibrate(
    simulated: Any, real: Any, fresh: Any, key: Any, steps: int, batch: int = 512
) -> Calibrated:
    """Move simulated events as little as their discrepancy from real ones allows.

    Minimise the mean squared move subject to MMD^2 <= the resolution of the real sample, from
    unpaired batches, in single precision. Features are standardised by the real ones.
    """
    from paramax import unwrap

    simulated, real, fresh = (jnp.asarray(a, jnp.float32) for a in (simulated, real, fresh))
    one, two, three = jax.random.split(key, 3)
    kernel = GaussianKernel(np.array([0.5, 1.0, 2.0]) * float(median_distance(simulated, real)))
    level = resolution(real, kernel, one)
    weights, rest = eqx.partition(flow(real.shape[1], two), eqx.is_inexact_array)

    def move(weights, noise, events):
        bijection = unwrap(eqx.combine(weights, rest))
        return jax.vmap(lambda u, x: transport(bijection, u, x))(noise, events)

    def draw(key):
        keys = jax.random.split(key, 3)
        noise = jax.random.normal(keys[0], (batch, real.shape[1]))
        rows = [jax.random.randint(k, (batch,), 0, len(real)) for k in keys[1:]]
        return noise, simulated[rows[0]], real[rows[1]]

    def cost(weights, sample):
        noise, before, _ = sample
        return jnp.mean(jnp.sum((move(weights, noise, before) - before) ** 2, axis=1))

    def discrepancy(weights, sample):
        noise, before, target = sample
        return mmd_squared(move(weights, noise, before), target, kernel)

    stream = st.Draws(draw, batch_size=1)
    problem = st.Minimize(
        st.Expectation(cost, stream),
        subject_to={"MMD": st.at_most(st.Expectation(discrepancy, stream), level)},
    )
    rate = optax.cosine_decay_schedule(3e-3, steps, 0.02)
    method = mdmm(optax.adam(rate), GradientAscent(50.0, smoothing=0.95), damping=500.0)
    answer = st.run(problem, weights, method, max_steps=steps, tol=1e-9, differentiable=False)
    noise = jax.random.normal(three, fresh.shape)
    moved = jax.jit(move)(answer.point.primal, noise, fresh)
    return Calibrated(np.asarray(moved, float), float(answer.point.duals["MMD"]), level)


def exactness(key: Any, features: int = 5) -> tuple[float, float, float]:
    """How far the flow is from its definition, at random weights and points.

    Inverse after forward against the identity; the log-determinant against that of the
    automatic Jacobian; and the largest entry of one layer's Jacobian above its diagonal.
    """
    from flowjax.bijections import Affine, MaskedAutoregressive

    keys = jax.random.split(key, 4)
    whole = flow(features, keys[0])
    single = MaskedAutoregressive(
        keys[1], transformer=Affine(), dim=features, cond_dim=features, nn_width=16, nn_depth=1
    )
    noise, event = jax.random.normal(keys[2], (2, features))

    @jax.jit
    def check(noise, event):
        there, logdet = whole.transform_and_log_det(noise, condition=event)
        back = whole.inverse(there, condition=event)
        jacobian = jax.jacobian(lambda u: whole.transform(u, condition=event))(noise)
        layer = jax.jacobian(lambda u: single.transform(u, condition=event))(noise)
        return (
            jnp.max(jnp.abs(back - noise)),
            jnp.abs(logdet - jnp.linalg.slogdet(jacobian)[1]),
            jnp.max(jnp.abs(jnp.triu(layer, 1))),
        )

    return tuple(float(x) for x in check(noise, event))  # pyright: ignore
