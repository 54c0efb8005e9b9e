"""One step per level, under noise in every gradient; the seeds are rows of one problem."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

import stationary as st
from stationary.methods import BilevelDescent

SEEDS, SIZE, NOISE, SIGMA = 16, 10, 0.1, 0.05
SHAPE = (SEEDS, SIZE)


def tilted(fn):
    """A function whose gradient has noise, from a linear term of random slope."""

    def sample(pair, slopes):
        tilt = jax.tree.map(jnp.vdot, pair, slopes)
        return fn(*pair) + NOISE * sum(jax.tree.leaves(tilt))

    return sample


def upper(x, y):
    return 0.5 * jnp.sum((x - y[1]) ** 2) + 0.5 * jnp.sum((y[0] - 1) ** 2)


def lower(x, y):
    return 0.5 * jnp.sum(y[0] ** 2) - jnp.sum(x * y[0])


def slopes(key):
    """Noise in x and in y."""
    one, two = jax.random.split(key)
    return jax.random.normal(one, SHAPE), jax.random.normal(two, (2, *SHAPE))


def problem(seed):
    return st.Nested(
        st.Expectation(tilted(upper), st.Draws(slopes, 1, seed=2 * seed)),
        st.Expectation(tilted(lower), st.Draws(slopes, 1, seed=2 * seed + 1)),
        st.ValueFunction(1 / SIGMA),
    )


def noisy(seed, steps):
    """|grad psi|^2 over the last tenth, per seed, and its mean path over the seeds."""
    path = np.asarray(_descend(seed, steps))
    shown = np.unique(np.geomspace(10, steps, 60).astype(int)) - 1
    return path[-(steps // 10) :].mean(0), (shown + 1, path.mean(1)[shown])


@partial(jax.jit, static_argnums=(0, 1))
def _descend(seed, steps):
    def falling(scale):
        return optax.sgd(lambda k: scale * (1 + k / 100) ** -0.5)

    method = BilevelDescent(
        falling(0.02),
        (falling(0.3), falling(0.3)),
        order="simultaneous",
        momentum=lambda k: (1.0 + k) ** (-2 / 3),
    )
    stated = problem(seed)
    start = stated.embed((jnp.full(SHAPE, 2.0), jnp.zeros((2, *SHAPE))))
    system = stated.lower(start)
    state = method.init(system, st.Point(start, {}), key=jax.random.key(0))

    def step(state, _):
        state, _ = method.step(system, state)
        return state, jnp.sum((method.point(state).primal[0] - 1) ** 2, axis=1)

    return jax.lax.scan(step, state, None, steps)[1]
