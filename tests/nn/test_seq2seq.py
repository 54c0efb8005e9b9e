"""The model: what it may see, symmetries, sizes, and what it refuses."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary import nn

from .conftest import logits, sources, states, targets, tiny


def count(preset, **options):
    like = eqx.filter_eval_shape(
        lambda key: nn.Seq2Seq.preset(preset, 100, key=key, **options), jax.random.key(0)
    )
    return sum(leaf.size for leaf in jax.tree.leaves(like))


def test_presets_have_their_sizes():
    learned = {"positions": "learned", "max_source": 2048, "max_target": 2048}
    assert 0.66e6 < count("nano", positions="rotary") < 0.9e6
    assert count("small", positions="rotary") == pytest.approx(7.4e6, rel=0.01)
    assert count("base", positions="rotary") == pytest.approx(44e6, rel=0.01)
    assert count("large", **learned) == pytest.approx(357e6, rel=0.002)
    # By hand: 4 and 8 square matrices per layer, two of the perceptron, norms, and three tables.
    d, f = 1024, 4096
    layers = 12 * (4 * d * d + 2 * d * f + 2 * d) + 12 * (8 * d * d + 2 * d * f + 3 * d)
    assert count("large", **learned) == layers + 2 * d + (100 + 2 * 2048) * d


def test_padding_changes_nothing(positions):
    model, source, target = tiny(positions), sources(length=7), targets()
    got = logits(model, source, target)
    wider = np.pad(source, ((0, 0), (0, 2)))
    np.testing.assert_allclose(logits(model, wider, target), got, rtol=1e-4, atol=1e-5)
    encoded, there = model.encode(wider)
    assert encoded.shape == (5, 9, 16) and there.tolist() == (wider != 0).tolist()
    for i, row in enumerate(source):
        alone = logits(model, row[row != 0][None], target[i : i + 1])
        np.testing.assert_allclose(alone[0], got[i], rtol=1e-4, atol=1e-5)


def test_a_token_sees_only_those_before_it(positions):
    model, source, target = tiny(positions), sources(), targets()
    before = logits(model, source, target)
    changed = target.copy()
    changed[:, 4] = (changed[:, 4] + 1) % 12
    after = logits(model, source, changed)
    np.testing.assert_allclose(after[:, :4], before[:, :4], rtol=1e-5, atol=1e-6)
    assert float(jnp.min(jnp.max(jnp.abs(after[:, 4] - before[:, 4]), axis=-1))) > 1e-4
    other = logits(model, np.where(source == 8, 9, source), target)
    assert float(jnp.max(jnp.abs(other - before))) > 1e-4


def test_a_set_encoder_permutes_with_its_elements():
    model = tiny("set")
    elements = [[3, 7, 8], [5, 9], [4, 8, 8, 10], [6]]
    orders = [[0, 1, 2, 3], [2, 0, 3, 1]]
    rows = np.array([[t for i in order for t in elements[i]] + [2] for order in orders], np.int32)
    encoded = states(model, rows)
    spans = []
    for order, row in zip(orders, encoded, strict=True):
        ends = np.cumsum([len(elements[i]) for i in order])
        spans.append(dict(zip(order, np.split(row[:-1], ends[:-1]), strict=True)))
    for i in range(4):
        np.testing.assert_allclose(spans[0][i], spans[1][i], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(encoded[0, -1], encoded[1, -1], rtol=1e-4, atol=1e-5)
    target = targets(2)[[0, 0]]
    said = logits(model, rows, target)
    np.testing.assert_allclose(said[0], said[1], rtol=1e-4, atol=1e-4)
    # Order within an element counts, and so does which element a token is in.
    inside, across = rows[:1].copy(), rows[:1].copy()
    inside[0, [1, 2]] = inside[0, [2, 1]]
    across[0, [2, 4]] = across[0, [4, 2]]
    for other in (inside, across):
        assert float(jnp.max(jnp.abs(logits(model, other, target[:1]) - said[:1]))) > 1e-3


def test_rotary_positions_reach_beyond_any_table():
    assert logits(tiny("rotary"), sources(length=50), targets(length=40)).shape == (5, 40, 12)


def test_bfloat16_is_close_and_parameters_stay_float32():
    wide, narrow = tiny(), tiny(compute_dtype=jnp.bfloat16)
    assert {leaf.dtype for leaf in jax.tree.leaves(narrow)} == {jnp.dtype("float32")}
    one, other = logits(wide, sources(), targets()), logits(narrow, sources(), targets())
    assert other.dtype == jnp.float32
    assert 0 < float(jnp.max(jnp.abs(one - other))) < 0.2


def test_deep_stacks_compute_what_shallow_ones_do(monkeypatch):
    model = tiny(encoder_layers=2, decoder_layers=2)
    one = logits(model, sources(), targets())
    monkeypatch.setattr("stationary.nn._layers.UNROLLED", 0)
    loop = jax.jit(lambda source, target: model(source, target))
    assert "while" in loop.lower(sources(), targets()).as_text()
    np.testing.assert_allclose(loop(sources(), targets()), one, rtol=1e-5, atol=1e-6)


def test_what_is_too_long_is_refused():
    model = tiny("learned")
    with pytest.raises(ValueError, match="source has 10 tokens.*at most 9"):
        logits(model, sources(length=10), targets())
    with pytest.raises(ValueError, match="target has 9 tokens.*at most 8"):
        logits(model, sources(), targets(length=9))
    long = np.array([[3, 7, 7, 7, 7, 7]], np.int32)
    assert bool(jnp.isnan(tiny("set").encode(long)[0]).all())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"positions": "learned", "max_source": None}, "max_source and max_target"),
        ({"positions": "sinusoidal"}, "one of"),
        ({"positions": "set", "element_tokens": None}, "belongs to positions='set'"),
        ({"positions": "set", "element_tokens": (5, 12)}, "within 0..11"),
        ({"heads": 3}, "multiple of 2 heads = 6"),
        ({"padding": 2}, "three tokens"),
        ({"decoder_layers": 0}, "decoder_layers must be at least 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        tiny(**options)
    with pytest.raises(ValueError, match="nano, small, base, large"):
        nn.Seq2Seq.preset("tiny", 10, key=jax.random.key(0))
