"""Stochastic bilevel problems: seconds to a relative hypergradient of 1e-3, beside other methods.

The simulated quadratics and the tuning of a logistic regression follow the description of
benchopt's bilevel benchmark; its solvers are re-stated in `_bilevel_peers`. Every contender with
learning rates is tuned over one grid on a first problem, and the median is over problems of three
seeds. Batches have 64 rows, as there. Times begin at the start point, and exclude compilation.
`python -m benchmarks bilevel [problem ...]`; without names, all problems.
"""

import functools
import itertools
import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary.methods import SAGA, SARAH, BilevelDescent, InteriorPoint

from ._bilevel_peers import Solver, f2sa, saba, soba, srba
from ._figure import Figure

BATCH, CHUNK = 64, 64
BUDGET = 3.0
"""Seconds after which a contender at one setting gives up."""
SEEDS = (0, 1, 2)
PENALTY = 100.0
"""Of the value function, whose error is of the order of its inverse squared."""


class Problem(NamedTuple):
    """Losses per sample, their samples, and where to start."""

    upper: Callable
    lower: Callable
    upper_samples: Any
    lower_samples: Any
    x: jax.Array
    y: jax.Array
    rates: tuple[float, ...]
    """Of y."""
    shares: tuple[float, ...]
    """Rates of x over those of y."""


def quadratic(x: jax.Array, y: jax.Array, sample: Any) -> jax.Array:
    """The loss of one sample on either level of the simulated quadratics."""
    value = 0.5 * (sample["y"] @ y) ** 2 + 0.5 * (sample["x"] @ x) ** 2
    value = value + (sample["left"] @ x) * (sample["right"] @ y)
    return value + sample["by y"] @ y + sample["by x"] @ x


def quadratics(
    samples: int = 4096, size: int = 100, seed: int = 0, conditioning: float = 0.1
) -> Problem:
    """Rank-one quadratics whose mean has eigenvalues from `conditioning` to 1."""
    rng = np.random.default_rng(seed)

    def level() -> dict[str, jax.Array]:
        def rows(first: float) -> np.ndarray:
            turn, _ = np.linalg.qr(rng.normal(size=(size, size)))
            roots = np.logspace(np.log10(first) / 2, 0, size)
            return rng.normal(size=(samples, size)) @ (turn * roots @ turn.T)

        turn, _ = np.linalg.qr(rng.normal(size=(size, size)))
        back, _ = np.linalg.qr(rng.normal(size=(size, size)))
        inner = rng.normal(size=(samples, size))
        found = {
            "y": rows(conditioning),
            "x": rows(conditioning),
            "left": inner @ (0.1 * turn).T,
            "right": inner @ back,
            "by y": rng.normal(size=(samples, size)),
            "by x": rng.normal(size=(samples, size)),
        }
        return jax.tree.map(jnp.asarray, found)

    zero, grid = jnp.zeros(size), ((0.03, 0.1, 0.3), (0.1, 0.3, 1.0))
    return Problem(quadratic, quadratic, level(), level(), zero - 2.0, zero, *grid)


def fit(x: jax.Array, y: jax.Array, sample: Any) -> jax.Array:
    """The logistic loss of one sample."""
    return jax.nn.softplus(-sample["y"] * (sample["x"] @ y))


def penalised_fit(x: jax.Array, y: jax.Array, sample: Any) -> jax.Array:
    """The same, with a penalty per weight."""
    return fit(x, y, sample) + 0.5 * jnp.sum(jnp.exp(x) * y**2)


def logistic(samples: int = 4096, size: int = 50, seed: int = 0) -> Problem:
    """A penalty per weight of a logistic regression, tuned on other samples."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=size) * (rng.random(size) < 0.3)

    def rows() -> dict[str, jax.Array]:
        inputs = rng.normal(size=(samples, size))
        odds = inputs @ true + rng.logistic(size=samples)
        return {"x": jnp.asarray(inputs), "y": jnp.sign(odds)}

    grid = (0.03, 0.1, 0.3), (10.0, 30.0, 100.0)
    return Problem(fit, penalised_fit, rows(), rows(), jnp.full(size, -2.0), jnp.zeros(size), *grid)


@functools.cache
def hypergradient(upper: Callable, lower: Callable) -> Callable:
    """|grad h(x)| and the lower answer, by Newton's method from some y and a dense solve."""

    def mean(loss):
        return lambda x, y, samples: jnp.mean(jax.vmap(loss, (None, None, 0))(x, y, samples))

    upper, lower = mean(upper), mean(lower)
    slope, curvature = jax.grad(lower, 1), jax.hessian(lower, 1)

    @jax.jit
    def size(x, y, above, below):
        def newton(carry):
            y, count, _ = carry
            move = jnp.linalg.solve(curvature(x, y, below), slope(x, y, below))
            return y - move, count + 1, jnp.max(jnp.abs(move))

        def going(carry):
            return (carry[1] < 30) & (carry[2] > 1e-8)

        y, *_ = jax.lax.while_loop(going, newton, (y, 0, jnp.asarray(jnp.inf)))
        by_x, by_y = jax.grad(upper, (0, 1))(x, y, above)
        adjoint = jnp.linalg.solve(curvature(x, y, below), by_y)
        cross = jax.vjp(lambda x: slope(x, y, below), x)[1](adjoint)[0]
        return jnp.linalg.norm(by_x - cross), y

    return size


def single_loop(upper: Callable, lower: Callable, response: Any, estimator: Any) -> Solver:
    """Descent of the library on all unknowns at once, with noise that fades."""

    @functools.cache
    def method(setting: tuple[float, float]) -> BilevelDescent:
        rate, upper_rate = map(jnp.asarray, (setting[0], setting[0] * setting[1]))
        return BilevelDescent(upper_rate, (rate, rate), order="simultaneous", estimator=estimator)

    losses = [lambda pair, row, loss=loss: loss(*pair, row) for loss in (upper, lower)]

    def prepare(samples, x, y):
        levels = [
            st.Expectation(loss, st.Batches(rows, BATCH, seed=seed, shuffle="batches"))
            for seed, (loss, rows) in enumerate(zip(losses, samples, strict=True))
        ]
        problem = st.Nested(*levels, response)
        start = problem.embed((x, y))
        return jax.tree.map(jnp.asarray, problem.lower(start)), start

    @eqx.filter_jit
    def begin(prepared):
        system, start = prepared
        return method((0.1, 1.0)).init(system, st.Point(start, {}))

    @eqx.filter_jit
    def steps(method, system, state, chunks):
        return jax.lax.fori_loop(
            0, chunks * CHUNK, lambda _, state: method.step(system, state)[0], state
        )

    def advance(prepared, setting, state, chunks):
        return steps(method(setting), prepared[0], state, jnp.asarray(chunks))

    return Solver(prepare, begin, advance, lambda state: state.seen[0])


def second_order(upper: Callable, lower: Callable) -> Solver:
    """Newton's method with the lower optimality conditions as constraints, on all samples."""
    method = InteriorPoint()

    def mean(loss, level):
        return lambda x, y, data: jnp.mean(jax.vmap(loss, (None, None, 0))(x, y, data[level]))

    losses = mean(upper, 0), mean(lower, 1)

    def prepare(samples, x, y):
        problem = st.Nested(*losses, st.KKT(), data=samples)
        return problem.lower((x, y)), samples, (x, y)

    @eqx.filter_jit
    def begin(prepared):
        system, samples, pair = prepared
        return method.init(system, st.Point(pair, system.zero_duals(pair)), samples)

    @eqx.filter_jit
    def steps(prepared, state, chunks):
        system, samples, _ = prepared
        return jax.lax.fori_loop(
            0, chunks, lambda _, state: method.step(system, state, samples)[0], state
        )

    def advance(prepared, _, state, chunks):
        return steps(prepared, state, jnp.asarray(chunks))

    return Solver(prepare, begin, advance, lambda state: method.point(state).primal[0])


class Run(NamedTuple):
    """How far a contender came."""

    seconds: float
    """Until |grad h| is a thousandth of what it was; infinite where it never is."""
    chunks: int


def reach(solver: Solver, problem: Problem, setting: tuple, budget: float, looks: int) -> Run:
    """Advance until the hypergradient is small, looking whenever 1 / `looks` more steps are taken.

    Looks are not timed.
    """
    samples = problem.upper_samples, problem.lower_samples
    size = hypergradient(problem.upper, problem.lower)
    first, near = size(problem.x, problem.y, *samples)
    prepared = solver.prepare(samples, problem.x, problem.y)
    began = time.perf_counter()
    state = jax.block_until_ready(solver.begin(prepared))
    spent, taken, ahead = time.perf_counter() - began, 0, 1
    while spent < budget:
        began = time.perf_counter()
        state = jax.block_until_ready(solver.advance(prepared, setting, state, ahead))
        spent += time.perf_counter() - began
        taken += ahead
        left, near = size(solver.x(state), near, *samples)
        if not np.isfinite(left):
            break
        if left <= 1e-3 * first:
            return Run(spent, taken)
        ahead = max(1, taken // looks)
    return Run(math.inf, taken)


def again(solver: Solver, problem: Problem, setting: tuple, chunks: int) -> float:
    """The seconds of as many chunks from the start, the least of three times."""
    samples = problem.upper_samples, problem.lower_samples
    prepared = solver.prepare(samples, problem.x, problem.y)
    found = []
    for _ in range(3):
        began = time.perf_counter()
        state = solver.advance(prepared, setting, solver.begin(prepared), chunks)
        jax.block_until_ready(state)
        found.append(time.perf_counter() - began)
    return min(found)


def tuned(solver: Solver, problems: Sequence[Problem], settings: Sequence[tuple]) -> dict[str, Any]:
    """The best setting on the first problem, and the seconds that it takes on each."""
    best, which = math.inf, None
    first = problems[0]
    prepared = solver.prepare((first.upper_samples, first.lower_samples), first.x, first.y)
    state = solver.begin(prepared)
    for _ in range(2):  # compiles, for the first state and for others
        state = solver.advance(prepared, settings[0], state, 1)
    reach(solver, first, settings[0], 1e-3, 3)
    for setting in settings:
        took = reach(solver, first, setting, min(BUDGET, 1.5 * best), 3).seconds
        if took < best:
            best, which = took, setting
    if which is None:
        return {"median": math.inf, "seconds": "does not arrive", "tried": list(settings)}
    runs = [reach(solver, problem, which, BUDGET, 20) for problem in problems]
    times = [
        again(solver, problem, which, run.chunks) if run.seconds < math.inf else math.inf
        for problem, run in zip(problems, runs, strict=True)
    ]
    return {
        "median": statistics.median(times),
        "seconds": times,
        "chunks": [run.chunks for run in runs],
        "setting": which,
    }


def compare(name: str, make: Callable[..., Problem]) -> list[Figure]:
    """Every contender at its best setting."""
    problems = [make(seed=seed) for seed in SEEDS]
    upper, lower = problems[0].upper, problems[0].lower
    grid = list(itertools.product(problems[0].rates, problems[0].shares))
    peers = {"SOBA": soba, "SABA": saba, "SRBA": srba, "F2SA of benchopt": f2sa}
    found = {
        who: tuned(peer(upper, lower, BATCH, CHUNK), problems, grid) for who, peer in peers.items()
    }
    theirs = min(found, key=lambda who: found[who]["median"])
    adjoint = st.Averaged(0.0, exact=False)
    penalised = st.ValueFunction(PENALTY, central=True)
    period = len(jax.tree.leaves(problems[0].lower_samples)[0]) // BATCH
    own = {
        "SAGA": tuned(single_loop(upper, lower, adjoint, SAGA()), problems, grid),
        "SARAH": tuned(single_loop(upper, lower, adjoint, SARAH(period)), problems, grid),
        "F2SA with SAGA": tuned(single_loop(upper, lower, penalised, SAGA()), problems, grid),
        "interior point, all samples": tuned(second_order(upper, lower), problems, [()]),
    }
    ours = min(own, key=lambda who: own[who]["median"])
    found |= own
    what = f"{name}: time to a relative hypergradient of 1e-3"
    peer = "the best of SOBA, SABA, SRBA and F2SA as benchopt's bilevel benchmark has them"
    return [
        _ratio(what, found, ours, theirs, 1.0, peer),
        _ratio(f"{what}, F2SA", found, "F2SA with SAGA", "F2SA of benchopt", 0.7, "its F2SA"),
    ]


def _ratio(
    name: str, found: dict[str, dict], ours: str, theirs: str, at_most: float, peer: str
) -> Figure:
    """Ours over theirs; 0 where only ours arrives; NaN, which meets nothing, where it does not."""
    above, below = found[ours]["median"], found[theirs]["median"]
    detail: dict[str, Any] = {"ours": ours, "theirs": theirs, **found}
    if math.isinf(below):
        detail["note"] = f"{theirs} does not arrive within {BUDGET:g} s on most problems"
    ratio = math.nan if math.isinf(above) else above / below
    return Figure(f"{name}, ratio", ratio, peer, at_most, detail=detail)


PROBLEMS = {"quadratics": quadratics, "logistic tuning": logistic}


def run(names: Sequence[str] = ()) -> list[Figure]:
    """The problems of these names, or all."""
    unknown = set(names) - set(PROBLEMS)
    if unknown:
        raise SystemExit(
            f"no problem is called {', '.join(sorted(unknown))}: {', '.join(PROBLEMS)}"
        )
    return [figure for name in names or PROBLEMS for figure in compare(name, PROBLEMS[name])]
