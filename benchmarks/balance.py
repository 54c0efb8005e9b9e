"""Several objectives: aggregation, and training that balances samples, against TorchJD.

`python -m benchmarks balance`; the figures are also written to results/balance.json. Both sides may
use the cores of this process: torch's threads are set to their number, which is what XLA takes.
"""

import argparse
import dataclasses
import itertools
import json
import os
import statistics
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch
from scipy.optimize import nnls
from threadpoolctl import threadpool_limits
from torchjd.aggregation import UPGradWeighting
from torchjd.autogram import Engine

from stationary._nonnegative import minimize_over_nonnegative
from stationary.methods import UPGrad, sample_jacobian

from ._figure import Figure, alternate, ratio, summary

RESULTS = Path(__file__).parent / "results" / "balance.json"
SIZES = (2, 8, 32, 128)
LANES = 64
WIDTHS, SAMPLES = (512, 512, 10), 64


def run(arguments: list[str] | None = None) -> list[Figure]:
    """Accuracy and time of UPGrad weights, of many at once, and of a step that balances samples."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks balance", description=run.__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="a JSON file")
    options = parser.parse_args(arguments or [])
    torch.set_num_threads(_cores())
    # On a busy machine the threads of a BLAS wait for each other longer than they work.
    with threadpool_limits(1, "blas"):
        figures = [*projections(), *training()]
    from .__main__ import machine

    rows = [dataclasses.asdict(f) | {"met": f.met} for f in figures]
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps({"machine": machine(), "figures": rows}, indent=2) + "\n")
    return figures


def projections() -> list[Figure]:
    """UPGrad weights from Gramians of rank m - 1."""
    rng, figures = np.random.default_rng(0), []
    weigh, many = jax.jit(UPGrad().weights), jax.jit(jax.vmap(UPGrad().weights))
    peer = UPGradWeighting()
    for m in SIZES:
        # Each of the largest takes TorchJD half a second: a part of them in the loop.
        count = min(LANES, 512 // m) if m < 128 else 1
        jacobians = rng.standard_normal((LANES, m, m - 1))
        grams = jacobians @ jacobians.transpose(0, 2, 1)
        ours, theirs = jnp.asarray(grams), torch.tensor(grams)
        figures.append(
            Figure(
                f"m = {m}: error of the updates",
                max(error(jacobian) for jacobian in jacobians[: 1 if m > 32 else 4]),
                "scipy's nonnegative least squares on the gradients",
                at_most=1e-9,
            )
        )
        # Some calls in a row: to wake up after the other side's takes longer than a small one.
        calls = range(10 if m < 128 else 1)
        times = alternate(
            7 if m < 128 else 3,
            ours=lambda g=ours[0], calls=calls: [weigh(g).block_until_ready() for _ in calls],
            torchjd=lambda g=theirs[0], calls=calls: [peer(g) for _ in calls],
        )
        figures.append(
            Figure(
                f"m = {m}: times as fast",
                ratio(times, "torchjd", "ours"),
                "TorchJD's UPGradWeighting",
                at_least={2: 1.0, 128: 5.0}.get(m),
                detail=summary(times) | {"calls": len(calls)},
            )
        )
        times = alternate(
            7 if m < 128 else 3,
            ours=lambda g=ours, calls=calls: [many(g).block_until_ready() for _ in calls],
            torchjd=lambda g=theirs, count=count, calls=calls: [
                peer(one) for _ in calls for one in g[:count]
            ],
        )
        figures.append(
            Figure(
                f"m = {m}, {LANES} Gramians at once: times as fast",
                ratio(times, "torchjd", "ours") * LANES / count,
                "a loop over TorchJD's UPGradWeighting",
                at_least=20.0,
                detail=summary(times)
                | {"calls": len(calls), "Gramians in the loop": count, "threads": _cores()},
            )
        )
    return figures


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def error(jacobian: np.ndarray) -> float:
    """The largest error of a projected gradient of unit length, against an active-set method."""
    unit = jacobian / np.linalg.norm(jacobian, axis=1, keepdims=True)
    gram = jnp.asarray(unit @ unit.T)
    found = np.asarray(minimize_over_nonnegative(gram, gram).value)
    want = np.stack([g + nnls(unit.T, -g, maxiter=10_000)[0] @ unit for g in unit])
    return float(np.max(np.linalg.norm((found + np.eye(len(unit))) @ unit - want, axis=1)))


def training() -> list[Figure]:
    """One step on the losses of 64 samples: weights and the weighted gradient."""
    rng = np.random.default_rng(0)
    arrays = [
        (rng.standard_normal((a, b)) * (2 / a) ** 0.5, rng.standard_normal(b) * 0.1)
        for a, b in itertools.pairwise(WIDTHS)
    ]
    x, labels = rng.standard_normal((SAMPLES, WIDTHS[0])), rng.integers(0, WIDTHS[-1], SAMPLES)
    step = jax.jit(_step)
    # Equal updates, with what TorchJD adds to the Gramian taken as small as it accepts.
    params, rows = _as(jnp.float64, arrays, x, labels)
    module, engine, weighting = _torch(arrays, torch.float64, 1e-12)
    inputs, targets = torch.tensor(x), torch.tensor(labels)
    _torch_step(module, engine, weighting, inputs, targets)
    ours = step(params, rows)
    linear = [layer for layer in module if isinstance(layer, torch.nn.Linear)]
    theirs = [(layer.weight.grad.numpy().T, layer.bias.grad.numpy()) for layer in linear]
    pairs = list(zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True))
    size = max(float(np.max(np.abs(b))) for _, b in pairs)
    apart = max(float(np.max(np.abs(np.asarray(a) - b))) for a, b in pairs) / size

    params, rows = _as(jnp.float32, arrays, x, labels)
    module, engine, weighting = _torch(arrays, torch.float32, 1e-4)
    inputs = torch.tensor(x, dtype=torch.float32)
    times = alternate(
        9,
        ours=lambda: jax.block_until_ready(step(params, rows)),
        torchjd=lambda: _torch_step(module, engine, weighting, inputs, targets),
    )
    held = step.lower(params, rows).compile().memory_analysis().temp_size_in_bytes
    theirs = _torch_memory(lambda: _torch_step(module, engine, weighting, inputs, targets))
    peer = "TorchJD's autogram engine and UPGradWeighting"
    return [
        Figure("balancing 64 samples: relative difference of updates", apart, peer, at_most=1e-6),
        Figure(
            "balancing 64 samples: times as fast",
            ratio(times, "torchjd", "ours"),
            peer,
            at_least=1.5,
            detail=summary(times),
        ),
        Figure(
            "balancing 64 samples: memory for what lies between, ratio",
            held / theirs,
            peer,
            at_most=1.0,
            detail={"ours, bytes": held, "torchjd, bytes": theirs},
        ),
    ]


def _loss(params, row):
    x, label = row
    for weight, bias in params[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    weight, bias = params[-1]
    return -jax.nn.log_softmax(x @ weight + bias)[label]


def _step(params, rows):
    jacobian = sample_jacobian(_loss, params, rows)
    return jacobian.combine(UPGrad().weights(jacobian.gramian()))


def _as(dtype, arrays, x, labels):
    return jax.tree.map(lambda a: jnp.asarray(a, dtype), arrays), (
        jnp.asarray(x, dtype),
        jnp.asarray(labels),
    )


def _torch(arrays, dtype, added):
    from torchjd.linalg import QuadprogProjector

    layers = []
    for weight, bias in arrays:
        layer = torch.nn.Linear(*weight.shape, dtype=dtype)
        layer.weight.data = torch.tensor(weight.T.copy(), dtype=dtype)
        layer.bias.data = torch.tensor(bias, dtype=dtype)
        layers += [layer, torch.nn.ReLU()]
    module = torch.nn.Sequential(*layers[:-1])
    weighting = UPGradWeighting(projector=QuadprogProjector(norm_eps=0.0, reg_eps=added))
    return module, Engine(module, batch_dim=0), weighting


def _torch_step(module, engine, weighting, inputs, targets):
    module.zero_grad()
    losses = torch.nn.functional.cross_entropy(module(inputs), targets, reduction="none")
    losses.backward(weighting(engine.compute_gramian(losses)))


def _torch_memory(step) -> float:
    """The most that is allocated at once during a step, over what there was before."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        step()
    held = most = 0
    for event in recorded.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return float(most)


if __name__ == "__main__":
    began = time.perf_counter()
    jax.config.update("jax_enable_x64", True)
    for figure in run():
        print(f"{figure.name}: {figure.measured:.4g} ({figure.target})")
    print(f"{statistics.fmean([time.perf_counter() - began]):.0f} s")
