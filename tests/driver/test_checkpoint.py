"""Checkpoints: bitwise resume after kill -9, and files that are refused whole."""

import os
import signal
import subprocess
import sys
import time

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st

SCRIPT = """
import sys, jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp, numpy as np, optax, stationary as st
rows = np.random.default_rng(0).normal(size=(101, 4))
def sample(x, row):
    return jnp.sum((x - row) ** 2)
problem = st.Minimize(
    st.Expectation(sample, st.Batches(rows, 16)), {"cap": st.at_most(jnp.sum, -0.3)}
)
method = st.methods.PrimalDual(optax.adam(1e-4), dual=1e-4)
solution = st.solve(problem, np.ones(4), method, max_steps=int(sys.argv[2]), tol=1e-12, seed=3,
                    checkpoint=sys.argv[1], checkpoint_every=0.05, resume=True)
np.savez(sys.argv[1] + ".npz", x=solution.value, dual=solution.duals["cap"],
         trace=solution.trace.objective, steps=solution.trace.steps)
"""
STEPS = "60000"


def launch(path):
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(path), STEPS])


def test_a_killed_run_resumes_to_the_bitwise_same_answer(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    reference = launch(whole)
    killed = 0
    for delay in (0.0, 0.15, 0.3):
        process = launch(cut)
        before = cut.stat().st_mtime_ns if cut.exists() else None
        while process.poll() is None:
            if cut.exists() and cut.stat().st_mtime_ns != before:
                time.sleep(delay)
                os.kill(process.pid, signal.SIGKILL)
                killed += process.wait() == -signal.SIGKILL
                break
            time.sleep(0.01)
    assert launch(cut).wait() == 0 and reference.wait() == 0
    assert killed >= 1
    with np.load(f"{whole}.npz") as expected, np.load(f"{cut}.npz") as resumed:
        for name in expected.files:
            assert expected[name].tobytes() == resumed[name].tobytes(), name


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "run.ckpt"
    quick(path, max_steps=5)
    return path


def quick(path, target=1.0, method=None, x0=None, **kwargs):
    problem = st.Minimize(lambda x, t: jnp.sum((x - t) ** 4), data=np.full(2, target))
    method = method or st.methods.from_optax(optax.sgd(0.01))
    x0 = np.zeros(2) if x0 is None else x0
    return st.solve(problem, x0, method, checkpoint=path, **kwargs)


def test_resume_continues_counts_and_trace(saved):
    solution = quick(saved, max_steps=9, resume=True)
    assert solution.stats.steps == 9
    assert solution.trace.steps.tolist() == list(range(1, 10))
    assert solution.stats.notices[0] == "resumed at step 5."
    straight = quick(saved, max_steps=9)
    assert np.array_equal(solution.value, straight.value)


def test_resuming_without_a_file_starts_afresh(tmp_path):
    solution = quick(tmp_path / "none", max_steps=3, resume=True)
    assert "from the beginning" in solution.stats.notices[0]
    with pytest.raises(ValueError, match="resume=True needs checkpoint"):
        quick(None, resume=True)


@pytest.mark.parametrize("keep", [0, 10, 60, 200, -1], ids=lambda n: f"{n} bytes")
def test_a_truncated_checkpoint_is_refused(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(st.CheckpointError, match="damaged or truncated|not a stationary"):
        quick(saved, resume=True)


def test_a_flipped_bit_is_noticed(saved):
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 1
    saved.write_bytes(content)
    with pytest.raises(st.CheckpointError, match="damaged"):
        quick(saved, resume=True)


@pytest.mark.parametrize(
    "change",
    [
        {"target": 2.0},
        {"method": st.methods.from_optax(optax.sgd(0.02))},
        {"method": st.methods.AugmentedLagrangian()},
        {"x0": np.zeros((2, 1))},
    ],
    ids=["data", "rate", "method", "shape"],
)
def test_a_foreign_checkpoint_is_refused(saved, change):
    with pytest.raises(st.CheckpointError, match="belongs to another solve"):
        quick(saved, resume=True, **change)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a checkpoint")
    with pytest.raises(st.CheckpointError, match="not a stationary checkpoint"):
        quick(path, resume=True)


def test_no_partial_file_is_left(saved):
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]
