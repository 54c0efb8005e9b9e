"""Random quadratics: f = |y - b|^2 / 2, g = y'Ay / 2 - x'By, with everything in closed form."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary.methods import fully_first_order, hypergradient

UPPER, SIZE, SEEDS, NOISE = 10, 20, 20, 0.1


class Quadratics(NamedTuple):
    """An instance, and what is known of it."""

    matrix: np.ndarray
    cross: np.ndarray
    target: np.ndarray

    def gradient(self, x):
        """The hypergradient at rows of x."""
        response = np.linalg.solve(self.matrix, self.cross.T)
        return (x @ response.T - self.target) @ response

    def penalised(self, penalty):
        """The stationary point of the penalised objective."""
        # y = (I / penalty + A)^-1 (b / penalty + B'x) and z = A^-1 B'x, with B (y - z) = 0 for x.
        damped = np.linalg.inv(np.eye(SIZE) / penalty + self.matrix)
        difference = damped - np.linalg.inv(self.matrix)
        return np.linalg.solve(
            self.cross @ difference @ self.cross.T, -self.cross @ damped @ self.target / penalty
        )

    @property
    def steepness(self):
        return float(np.linalg.eigvalsh(self.matrix)[-1])


def draw(rng):
    """An instance whose matrices have eigenvalues between 1/2 and 2, about."""
    turn, _ = np.linalg.qr(rng.normal(size=(SIZE, SIZE)))
    matrix = turn @ np.diag(rng.uniform(0.5, 2.0, SIZE)) @ turn.T
    # Fewer upper unknowns than lower ones, so that no x brings y to the target.
    right, _ = np.linalg.qr(rng.normal(size=(SIZE, UPPER)))
    cross = np.diag(rng.uniform(0.5, 1.5, UPPER)) @ right.T
    return Quadratics(matrix, cross, rng.normal(size=SIZE))


def upper(x, y, data):
    return 0.5 * jnp.sum((y - data.target) ** 2)


def lower(x, y, data):
    return 0.5 * jnp.sum((y @ data.matrix) * y) - jnp.sum((x @ data.cross) * y)


def errors(known, penalties):
    """Relative errors of the penalised gradient at x = 1."""
    x = jnp.ones(UPPER)

    @jax.jit
    @jax.vmap
    def gradient(penalty):
        problem = st.Nested(upper, lower, st.ValueFunction(penalty), data=known)
        return hypergradient(problem, x, jnp.zeros(SIZE), tol=2e-15).gradient

    exact = known.gradient(np.ones(UPPER))
    found = np.asarray(gradient(jnp.asarray(penalties)))
    return np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact)


def path(known, steps, penalty=2.0):
    """|grad F|^2 along a run without noise."""
    response, method = fully_first_order(0.4 / known.steepness, penalty, noise="none")
    problem = st.Nested(upper, lower, response, data=known)
    xs = _run(problem, method, np.full(UPPER, 2.0), np.zeros(SIZE), steps, known)
    return np.sum(known.gradient(xs) ** 2, axis=-1)


def noisy_path(known, steps, seed):
    """The mean over seeds, rows of one problem, of |grad F|^2 along a run with noise."""

    def tilted(fn):
        def sample(pair, slopes):
            tilt = jax.tree.map(jnp.vdot, pair, slopes)
            return fn(*pair, known) + NOISE * sum(jax.tree.leaves(tilt))

        return sample

    def slopes(key):
        one, two = jax.random.split(key)
        return jax.random.normal(one, (SEEDS, UPPER)), jax.random.normal(two, (SEEDS, SIZE))

    response, method = fully_first_order(0.4 / known.steepness, 2.0, noise="both", offset=10.0)
    problem = st.Nested(
        st.Expectation(tilted(upper), st.Draws(slopes, 1, seed=2 * seed)),
        st.Expectation(tilted(lower), st.Draws(slopes, 1, seed=2 * seed + 1)),
        response,
    )
    start = np.full((SEEDS, UPPER), 2.0), np.zeros((SEEDS, SIZE))
    xs = _run(problem, method, *start, steps, None)
    return np.mean(np.sum(known.gradient(xs) ** 2, axis=-1), axis=-1)


def fixed(known, steps, penalty=10.0):
    """Where a constant penalty ends."""
    rate = 0.4 / known.steepness
    method = st.methods.BilevelDescent(rate / penalty, rate, inner_steps=5)
    problem = st.Nested(upper, lower, st.ValueFunction(penalty), data=known)
    start = (jnp.full(UPPER, 2.0), jnp.zeros(SIZE))
    options = {"tol": 1e-11, "max_steps": steps, "differentiable": False}
    return np.asarray(st.run(problem, start, method, **options).point.primal[0])


def _run(problem, method, x, y, steps, data):
    """x after every step."""
    data = jax.tree.map(jnp.asarray, data)

    @jax.jit
    def run(x, y):
        start = problem.embed((x, y))
        system = problem.lower(start)
        state = method.init(system, st.Point(start, {}), data, key=jax.random.key(0))

        def step(state, _):
            state, _ = method.step(system, state, data)
            return state, method.point(state).primal[0]

        return jax.lax.scan(step, state, None, steps)[1]

    return np.asarray(run(jnp.asarray(x), jnp.asarray(y)))
