"""Training: it learns, it can be stopped and taken up again, and it can be spread over devices."""

import inspect
import os
import subprocess
import sys
import textwrap

import equinox as eqx
import jax
import numpy as np
import pytest

from stationary import CheckpointError, nn

from .conftest import HEADS, VOCABULARY, tiny


def pairs(rows=30, seed=0):
    random = np.random.default_rng(seed)
    source = [[3, *random.integers(7, 12, random.integers(1, 4))] for _ in range(rows)]
    return nn.Ragged.of(source), nn.Ragged.of([[1, *row[1:], 2] for row in source])


def equal(one, other):
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b) for a, b in leaves)


def test_a_small_model_learns_to_copy_and_to_reverse():
    random = np.random.default_rng(0)
    bodies = [random.integers(5, 13, 3 + i % 4) for i in range(32)]
    source = [[3 + i % 2, *body] for i, body in enumerate(bodies)]  # 3: copy, 4: reverse
    target = [[1, *(body[:: 1 - 2 * (i % 2)]), 2] for i, body in enumerate(bodies)]
    model = nn.Seq2Seq(
        13,
        width=48,
        encoder_layers=1,
        decoder_layers=2,
        heads=4,
        feed_forward=96,
        positions="rotary",
        key=jax.random.key(0),
    )
    sequences = nn.Ragged.of(source), nn.Ragged.of(target)
    options = {"steps": 250, "learning_rate": 5e-3, "batch": 32, "lengths": 1}
    trained, solution = nn.train(model, sequences, **options)
    found = nn.greedy(trained, sequences[0].padded(), max_length=8)
    assert [row.tolist() for row in found.sequences()] == [row[1:] for row in map(list, target)]
    assert bool(found.ended.all())
    assert solution.objective < 0.1 < solution.trace.objective[0]


def test_a_resumed_training_is_bitwise_the_same(tmp_path):
    options = {"steps": 140, "batch": 6, "lengths": 2}
    whole, solution = nn.train(tiny(), pairs(), **options)
    path = tmp_path / "run"
    limited = {**options, "checkpoint": path, "callback": lambda event: True}
    part, stopped = nn.train(tiny(), pairs(), **limited)
    assert stopped.status.word == "stopped" and stopped.stats.steps < 140
    resumed, again = nn.train(tiny(), pairs(), **options, checkpoint=path, resume=True)
    assert again.stats.steps == 140 and "resumed at step" in again.stats.notices[0]
    assert equal(whole, resumed) and not equal(whole, part)
    np.testing.assert_array_equal(solution.trace.objective, again.trace.objective)
    with pytest.raises(CheckpointError, match="another solve"):
        nn.train(tiny(), pairs(seed=1), **options, checkpoint=path, resume=True)


def test_muon_makes_steps_of_matrices_orthogonal_and_leaves_the_rest_to_adamw():
    options = {"steps": 1, "batch": 30, "lengths": 2, "learning_rate": 1e-2}
    model = tiny()
    by_muon, _ = nn.train(model, pairs(), rule="muon", **options)
    by_adamw, _ = nn.train(model, pairs(), rule="adamw", **options)
    for part in (lambda m: m.embedding, lambda m: m.encoder.feed_forward_norm):
        one, other = (part(m) - part(model) * (1 - 1e-4) for m in (by_muon, by_adamw))
        np.testing.assert_allclose(one, 1.47 * other, rtol=0.02, atol=1e-6)  # Nesterov's momentum
    for block in ("query_key_value", "attention_out", "up", "down"):
        before, after = getattr(model.encoder, block)[0], getattr(by_muon.encoder, block)[0]
        step = (after - before * (1 - 1e-2 * 0.01)) / 1e-2
        sizes = np.linalg.svd(step, compute_uv=False) / (0.2 * np.sqrt(max(step.shape)))
        big = sizes[:5]  # six different tokens reach the first matrix, so its step has rank 6
        assert np.all((big > 0.6) & (big < 1.3))
    assert not equal(by_muon.encoder.up, by_adamw.encoder.up)


def test_what_a_model_cannot_read_is_refused():
    source, target = pairs(4)

    def refused(message, model=None, source=source, target=target):
        with pytest.raises(ValueError, match=message):
            nn.train(model or tiny(), (source, target), steps=1)

    refused("source tokens must lie in 0..11, got 12 to 12", source=nn.Ragged.of([[12]] * 4))
    refused("source contains padding in row 1", source=nn.Ragged.of([[3], [4, 0], [3], [3]]))
    refused(
        "1 of 4 targets do not begin with the token 1, the first in row 2",
        target=nn.Ragged.of([[1, 2], [1, 2], [3, 2], [1, 2]]),
    )
    refused(
        "3 of 4 targets do not end with the token 2",
        target=nn.Ragged.of([[1, 2], [1, 3], [1, 3], [1]]),
    )
    long = nn.Ragged.of([[1, 2], [1, 3, 2], [1, *[5] * 9, 2], [1, 2]])
    refused("1 of 4 targets are longer than the 9.*row 2.*has 11", tiny("learned"), target=long)
    long = nn.Ragged.of([[3], [3], [3, 7, 7, 7, 7, 7], [3]])
    refused("an element has 6 tokens", tiny("set"), source=long)
    with pytest.raises(ValueError, match="rule must be one of adamw, muon, got 'sgd'"):
        nn.train(tiny(), pairs(), steps=1, rule="sgd")
    with pytest.raises(ValueError, match="steps"):
        nn.train(tiny(), pairs(), steps=0)


TWO_DEVICES = """
    import jax
    import numpy as np
    from stationary import nn

    devices = jax.devices()
    assert len(devices) == 2
    stream = nn.Sharded(nn.LengthBuckets(*pairs(), lengths=2, batch=8, parts=2), devices)
    batch, mask = jax.jit(lambda index: stream.batch(index))(3)
    for leaf in jax.tree.leaves(batch):
        held = {shard.device: shard.data.shape for shard in leaf.addressable_shards}
        assert set(held) == set(devices) and set(held.values()) == {(1, *leaf.shape[1:])}, held
    options = {"steps": 8, "batch": 8, "lengths": 1}  # one bucket: the same rows either way
    two, spread = nn.train(tiny(), pairs(), **options, devices=devices)
    one, alone = nn.train(tiny(), pairs(), **options)
    np.testing.assert_allclose(spread.trace.objective, alone.trace.objective, rtol=2e-5)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
        assert {s.data.shape for s in b.addressable_shards} == {b.shape}
    # Gradients are added up between the devices.
    import stationary as st

    loss = st.Expectation(nn.cross_entropy, stream)
    system = st.Minimize(loss).lower(tiny())
    step = jax.jit(lambda x: system.linearize(x, None, 1).direction({}))
    assert "all-reduce" in step.lower(tiny()).compile().as_text()
    print("the same")
"""


def test_two_devices_train_as_one_does():
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    own = "\n".join(inspect.getsource(fn) for fn in (tiny, pairs))
    code = f"VOCABULARY, HEADS = {VOCABULARY}, {HEADS}\n{textwrap.dedent(TWO_DEVICES)}"
    code = code.replace("devices =", f"{own}\ndevices =", 1)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "the same"
    with pytest.raises(ValueError, match="parts=3"):
        nn.Sharded(nn.LengthBuckets(*pairs(), batch=8), jax.devices() * 3)


def test_the_certificate_is_of_the_mean_over_the_data():
    source, target = pairs(60)
    model, solution = nn.train(tiny(), (source, target), steps=2, batch=6, lengths=2)
    found = solution.certificate
    whole = {"source": source.padded(), "target": target.padded()}
    exact = float(eqx.filter_jit(nn.cross_entropy)(model, whole))
    error = found.errors["objective"]
    assert not found.passed and 0 < error < 0.2
    assert found.objective == pytest.approx(exact, abs=4 * error)
