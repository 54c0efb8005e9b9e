"""The experiments of paper 43: closed forms, random Jacobians, quadratics, samples and speed."""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

from stationary.atlas import Measurements, Table
from stationary.methods import (
    MGDA,
    DualProj,
    UPGrad,
    project_on_dual_cone,
    sample_jacobian,
)

from ._quadratics import quadratics
from ._samples import initial, loss, samples

EXAMPLE = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
KNOWN = {
    "UPGrad": (UPGrad(), np.array([50.0, 325.0, 325.0]) / 171),
    "DualProj": (DualProj(), np.array([5.0, 10.0, 10.0]) / 9),
    "MGDA": (MGDA(), np.array([0.0, 1.0, 1.0])),
}


def measure(scale, seed, observe):
    """All claims; `laptop` differs from `smoke` in instances and seeds, and times things."""
    found = Measurements()
    laptop = scale == "laptop"
    for part in (example, properties, quadratics, memory):
        observe(part.__doc__)
        part(found, seed, laptop)
    if laptop:
        for part in (projection, samples):
            observe(part.__doc__)
            part(found, seed)
    return found


def example(found, seed, laptop):
    """The two gradients of the paper's software."""
    rows = []
    for name, (rule, want) in KNOWN.items():
        update, weights = rule.combine(jnp.asarray(EXAMPLE))
        error = float(np.max(np.abs(np.asarray(update) - want)))
        rows.append((name, *np.asarray(update).tolist(), *np.asarray(weights).tolist(), error))
    found.values["exactness"] = max(row[-1] for row in rows)
    columns = ("rule", "update 1", "2", "3", "weight 1", "2", "error")
    found.tables["Updates of (-4, 1, 1) and (6, 1, 1)"] = Table(columns, tuple(rows))

    gram = EXAMPLE @ EXAMPLE.T
    added = gram / np.trace(gram) + 1e-4 * np.eye(2)
    weights = np.asarray(project_on_dual_cone(added, np.eye(2) / 2).weights).sum(axis=0)
    printed = np.array([0.2929, 1.9004, 1.9004])
    found.values["regularised"] = float(np.max(np.abs(weights @ EXAMPLE - printed)))

    def additivity(rule):
        def of(factors):
            return np.asarray(rule.combine(jnp.asarray(np.array(factors)[:, None] * EXAMPLE))[0])

        whole = of((11.0, 11.0))
        return float(np.linalg.norm(of((10.0, 1.0)) + of((1.0, 10.0)) - whole)) / float(
            np.linalg.norm(whole)
        )

    found.values["DualProj scaling"] = additivity(DualProj())


def properties(found, seed, laptop):
    """Random Jacobians of all ranks and scales."""
    rng = np.random.default_rng(seed)
    counts = (2, 4, 8, 16) if laptop else (8,)  # each has a program of its own
    weigh = jax.jit(jax.vmap(UPGrad().weights))
    conflict, scaling, mean_conflicts = [], [], []
    for m in counts:
        jacobians = []
        for n in (2, 8, 64):
            for _ in range(84 if laptop else 80):
                rank = rng.integers(1, min(m, n) + 1)
                j = rng.standard_normal((m, rank)) @ rng.standard_normal((rank, n))
                jacobians.append(j * 10.0 ** rng.uniform(-4, 4, (m, 1)))
        factors = rng.uniform(0.1, 10, (2, len(jacobians), m, 1))

        def update(scales, jacobians=jacobians):
            scaled = [c * j for c, j in zip(scales, jacobians, strict=True)]
            weights = np.asarray(weigh(jnp.asarray(np.stack([j @ j.T for j in scaled]))))
            return [w @ j for w, j in zip(weights, scaled, strict=True)]

        plain = update(np.ones_like(factors[0]))
        parts = update(factors[0]), update(factors[1]), update(factors[0] + factors[1])
        for j, d, one, two, both in zip(jacobians, plain, *parts, strict=True):
            size = np.linalg.norm(j)
            conflict.append(np.min(j @ d) / (size * max(np.linalg.norm(d), 1e-6 * size)))
            scaling.append(np.linalg.norm(one + two - both) / size)
            if np.min(j @ j.T) < 0:
                mean_conflicts.append(bool(np.min(j @ j.mean(axis=0)) < 0))
    found.values["no conflict"] = min(conflict)
    found.values["scaling"] = max(scaling)
    found.values["mean conflicts"] = float(np.mean(mean_conflicts))
    found.notes.append(
        f"{len(conflict)} random Jacobians, {len(mean_conflicts)} with a conflict. Errors of "
        "additivity are relative to the norm of the Jacobian."
    )


def memory(found, seed, laptop):
    """Inner products over samples, with and without the Jacobian."""
    rng = np.random.default_rng(seed)
    params = initial(rng, (512, 512, 512, 10))
    rows = jnp.asarray(rng.standard_normal((64, 512))), jnp.asarray(rng.integers(0, 10, 64))
    weights = jnp.asarray(rng.uniform(0, 1, 64))

    def without(params, rows, weights):
        jacobian = sample_jacobian(loss, params, rows)
        return jacobian.gramian(), jacobian.combine(weights)

    def within(params, rows, weights):
        jacobian = jax.vmap(jax.grad(loss), in_axes=(None, 0))(params, rows)
        flat = [leaf.reshape(64, -1) for leaf in jax.tree.leaves(jacobian)]
        update = jax.tree.map(lambda leaf: jnp.tensordot(weights, leaf, 1), jacobian)
        return sum(leaf @ leaf.T for leaf in flat), update

    programs = [jax.jit(f).lower(params, rows, weights).compile() for f in (without, within)]
    held = [program.memory_analysis().temp_size_in_bytes for program in programs]  # pyright: ignore
    found.values["memory"] = held[0] / held[1]
    rows_of_table = [("without", held[0] / 1e6), ("with", held[1] / 1e6)]
    columns = ("the Jacobian", "MB")
    if laptop:
        tasks = [lambda p=p: jax.block_until_ready(p(params, rows, weights)) for p in programs]
        times = _alternate(9, *tasks)
        found.values["time"] = statistics.median(a / b for a, b in zip(*times, strict=True))
        rows_of_table = [
            (*row, 1e3 * statistics.median(own))
            for row, own in zip(rows_of_table, times, strict=True)
        ]
        columns = (*columns, "ms, median")
    found.tables["A step on 64 samples of a network of width 512"] = Table(
        columns, tuple(rows_of_table)
    )


def projection(found, seed):
    """The time of a projection, beside an active-set method on the host."""
    from scipy.optimize import nnls
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    rows = []
    for m in (8, 32, 128):
        j = rng.standard_normal((m, m - 1))
        gram = jnp.asarray(j @ j.T)
        weigh = jax.jit(UPGrad().weights)

        def host(j=j):
            return [nnls(j.T, -g, maxiter=10_000) for g in j]

        # On a busy machine the threads of a BLAS wait for each other longer than they work.
        with threadpool_limits(1, "blas"):
            times, base = _alternate(7, lambda w=weigh, g=gram: w(g).block_until_ready(), host)
        ratio = statistics.median(a / b for a, b in zip(times, base, strict=True))
        rows.append((m, 1e3 * statistics.median(times), 1e3 * statistics.median(base), ratio))
    found.values["projection time"] = rows[-1][-1]
    found.tables["Weights from a Gramian of rank m - 1"] = Table(
        ("m", "together, ms", "one by one, ms", "ratio"), tuple(rows)
    )


def _alternate(rounds, *tasks):
    for task in tasks:
        task()
    times = [[] for _ in tasks]
    for _ in range(rounds):
        for own, task in zip(times, tasks, strict=True):
            began = time.process_time()
            task()
            own.append(time.process_time() - began)
    return times
