"""Stochastic bilevel problems: seconds to a relative hypergradient of 1e-3, beside other methods.

The simulated quadratics and the tuning of a logistic regression follow the description of
benchopt's bilevel benchmark; its solvers are re-stated in `_bilevel_peers`, and every contender
is tuned over the same grid of step sizes.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import stationary as st
from stationary.methods import BilevelDescent, fully_first_order

from ._bilevel_peers import f2sa, saba, soba
from ._figure import Figure

BATCH, CHUNK = 64, 256
BUDGET = 15.0
"""Seconds after which a contender at one setting gives up."""


class Problem(NamedTuple):
    """Losses per sample, their samples, and where to start."""

    upper: Callable
    lower: Callable
    upper_samples: Any
    lower_samples: Any
    x: jax.Array
    y: jax.Array
    steepness: float


def quadratics(samples: int = 4096, size: int = 100, seed: int = 0) -> Problem:
    """Rank-one quadratics whose mean has eigenvalues from 0.1 to 1."""
    rng = np.random.default_rng(seed)

    def level(free: str) -> dict[str, np.ndarray]:
        def rows(first: float) -> np.ndarray:
            turn, _ = np.linalg.qr(rng.normal(size=(size, size)))
            roots = np.logspace(np.log10(first) / 2, 0, size)
            return rng.normal(size=(samples, size)) @ (turn * roots @ turn.T)

        turn, _ = np.linalg.qr(rng.normal(size=(size, size)))
        back, _ = np.linalg.qr(rng.normal(size=(size, size)))
        inner = rng.normal(size=(samples, size))
        return {
            "y": rows(0.1),
            "x": rows(0.1),
            "left": inner @ (turn * np.logspace(-1, -1, size)).T,
            "right": inner @ back,
            "by y": rng.normal(size=(samples, size)),
            "by x": rng.normal(size=(samples, size)),
        }

    def loss(x, y, sample):
        value = 0.5 * (sample["y"] @ y) ** 2 + 0.5 * (sample["x"] @ x) ** 2
        value = value + (sample["left"] @ x) * (sample["right"] @ y)
        return value + sample["by y"] @ y + sample["by x"] @ x

    zero = jnp.zeros(size)
    return Problem(loss, loss, level("upper"), level("lower"), zero + 1.0, zero, 2.0)


def logistic(samples: int = 4096, size: int = 50, seed: int = 0) -> Problem:
    """A penalty per weight of a logistic regression, tuned on other samples."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=size) * (rng.random(size) < 0.3)

    def rows() -> dict[str, np.ndarray]:
        inputs = rng.normal(size=(samples, size))
        odds = inputs @ true + rng.logistic(size=samples)
        return {"x": inputs, "y": np.sign(odds)}

    def fit(y, sample):
        return jax.nn.softplus(-sample["y"] * (sample["x"] @ y))

    def upper(x, y, sample):
        return fit(y, sample)

    def lower(x, y, sample):
        return fit(y, sample) + 0.5 * jnp.sum(jnp.exp(x) * y**2)

    return Problem(upper, lower, rows(), rows(), jnp.full(size, -2.0), jnp.zeros(size), 20.0)


def hypergradient(problem: Problem) -> Callable[[jax.Array], float]:
    """|grad h(x)|, by Newton's method below and a dense solve."""

    def mean(loss, samples):
        return lambda x, y: jnp.mean(jax.vmap(loss, (None, None, 0))(x, y, samples))

    upper = mean(problem.upper, problem.upper_samples)
    lower = mean(problem.lower, problem.lower_samples)
    slope, curvature = jax.grad(lower, 1), jax.hessian(lower, 1)

    @jax.jit
    def size(x):
        def newton(_, y):
            return y - jnp.linalg.solve(curvature(x, y), slope(x, y))

        y = jax.lax.fori_loop(0, 12, newton, problem.y)
        by_x, by_y = jax.grad(upper, (0, 1))(x, y)
        adjoint = jnp.linalg.solve(curvature(x, y), by_y)
        cross = jax.vjp(lambda x: slope(x, y), x)[1](adjoint)[0]
        return jnp.linalg.norm(by_x - cross)

    return lambda x: float(size(x))


class Contender(NamedTuple):
    """A state, some compiled steps, and x of a state."""

    state: Any
    advance: Callable[[Any], Any]
    x: Callable[[Any], jax.Array]


def ours(problem: Problem, response: Any, method: Any, chunk: int, full: bool) -> Contender:
    """A method of the library, on mini-batches or on all samples."""
    if full:

        def mean(loss, name):
            return lambda x, y, data: jnp.mean(jax.vmap(loss, (None, None, 0))(x, y, data[name]))

        data = {"upper": problem.upper_samples, "lower": problem.lower_samples}
        stated = st.Nested(
            mean(problem.upper, "upper"), mean(problem.lower, "lower"), response, data=data
        )
    else:
        data = None
        stated = st.Nested(
            _sampled(problem.upper, problem.upper_samples, 1),
            _sampled(problem.lower, problem.lower_samples, 2),
            response,
        )
    start = stated.embed((problem.x, problem.y))
    system = stated.lower(start)

    @jax.jit
    def advance(state):
        def step(state, _):
            return method.step(system, state, data)[0], None

        return jax.lax.scan(step, state, None, chunk)[0]

    state = method.init(system, st.Point(start, {}), data, key=jax.random.key(0))
    return Contender(state, advance, lambda state: method.point(state).primal[0])


def _sampled(loss: Callable, samples: Any, seed: int) -> st.Expectation:
    stream = st.Batches(samples, BATCH, seed=seed)
    return st.Expectation(lambda pair, sample: loss(*pair, sample), stream)


def reach(contender: Contender, gradient: Callable, goal: float) -> float:
    """Seconds of stepping until |grad h| is below the goal; infinite if the budget is spent."""
    jax.block_until_ready(contender.advance(contender.state))  # compiles
    state, spent = contender.state, 0.0
    while spent < BUDGET:
        began = time.perf_counter()
        state = jax.block_until_ready(contender.advance(state))
        spent += time.perf_counter() - began
        left = gradient(contender.x(state))
        if not np.isfinite(left):
            return float("inf")
        if left <= goal:
            return spent
    return float("inf")


RATES = (0.03, 0.1, 0.3)
RATIOS = (0.1, 0.3, 1.0)


def compare(name: str, problem: Problem) -> list[Figure]:
    """Every contender at its best setting."""
    gradient = hypergradient(problem)
    goal = 1e-3 * gradient(problem.x)
    best: dict[str, tuple[float, Any]] = {}

    def enter(who: str, contender: Contender, setting: Any) -> None:
        took = reach(contender, gradient, goal)
        if who not in best or took < best[who][0]:
            best[who] = (took, setting)

    for rate in RATES:
        for share in RATIOS:
            setting = {"rate": rate, "upper over lower": share}
            for who, make in (("SOBA", soba), ("SABA", saba), ("F2SA of benchopt", f2sa)):
                enter(who, Contender(*make(problem, rate, share, BATCH, CHUNK)), setting)
            response, method = fully_first_order(
                rate, 1.0, upper=share, offset=100.0, inner_steps=10, noise="both"
            )
            enter("F2SA", ours(problem, response, method, CHUNK, False), setting)
            rule = optax.sgd(rate, momentum=0.9, nesterov=True)
            method = BilevelDescent(share, rule, inner_steps=5)
            contender = ours(problem, st.Implicit(st.Neumann(20, rate)), method, 8, True)
            enter("implicit, all samples", contender, setting)
    theirs = min(best[who][0] for who in ("SOBA", "SABA", "F2SA of benchopt"))
    own = min(best[who][0] for who in ("F2SA", "implicit, all samples"))
    detail = {who: {"seconds": took, **setting} for who, (took, setting) in best.items()}
    return [
        Figure(
            f"{name}: time to a relative hypergradient of 1e-3, ratio",
            own / theirs,
            "the best of SOBA, SABA and F2SA as benchopt's bilevel benchmark has them",
            at_most=1.0,
            detail=detail,
        ),
        Figure(
            f"{name}: F2SA, the same, ratio",
            best["F2SA"][0] / best["F2SA of benchopt"][0],
            "F2SA with benchopt's schedules",
            at_most=0.7,
            detail=detail,
        ),
    ]


PROBLEMS = {"quadratics": quadratics, "logistic tuning": logistic}


def run(names: Sequence[str] = ()) -> list[Figure]:
    """The problems of these names, or all."""
    return [f for name in names or PROBLEMS for f in compare(name, PROBLEMS[name]())]
