"""A front of two objectives: 41 weights on one path, beside an evolutionary search."""

import statistics

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary.fields import MaxTypeElliptic
from stationary.pareto import ParetoFront, hypervolume, nondominated, pareto_front, simplex_lattice

from ._figure import Figure, seconds

KAPPA, SIGMA, WEIGHTS = 10.0, 1e-3, 41
POPULATION, ROUNDS, TIMES = 100, 3, 10
"""The search gets so many individuals and runs, and so many times our seconds for each."""
BOUND = 15.0
"""Controls are searched between these values; the front's lie within two thirds of them."""
SINES = 8
"""How many sines make a control where the search is told that controls are smooth."""


def control_problem(points: int) -> st.Balance:
    """Half the squared distances to sin(pi x) and -sin(pi x) / 2, with the control's cost."""
    equation = MaxTypeElliptic(KAPPA, points)
    laplacian, sine = equation.laplacian, np.sin(np.pi * equation.laplacian.points[0])

    def track(target):
        def objective(control):
            off = equation.solve(control) - target
            cost = laplacian.inner(control, control)
            return 0.5 * laplacian.inner(off, off) + 0.5 * SIGMA * cost

        return objective

    return st.Balance({"up": track(sine), "down": track(-0.5 * sine)})


def evolve(problem: st.Balance, basis: np.ndarray, seconds_: float, seed: int) -> tuple:
    """The values that NSGA-II ends with under pymoo's usual operators, and its generations.

    **Arguments:**

    - `basis`: fields of which the unknowns are coefficients, shape `(unknowns, points)`.
    - `seconds_`: how long it may search; compiling is not counted.
    - `seed`: of its random numbers.
    """
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.optimize import minimize
    from pymoo.termination.max_time import TimeBasedTermination

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
    found = minimize(
        Control(),
        NSGA2(pop_size=POPULATION),
        TimeBasedTermination(seconds_),
        seed=seed,
        verbose=False,
    )
    return np.asarray(found.F), int(found.algorithm.n_gen)


def compare(points: int, smooth: bool, at_least: float | None) -> Figure:
    """Our hypervolume over the best of theirs.

    **Arguments:**

    - `points`: inner points of the interval: the unknowns.
    - `smooth`: search among sums of sines, which takes knowing that controls are smooth.
    - `at_least`: the target.
    """
    problem, weights = control_problem(points), simplex_lattice(2, WEIGHTS - 1)

    def ours() -> ParetoFront:
        return pareto_front(problem, jnp.zeros(points), weights)

    first, front = seconds(ours), ours()
    took = statistics.median(seconds(ours) for _ in range(ROUNDS))
    assert front.converged.all() and front.nondominated.all()
    corner = front.table.max(axis=0) + 0.1 * np.ptp(front.table, axis=0)
    volume, basis = front.hypervolume(corner), np.eye(points)
    if smooth:
        x = np.arange(1, points + 1) / (points + 1)
        basis = np.sin(np.pi * np.arange(1, SINES + 1)[:, None] * x)
    found = [evolve(problem, basis, TIMES * took, seed) for seed in range(ROUNDS)]
    volumes = [hypervolume(values, corner) for values, _ in found]
    beaten = [
        int(np.sum(~nondominated(np.concatenate([front.table, values]))[: len(front)]))
        for values, _ in found
    ]
    unknowns = f"{SINES} sines" if smooth else f"{points} grid values"
    return Figure(
        f"front, {unknowns}: hypervolume in a tenth of the time, ratio",
        volume / max(volumes),
        f"pymoo's NSGA-II on {unknowns}",
        at_least=at_least,
        detail={
            "hypervolume, ours": volume,
            "hypervolumes, theirs": volumes,
            "seconds, ours": took,
            "seconds, ours, with compiling": first,
            "seconds, theirs": TIMES * took,
            "points of ours that theirs dominate": max(beaten),
            "steps, ours": int(front.steps.sum()),
            "points, ours": len(front),
            "points, theirs": POPULATION,
            "generations, theirs": [generations for _, generations in found],
        },
    )


def run(options: list[str]) -> list[Figure]:
    """Grids of two sizes, and a search that is told what controls look like."""
    return [
        compare(160, smooth=False, at_least=1.05),
        compare(80, smooth=False, at_least=1.05),
        compare(160, smooth=True, at_least=None),
    ]
