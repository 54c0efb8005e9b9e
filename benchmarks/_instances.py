"""Many instances of one case, with other data in each: a batch of ours, a loop of IPOPT's."""

import time
from typing import Any

import jax
import numpy as np

import stationary as st

from . import _cutest, _peers
from ._score import score

TILT, SHIFT = 0.05, 0.01
"""Sizes of the perturbations: relative to the gradient, and to the constraints, at the start."""

JUDGED = 40
"""How many lanes of each solver the certificate looks at."""


def perturbed(case: _cutest.Case) -> tuple[st.Minimize, _cutest.Flat]:
    """min f(x) + <tilt, x> subject to c(x) - shift in its cone: ours, and for solvers of arrays.

    Both vectors are data, so that one program serves all instances.
    """
    flat = case.flat
    zero = {"tilt": np.zeros(flat.x0.size), "shift": np.zeros(flat.m)}

    def objective(x, data):
        return flat.objective(x) + data["tilt"] @ x

    def constraints(x, data):
        return flat.constraints(x) - data["shift"]

    parts = {
        "equalities": (st.equal, slice(None, flat.equalities), flat.equalities),
        "inequalities": (st.at_most, slice(flat.equalities, None), flat.m - flat.equalities),
    }
    subject_to = {
        name: make(lambda x, data, part=part: constraints(x, data)[part])
        for name, (make, part, size) in parts.items()
        if size
    }
    bounded = np.isfinite(flat.lower).any() or np.isfinite(flat.upper).any()
    over = st.Box(flat.lower, flat.upper) if bounded else None  # pyright: ignore[reportArgumentType]
    statement = st.Minimize(objective, subject_to, over, zero)
    instance = flat._replace(
        objective=objective,
        constraints=constraints if flat.m else None,
        unflatten=lambda x: x,
    )
    return statement, instance


def data(case: _cutest.Case, lanes: int) -> dict[str, np.ndarray]:
    """Perturbations of all lanes, each array with a leading lane axis."""
    rng, flat = np.random.default_rng(0), case.flat
    steep = np.max(np.abs(np.asarray(jax.grad(flat.objective)(flat.x0))), initial=0.0)
    large = np.abs(np.asarray(flat.constraints(flat.x0))) if flat.m else np.zeros(0)
    return {
        "tilt": TILT * max(float(steep), 1e-3) * rng.normal(size=(lanes, flat.x0.size)),
        "shift": SHIFT * (1 + large) * rng.normal(size=(lanes, flat.m)),
    }


def batch(task: dict[str, Any]) -> dict[str, Any]:
    """Solved instances a second, of ours and of IPOPT's, both compiled beforehand.

    **Arguments:**

    - `task`: `case`, `solver` (one of our methods), `lanes`, `seconds` (IPOPT's limit for each).
    """
    case, lanes = _cutest.load(task["case"]), task["lanes"]
    statement, flat = perturbed(case)
    every = data(case, lanes)
    starts = np.broadcast_to(flat.x0, (lanes, flat.x0.size))
    method = None if task["solver"] == "default" else getattr(st.methods, task["solver"])()

    def ours() -> st.BatchSolution:
        return st.solve_batch(
            statement, starts, method, data=every, tol=task["tol"], max_seconds=300.0
        )

    began = time.perf_counter()
    ours()
    compiling = time.perf_counter() - began
    rounds = []
    for _ in range(3):
        began = time.perf_counter()
        solution = ours()
        rounds.append(time.perf_counter() - began)
    taken = float(np.median(rounds))

    rows = [jax.tree.map(lambda x, i=i: x[i], every) for i in range(lanes)]
    oracles = _peers.Oracles(flat, rows[0])
    ipopt = _peers.Ipopt(oracles, task["seconds"])
    ipopt.solve()
    answers = []
    began = time.perf_counter()
    for row in rows:
        oracles.data = (row,)
        answers.append(ipopt.solve())
    loop = time.perf_counter() - began

    judged = np.random.default_rng(1).choice(lanes, min(JUDGED, lanes), replace=False)
    good, theirs, false = [], [], 0
    for i in judged:
        duals = {name: dual[i] for name, dual in solution.duals.items()}
        good.append(score(statement, solution.value[i], duals, rows[i]).solved)
        theirs.append(score(statement, answers[i].x, answers[i].duals, rows[i]).solved)
        false += bool(solution.converged[i]) and not good[-1]
    rate, rival = lanes * np.mean(good) / taken, lanes * np.mean(theirs) / loop
    return {
        "case": case.name,
        "solver": task["solver"],
        "n": flat.x0.size,
        "m": case.flat.m,
        "lanes": lanes,
        "ratio": float(rate / rival) if rival else None,
        "our seconds": taken,
        "our seconds with compiling": compiling,
        "our claims": int(solution.converged.sum()),
        "our share solved": float(np.mean(good)),
        "falsely converged": false,
        "their seconds": loop,
        "their claims": sum(answer.claims for answer in answers),
        "their share solved": float(np.mean(theirs)),
    }
