"""Models in files: nothing is lost, halves are small, and other files are refused."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary import nn

from .conftest import logits, sources, targets, tiny


def test_a_model_comes_back_as_it_was(tmp_path, positions):
    model = tiny(positions, compute_dtype=jnp.bfloat16, end=11)
    nn.save(model, tmp_path / "model")
    again = nn.load(tmp_path / "model")
    assert eqx.tree_equal(model, again)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_halves_take_half_the_room(tmp_path):
    model = nn.Seq2Seq.preset("nano", 100, positions="rotary", key=jax.random.key(0))
    nn.save(model, tmp_path / "model.npz", dtype=np.float16)
    assert 1.2e6 < (tmp_path / "model.npz").stat().st_size < 1.4e6
    again = nn.load(tmp_path / "model.npz")
    assert {leaf.dtype for leaf in jax.tree.leaves(again)} == {jnp.dtype("float32")}
    for one, other in zip(jax.tree.leaves(model), jax.tree.leaves(again), strict=True):
        np.testing.assert_allclose(one, other, rtol=5e-4, atol=1e-7)
    large = eqx.tree_at(lambda m: m.encoder_norm, model, model.encoder_norm.at[0].set(1e6))
    with pytest.raises(ValueError, match="encoder_norm.*float16 cannot hold"):
        nn.save(large, tmp_path / "model.npz", dtype=np.float16)
    assert eqx.tree_equal(nn.load(tmp_path / "model.npz"), again)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(FileNotFoundError, match="no file"):
        nn.load(path)
    model = tiny()
    nn.save(model, path)
    whole = path.read_bytes()
    header = json.dumps({"format": "stationary.nn.Seq2Seq 9", "made with": {}}).encode()
    with np.load(path) as file:
        arrays = dict(file)
    for content in (b"", b"text", whole[: len(whole) // 2], whole[:600] + b"x" + whole[601:]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="file is no model of stationary.nn, or damaged"):
            nn.load(path)
    np.save(path.with_suffix(".npy"), np.ones(3))
    with pytest.raises(ValueError, match="no model"):
        nn.load(path.with_suffix(".npy"))
    np.savez(path.with_suffix(".npz"), allow_pickle=True, header=np.array([{}], object))
    with pytest.raises(ValueError, match="no model"):
        nn.load(path.with_suffix(".npz"))
    np.savez(path.with_suffix(".npz"), header=np.frombuffer(header, np.uint8))
    with pytest.raises(ValueError, match="format 'stationary.nn.Seq2Seq 9'"):
        nn.load(path.with_suffix(".npz"))
    np.savez(path.with_suffix(".npz"), **{**arrays, "embedding": np.ones((3, 3))})
    with pytest.raises(ValueError, match=r"embedding should have shape \(12, 16\), found \(3, 3\)"):
        nn.load(path.with_suffix(".npz"))


def test_a_loaded_model_says_the_same(tmp_path):
    model = tiny("set")
    nn.save(model, tmp_path / "model")
    again = nn.load(tmp_path / "model")
    one = logits(model, sources(), targets())
    np.testing.assert_array_equal(logits(again, sources(), targets()), one)
