"""Toy diphoton events: what a detector sees of pairs of photons, simulated and real."""

from typing import Any

import jax
import jax.numpy as jnp

FEATURES = ("log pT 1", "log pT 2", "eta 1", "eta 2", "acoplanarity")


def sample(key: Any, count: int, real: bool) -> Any:
    """Events of five features; the simulation gets scales, resolution and correlations wrong.

    Two massless photons of invariant mass 100 to 160 GeV. The angle between them in the
    transverse plane is pi minus the size of the fifth feature, whose logarithm stands for it:
    the angle is periodic, and this side of it is not.
    """
    keys = jax.random.split(key, 7)
    mass = 100 + 60 * jax.random.beta(keys[0], 1.0, 2.5, (count,))
    boost = 0.5 * jax.random.normal(keys[1], (count,))
    half = 0.7 * jax.random.normal(keys[2], (count,))
    tilt = 0.35 * jnp.exp(0.5 * jax.random.normal(keys[3], (count,)))
    share = 0.25 * jax.random.normal(keys[4], (count,))
    if real:
        share = share + 0.25 * (tilt - 0.4) + 0.1 * half
    else:
        tilt = 1.4 * tilt
    product = mass**2 / (2 * (jnp.cosh(2 * half) - jnp.cos(jnp.pi - tilt)))
    smear = jax.random.normal(keys[5], (2, count)) * (0.02 if real else 0.035)
    scale, shift, width = (0.0, 0.0, 0.0) if real else (-0.15, 0.3, 0.1)
    one = 0.5 * jnp.log(product) + share + smear[0] + scale
    two = 0.5 * jnp.log(product) - share + smear[1] + scale
    wobble = width * jax.random.normal(keys[6], (count,))
    pair = boost + half + shift, boost - half + shift + wobble
    return jnp.stack([one, two, *pair, jnp.log(tilt)], axis=1)


def mass(events: Any) -> Any:
    """The invariant mass of the two photons, in GeV: never a feature."""
    one, two, eta_one, eta_two, tilt = events.T
    angle = jnp.cosh(eta_one - eta_two) - jnp.cos(jnp.pi - jnp.exp(tilt))
    return jnp.sqrt(2 * jnp.exp(one + two) * angle)
