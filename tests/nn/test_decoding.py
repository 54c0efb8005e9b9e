"""Decoding: with a cache as without, alone as in a batch, and as well as a search of everything."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary import nn

from .conftest import logits, sources, tiny

LENGTH = 8


def by_hand(model, source, length, allowed=None):
    """Greedy decoding of one row, with the whole target read anew for every token."""
    written, likely = [], 0.0
    for _ in range(length):
        target = np.array([[1, *written, *[0] * (length - 1 - len(written))]], np.int32)
        scores = np.asarray(
            jax.nn.log_softmax(logits(model, source[None], target)[0, len(written)])
        ).copy()
        scores[[0, 1]] = -np.inf
        if allowed is not None:
            scores[~allowed(written)] = -np.inf
        if np.max(scores) == -np.inf:
            return written, likely, False
        written.append(int(np.argmax(scores)))
        likely += float(np.max(scores))
        if written[-1] == 2:
            return written, likely, True
    return written, likely, False


def assert_same(found, model, source, length, allowed=None):
    for i, row in enumerate(source):
        written, likely, ended = by_hand(model, row, length, allowed)
        n = len(written)
        assert found.tokens[i].tolist() == written + [0] * (length - n)
        assert (int(found.lengths[i]), bool(found.ended[i])) == (n, ended)
        assert float(found.log_probabilities[i]) == pytest.approx(likely, rel=1e-4)


def sharp(positions, seed=3, **options):
    """A model whose sequences end here and there: its embeddings are larger, its choices surer."""
    model = tiny(positions, key=jax.random.key(seed), **options)
    return jax.tree.map(lambda x: 2 * x if x.ndim == 3 else x, model)


def test_greedy_is_the_argmax_of_the_model(positions):
    model, source = sharp(positions, decoder_layers=2), sources(6)
    found = nn.greedy(model, source, max_length=LENGTH)
    assert_same(found, model, source, LENGTH)
    assert [row.size for row in found.sequences()] == found.lengths.tolist()


def test_greedy_tells_which_rows_have_ended():
    model, source = sharp("rotary"), sources(30, seed=4)
    # A little more weight on the end, so that some rows come to it and some do not.
    model = likelier_end(model, 1.5)
    found = nn.greedy(model, source, max_length=5)
    assert 0 < int(jnp.sum(found.ended)) < 30
    assert_same(found, model, source, 5)


def likelier_end(model, factor):
    return eqx.tree_at(lambda m: m.embedding, model, model.embedding.at[2].multiply(factor))


def test_rows_do_not_know_of_one_another():
    model, source = sharp("set"), sources(6)
    together = nn.greedy(model, source, max_length=LENGTH)
    searched = nn.beam(model, source, beams=3, max_length=LENGTH)
    for i in range(6):
        alone = source[i : i + 1]
        one = nn.greedy(model, alone, max_length=LENGTH)
        assert one.tokens[0].tolist() == together.tokens[i].tolist()
        one = nn.beam(model, alone, beams=3, max_length=LENGTH)
        assert one.tokens[0].tolist() == searched.tokens[i].tolist()


@pytest.mark.parametrize(("positions", "penalty"), [("learned", 0.0), ("rotary", 1.0)])
def test_one_beam_is_greedy(positions, penalty):
    model, source = likelier_end(sharp(positions, decoder_layers=2), 1.5), sources(6)
    one = nn.greedy(model, source, max_length=LENGTH)
    other = nn.beam(model, source, beams=1, max_length=LENGTH, length_penalty=penalty)
    assert one.tokens.tolist() == other.tokens.tolist()
    assert one.ended.tolist() == other.ended.tolist()
    np.testing.assert_allclose(one.log_probabilities, other.log_probabilities, rtol=1e-5)


@pytest.mark.parametrize("penalty", [0.0, 0.7])
def test_enough_beams_find_the_best_of_all(penalty, getkey):
    vocabulary, length = 6, 3
    source = np.array([[3, 4, 5], [5, 3, 0]], np.int32)
    options = {"width": 16, "encoder_layers": 1, "decoder_layers": 1, "heads": 2}
    for _ in range(3):
        model = nn.Seq2Seq(vocabulary, positions="rotary", feed_forward=16, key=getkey(), **options)
        found = nn.beam(model, source, beams=4**length, max_length=length, length_penalty=penalty)
        complete = [
            [*body, 2] for n in range(length) for body in itertools.product((3, 4, 5), repeat=n)
        ]
        for i, row in enumerate(source):
            likely = []
            for sequence in complete:
                target = np.array([[1, *sequence[:-1]] + [0] * (length - len(sequence))], np.int32)
                scores = jax.nn.log_softmax(logits(model, row[None], target)[0])
                likely.append(float(sum(scores[k, token] for k, token in enumerate(sequence))))
            ranked = [p / len(s) ** penalty for p, s in zip(likely, complete, strict=True)]
            best = int(np.argmax(ranked))
            assert found.sequences()[i].tolist() == complete[best]
            assert float(found.log_probabilities[i]) == pytest.approx(likely[best], rel=1e-4)
            assert bool(found.ended[i])


class Rising(nn.AbstractConstraint):
    """Tokens from 3 on that never fall; the end may come after two, and does after three."""

    def init(self, source):
        return {"last": jnp.array(3), "count": jnp.array(0)}

    def allowed(self, state):
        tokens = jnp.arange(12)
        rising = (tokens >= state["last"]) & (tokens > 2) & (state["count"] < 3)
        return rising | ((tokens == 2) & (state["count"] >= 2))

    def advance(self, state, token):
        return {"last": token, "count": state["count"] + 1}


def rising(written):
    tokens, last = np.arange(12), written[-1] if written else 3
    going = (tokens >= last) & (tokens > 2) & (len(written) < 3)
    return going | ((tokens == 2) & (len(written) >= 2))


def test_constraints_are_obeyed():
    model, source = sharp("rotary"), sources(6)
    found = nn.greedy(model, source, max_length=6, constraint=Rising())
    assert_same(found, model, source, 6, rising)
    assert found.tokens.tolist() != nn.greedy(model, source, max_length=6).tokens.tolist()
    searched = nn.beam(model, source, beams=300, max_length=6, constraint=Rising())
    for row in searched.sequences():
        body = row[:-1].tolist()
        assert row[-1] == 2 and body == sorted(body) and 2 <= len(body) <= 3 and min(body) > 2
    assert bool(jnp.all(searched.log_probabilities >= found.log_probabilities - 1e-5))


class Nothing(nn.AbstractConstraint):
    """One token, and then nothing at all."""

    def init(self, source):
        return source[0] * 0

    def allowed(self, state):
        return (jnp.arange(12) == 7) & (state == 0)

    def advance(self, state, token):
        return state + 1


def test_a_row_that_cannot_go_on_is_left_as_it_is():
    model, source = tiny(), sources(2)
    found = nn.greedy(model, source, max_length=4, constraint=Nothing())
    assert found.tokens.tolist() == [[7, 0, 0, 0]] * 2 and found.lengths.tolist() == [1, 1]
    assert not bool(jnp.any(found.ended))


def test_what_cannot_be_decoded_is_refused():
    with pytest.raises(ValueError, match="pass max_length"):
        nn.greedy(tiny("rotary"), sources())
    with pytest.raises(ValueError, match="1..8"):
        nn.greedy(tiny("learned"), sources(), max_length=9)
    assert nn.greedy(tiny("learned"), sources()).tokens.shape == (5, 8)
    with pytest.raises(ValueError, match="source tokens must lie in 0..11"):
        nn.greedy(tiny(), np.array([[12]]), max_length=3)
    with pytest.raises(ValueError, match="at most 9"):
        nn.greedy(tiny("learned"), sources(length=10))
    with pytest.raises(ValueError, match="element has 6 tokens.*5 places"):
        nn.greedy(tiny("set"), np.array([[3, 7, 7, 7, 7, 7]]), max_length=3)
    with pytest.raises(TypeError):
        nn.greedy(tiny(), np.array([3, 4]), max_length=3)
    with pytest.raises(ValueError, match="beams"):
        nn.beam(tiny(), sources(), beams=0, max_length=3)
