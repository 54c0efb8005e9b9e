"""A generative adversarial network in the plane: eight Gaussians on a ring, learned as a saddle.

    python examples/ring_gan.py              # prints progress, and writes ring_gan.svg

A generator turns noise into points; a critic tells them from the data. What one wins the other
loses, so both are the players of one `st.Saddle`, whose expectation is over mini-batches. Any
method for saddles trains them; here it is Adam with a complex coefficient of momentum.

To use it for your own data, replace `sample` and the sizes of the networks.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot

MODES, SPREAD = 8, 0.2
NOISE, WIDTH, BATCH = 4, 64, 256
PENALTY = 0.1
"""Of the critic's slope at the data: without, it grows until nobody learns anything."""

ANGLES = 2 * np.pi * np.arange(MODES) / MODES
CENTRES = 2 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def sample(key):
    """Noise for the generator, and a point of the data."""
    noise, mode, error = jax.random.split(key, 3)
    centre = jnp.asarray(CENTRES)[jax.random.randint(mode, (), 0, MODES)]
    return jax.random.normal(noise, (NOISE,)), centre + SPREAD * jax.random.normal(error, (2,))


def network(key, sizes):
    """Weights and biases of each layer."""
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        (jax.random.normal(k, (rows, columns)) * np.sqrt(2 / columns), jnp.zeros(rows))
        for k, rows, columns in zip(keys, sizes[1:], sizes[:-1], strict=True)
    ]


def apply(layers, x):
    """The network's output."""
    for weights, bias in layers[:-1]:
        x = jax.nn.softplus(weights @ x + bias)
    weights, bias = layers[-1]
    return weights @ x + bias


def payoff(players, drawn):
    """What the critic gains on one sample: it ascends, and the generator descends."""
    generator, critic = players
    noise, real = drawn

    def score(x):
        return apply(critic, x)[0]

    value, slope = jax.value_and_grad(score)(real)
    fooled = score(apply(generator, noise))
    return jax.nn.log_sigmoid(value) + jax.nn.log_sigmoid(-fooled) - PENALTY / 2 * jnp.sum(slope**2)


def start(seed=0):
    """The two networks before they have learned anything."""
    one, two = jax.random.split(jax.random.key(seed))
    sizes = (WIDTH, WIDTH)
    return network(one, (NOISE, *sizes, 2)), network(two, (2, *sizes, 1))


problem = st.Saddle(st.Expectation(payoff, st.Draws(sample, BATCH)))
x0 = start()
method = st.methods.from_optax(st.methods.complex_adam(5e-3, momentum=0.5, phase=np.pi / 8))


def train(method, steps, every=1000, say=print):
    """A loop of one's own: `every` steps at a time, compiled once."""
    system = problem.lower(x0)

    @jax.jit
    def go(state):
        return jax.lax.fori_loop(0, every, lambda _, s: method.step(system, s)[0], state)

    state = method.init(system, st.Point(x0, {}))
    for done in range(every, steps + 1, every):
        state = go(state)
        generator, _ = method.point(state).primal
        hits, share = quality(generate(generator))
        say(f"{done} steps: {hits} of {MODES} Gaussians, {share:.0%} of the points within 3 sigma")
    return method.point(state).primal


def generate(generator, count=2000, seed=1):
    """Points of the generator."""
    noise = jax.random.normal(jax.random.key(seed), (count, NOISE))
    return np.asarray(jax.vmap(lambda z: apply(generator, z))(noise))


def quality(points):
    """How many Gaussians have a fair share of the points, and the share within three sigma."""
    distances = np.linalg.norm(points[:, None] - CENTRES, axis=2)
    near = np.min(distances, axis=1) < 3 * SPREAD
    counts = np.bincount(np.argmin(distances, axis=1)[near], minlength=MODES)
    return int(np.sum(counts > len(points) / MODES / 4)), float(np.mean(near))


def picture(points, count=300):
    """Data and generated points, as SVG."""
    data = jax.vmap(sample)(jax.random.split(jax.random.key(2), count))[1]
    return plot.scatter(
        {"data": tuple(np.asarray(data).T), "generated": tuple(points[:count].T)},
        title="Eight Gaussians on a ring, and what the generator makes of noise",
        size=(420, 320),
        standalone=True,
    )


def main(path="ring_gan.svg", steps=6000):
    """Train, and write the picture."""
    generator, _ = train(method, int(steps))
    Path(path).write_text(picture(generate(generator)), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
