"""A front of two objectives: 41 weights on one path, beside an evolutionary search."""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary.fields import MaxTypeElliptic
from stationary.pareto import ParetoFront, hypervolume, nondominated, pareto_front, simplex_lattice

from ._figure import Figure, seconds

POINTS, KAPPA, SIGMA, WEIGHTS = 80, 10.0, 1e-3, 41
POPULATION, GENERATIONS, ROUNDS = 100, 400, 3
BOUND = 15.0
"""Controls are searched between these values; the front's lie within two thirds of them."""
SINES = 8
"""How many sines make a control where the search is told that controls are smooth."""


def control_problem() -> st.Balance:
    """Half the squared distances to sin(pi x) and -sin(pi x) / 2, with the control's cost."""
    equation = MaxTypeElliptic(KAPPA, POINTS)
    laplacian, sine = equation.laplacian, np.sin(np.pi * equation.laplacian.points[0])

    def track(target):
        def objective(control):
            off = equation.solve(control) - target
            cost = laplacian.inner(control, control)
            return 0.5 * laplacian.inner(off, off) + 0.5 * SIGMA * cost

        return objective

    return st.Balance({"up": track(sine), "down": track(-0.5 * sine)})


def evolve(problem: st.Balance, basis: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """The values that NSGA-II ends with under pymoo's usual operators, and its seconds.

    **Arguments:**

    - `basis`: fields of which the unknowns are coefficients, shape `(unknowns, POINTS)`.
    - `seed`: of its random numbers.
    """
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.optimize import minimize

    @jax.jit
    def evaluate(rows):
        def both(row):
            return jnp.stack([fn(row @ basis) for fn in problem.objectives.values()])

        return jax.vmap(both)(rows)

    class Control(Problem):
        def __init__(self):
            super().__init__(n_var=len(basis), n_obj=2, xl=-BOUND, xu=BOUND)

        def _evaluate(self, x, out, *args, **kwargs):
            out["F"] = np.asarray(evaluate(x))

    jax.block_until_ready(evaluate(np.zeros((POPULATION, len(basis)))))
    began = time.perf_counter()
    found = minimize(
        Control(), NSGA2(pop_size=POPULATION), ("n_gen", GENERATIONS), seed=seed, verbose=False
    )
    return np.asarray(found.F), time.perf_counter() - began


def run(options: list[str]) -> list[Figure]:
    """Hypervolumes and times, compiled on both sides."""
    problem, weights = control_problem(), simplex_lattice(2, WEIGHTS - 1)

    def ours() -> ParetoFront:
        return pareto_front(problem, jnp.zeros(POINTS), weights)

    first = seconds(ours)
    times = [seconds(ours) for _ in range(ROUNDS)]
    front = ours()
    assert front.converged.all() and front.nondominated.all()
    corner = front.table.max(axis=0) + 0.1 * np.ptp(front.table, axis=0)
    volume, took = front.hypervolume(corner), statistics.median(times)

    (x,) = MaxTypeElliptic(KAPPA, POINTS).laplacian.points
    sines = np.sin(np.pi * np.arange(1, SINES + 1)[:, None] * x)
    figures = []
    for name, basis in (("grid values", np.eye(POINTS)), (f"{SINES} sines", sines)):
        volumes, spent, beaten = [], [], []
        for seed in range(ROUNDS):
            values, seconds_ = evolve(problem, basis, seed)
            volumes.append(hypervolume(values, corner))
            spent.append(seconds_)
            both = nondominated(np.concatenate([front.table, values]))
            beaten.append(int(np.sum(~both[: len(front)])))
        detail = {
            "hypervolume, ours": volume,
            "hypervolumes, theirs": volumes,
            "seconds, ours": took,
            "seconds, ours, with compiling": first,
            "seconds, theirs": spent,
            "points of ours that theirs dominate": max(beaten),
            "evaluations, theirs": POPULATION * GENERATIONS,
            "steps, ours": int(front.steps.sum()),
        }
        peer = f"pymoo's NSGA-II on {name}"
        best, fastest = max(volumes), min(spent)
        told = name != "grid values"
        figures += [
            Figure(
                f"front, {name}: hypervolume, ratio",
                volume / best if best else float("inf"),
                peer,
                at_least=None if told else 1.05,
                detail=detail,
            ),
            Figure(
                f"front, {name}: time, ratio",
                took / fastest,
                peer,
                at_most=None if told else 0.1,
            ),
        ]
    return figures
