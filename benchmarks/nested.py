"""Nested problems: constrained machines beside a conic solver, and degenerate lower problems.

`python -m benchmarks nested [comparison ...]`; without names, all comparisons.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import stationary as st
from stationary.atlas.nested.proximal_lagrangian import _machine
from stationary.atlas.nested.proximal_lagrangian._machines import conic_projection
from stationary.methods import BilevelDescent

from ._figure import Figure, alternate, ratio, seconds, summary
from ._nested_peers import Rates, conic_loop, implicit_loop, torch_loop

STEPS = 200
"""Of the loop on machines: enough for nine tenths of what the validation loss falls by."""


def machines() -> list[Figure]:
    """Costs of a support vector machine, to the validation loss of 200 steps."""
    rng = np.random.default_rng(0)
    split = _machine.generated(rng)
    stated, pair = _machine.statement(split), _machine.start(rng, split)
    method, data = _machine.METHOD, stated.data
    system, unknown = stated.lower(pair), stated.embed(pair)

    @jax.jit
    def losses(unknown, data):
        begun = method.init(system, st.Point(unknown, system.zero_duals(unknown)), data)

        def step(state, _):
            state, metrics = method.step(system, state, data)
            return state, metrics.objective

        return begun.rates, jax.lax.scan(step, begun, None, length=STEPS)[1]

    first = seconds(lambda: jax.block_until_ready(losses(unknown, data)))
    (*_, inner, duals), ours = losses(unknown, data)
    rates = Rates(0.1, 0.1, float(inner), float(duals))
    project = conic_projection(split)
    theirs = conic_loop(split, pair, rates, STEPS, project)
    # The same iterations, but for the conic solver's accuracy.
    assert abs(float(ours[-1]) - theirs[-1]) < 1e-4, (ours[-1], theirs[-1])

    times = alternate(
        3,
        ours=lambda: jax.block_until_ready(losses(unknown, data)),
        conic=lambda: conic_loop(split, pair, rates, STEPS, project),
    )
    detail = summary(times) | {
        "compiling and first run, s": first,
        "validation loss at the start": float(ours[0]),
        "validation loss, ours": float(ours[-1]),
        "validation loss, with the conic solver": float(theirs[-1]),
        "steps": STEPS,
    }
    name = "support vector machines to one validation loss, time ratio"
    peer = "the same loop in NumPy with a projection by CVXPY and Clarabel"
    return [Figure(name, ratio(times, "conic", "ours"), peer, at_least=20, detail=detail)]


LANES, SIZE, RANK, UPPER = 200, 1000, 10, 5
ROUNDS = 2


class Settings(NamedTuple):
    """Rates that suit the degenerate quadratics, for both sides."""

    upper: float = 0.2
    rate: float = 0.7
    momentum: float = 0.98
    inner: int = 5
    penalty: float = 6000.0

    def penalty_at(self, k: Any) -> Any:
        """From 10 upwards, so that x settles before the penalty makes y slow."""
        return min(self.penalty, 10 * 1.02**k)


SETTINGS = Settings()


def degenerate() -> list[Figure]:
    """Quadratics whose lower Hessian has rank 10 of 1000, with their optimistic answers."""
    data = quadratics()
    answers = [answer(jax.tree.map(lambda v, i=i: v[i], data)) for i in range(LANES)]
    rule = optax.sgd(SETTINGS.rate, momentum=SETTINGS.momentum, nesterov=True)
    method = BilevelDescent(SETTINGS.upper, (rule, rule), inner_steps=SETTINGS.inner)
    responses = {
        "value function": st.ValueFunction(_penalty),
        "averaged": st.Averaged(1 / SETTINGS.penalty, exact=False),
    }
    solvers = {name: _batch(response, method) for name, response in responses.items()}
    errors, steps = {}, {}
    for name, solver in solvers.items():
        outcome = solver(data)
        errors[name] = _errors(outcome.point.primal, answers)
        steps[name] = int(np.median(outcome.steps))

    # The peer takes as many steps as ours do, in the median, on a few of the instances.
    few = 3
    one = [jax.tree.map(lambda v, i=i: v[i], data) for i in range(few)]

    def theirs():
        return [torch_loop(row, SETTINGS, steps["value function"]) for row in one]

    pairs = theirs()
    peer_error = max(_error(own, answers[i]) for i, own in enumerate(pairs))
    times = {
        name: [seconds(lambda s=solver: jax.block_until_ready(s(data))) for _ in range(ROUNDS)]
        for name, solver in solvers.items()
    }
    times["torch"] = [seconds(theirs) for _ in range(ROUNDS)]
    # By the implicit function theorem, on a tenth of the instances.
    rows = [jax.tree.map(lambda v, i=i: v[i], data) for i in range(LANES // 10)]
    lost = np.array(
        [_error(implicit_loop(row, SETTINGS, 200), answers[i]) for i, row in enumerate(rows)]
    )
    detail = summary(times) | {
        "steps, median": steps,
        "largest error": {name: float(own.max()) for name, own in errors.items()},
        "PyTorch: instances timed": few,
        "PyTorch: largest error": peer_error,
        "implicit derivatives by CG: least error": float(np.min(lost)),
        "implicit derivatives by CG: not finite": float(np.mean(~np.isfinite(lost))),
    }
    figures = []
    for name, own in errors.items():
        label = f"{LANES} degenerate quadratics, {name}"
        share = float(np.mean(own <= 1e-3))
        figures.append(
            Figure(f"{label}: share solved to 1e-3", share, "none: a share", at_least=1.0)
        )
        speed = ratio(times, "torch", name) * LANES / few
        peer = "a loop over instances in PyTorch, value function, same steps"
        figures.append(
            Figure(f"{label}: throughput ratio", speed, peer, at_least=10, detail=detail)
        )
    wrong = float(np.mean(~(lost <= 1e-3)))
    name = f"{lost.size} of them, implicit derivatives by CG: share wrong or not finite"
    figures.append(Figure(name, wrong, "none: a share", at_least=1.0))
    return figures


def quadratics() -> dict[str, np.ndarray]:
    """F = |y - T x - y0|^2 / 2 + |x - x0|^2 / 2 over g = |A y - C x|^2 / 2, by instance."""
    rng = np.random.default_rng(0)
    return {
        "A": rng.normal(size=(LANES, RANK, SIZE)) / SIZE**0.5,
        "C": rng.normal(size=(LANES, RANK, UPPER)) / RANK**0.5,
        "T": rng.normal(size=(LANES, SIZE, UPPER)) / SIZE**0.5,
        "y0": rng.normal(size=(LANES, SIZE)),
        "x0": rng.normal(size=(LANES, UPPER)),
    }


def answer(d: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The least F with A y = C x, from its linear equations; y = T x + y0 - A' m."""
    across = d["A"] @ d["T"] - d["C"]
    matrix = np.block([[across, -d["A"] @ d["A"].T], [np.eye(UPPER), across.T]])
    x, m = np.split(np.linalg.solve(matrix, np.concatenate([-d["A"] @ d["y0"], d["x0"]])), [UPPER])
    return x, d["T"] @ x + d["y0"] - d["A"].T @ m


def _upper(x, y, d):
    off = y - d["T"] @ x - d["y0"]
    return 0.5 * jnp.vdot(off, off) + 0.5 * jnp.sum((x - d["x0"]) ** 2)


def _lower(x, y, d):
    return 0.5 * jnp.sum((d["A"] @ y - d["C"] @ x) ** 2)


def _penalty(k):
    return jnp.minimum(SETTINGS.penalty, 10 * 1.02**k)


def _batch(response: Any, method: Any) -> Callable[[Any], st.Outcome]:
    """All instances at once, from zero."""

    def one(d):
        problem = st.Nested(_upper, _lower, response, data=d)
        pair = (jnp.zeros(UPPER), jnp.zeros(SIZE))
        return st.run(problem, pair, method, max_steps=3000, tol=1e-6, differentiable=False)

    return eqx.filter_jit(jax.vmap(one))


def _errors(primal: tuple, answers: Sequence[tuple]) -> np.ndarray:
    rows = list(zip(np.asarray(primal[0]), np.asarray(primal[1]), strict=True))
    return np.array([_error(own, answers[i]) for i, own in enumerate(rows)])


def _error(own: tuple, known: tuple) -> float:
    """The larger of the relative errors of x and y."""
    return max(
        float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in zip(own, known, strict=True)
    )


COMPARISONS = {"machines": machines, "degenerate": degenerate}


def run(names: Sequence[str] = ()) -> list[Figure]:
    """The comparisons of these names, or all."""
    unknown = set(names) - set(COMPARISONS)
    if unknown:
        raise SystemExit(
            f"no comparison is called {', '.join(sorted(unknown))}: {', '.join(COMPARISONS)}"
        )
    return [figure for name in names or COMPARISONS for figure in COMPARISONS[name]()]
