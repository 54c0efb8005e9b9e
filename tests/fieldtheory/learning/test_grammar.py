"""What may be written under the grammar, against the exact generator and a second reading."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary import nn
from stationary.fieldtheory import lagrangian_terms, model, parse_fields
from stationary.fieldtheory.learning import (
    FULL,
    TINY,
    VOCABULARY,
    LagrangianGrammar,
    Sampler,
    Tokens,
    encoded,
    failures,
    written,
)
from stationary.fieldtheory.learning._letters import SCALE, described

LEVELS = ("grammar", "charges", "invariants")
LONGEST = 250


def accepted(rule, source, target):
    """Whether each token of a target (without begin) was allowed."""

    source = jnp.pad(jnp.asarray(source, jnp.int32), (0, 100 - len(source)))
    target = np.asarray(target, np.int32)
    padded = jnp.pad(jnp.asarray(target), (0, LONGEST - len(target)))
    fine = _run(rule, source, padded)
    return np.asarray(fine)[: len(target)]


@jax.jit
def _run(rule, source, target):
    def step(state, token):
        return rule.advance(state, token), rule.allowed(state)[token]

    return jax.lax.scan(step, rule.init(source), target)[1]


def test_sources_are_read():
    fields = parse_fields(
        "H: scalar su2=2 y=1/2; q: fermion right su3=-3 su2=3 y=-7/6; r: real scalar su3=8;"
        "x: scalar su3=-10"
    )
    source = Tokens().encode(fields, pointers=(1, 4, 5, 9))
    found = described(jnp.array([*source, 0, 0]))
    at = [1, 4, 5, 9]
    assert np.flatnonzero(found.there).tolist() == at
    assert found.fermion[np.array(at)].tolist() == [False, True, False, False]
    assert found.real[np.array(at)].tolist() == [False, False, True, False]
    assert found.su3[np.array(at)].tolist() == [1, -3, 8, -10]
    assert found.su2[np.array(at)].tolist() == [2, 3, 1, 1]
    assert found.charge[np.array(at)].tolist() == [SCALE, -SCALE * 7 // 3, 0, 0]
    assert found.helicity[np.array(at)].tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("only", [False, True])
def test_every_true_lagrangian_may_be_written(level, only):
    tokens = Tokens(interactions_only=only)
    rule = LagrangianGrammar(tokens, level, universe=FULL, fields=8)
    sampler = Sampler(FULL, "enriched", fields=(1, 6), repetition=True, tokens=tokens)
    examples = sampler.block(1, 12)
    named = ["quadruplet", "two Higgs doublets", "real octet", "leptoquark R2", "Zee"]
    data = encoded([model(name) for name in named], tokens)
    for rows in (examples, data):
        for row in np.flatnonzero(rows.target.lengths < LONGEST).tolist():
            target = rows.target[row][1:]
            fine = accepted(rule, rows.source[row], target)
            assert fine.all(), VOCABULARY.text(target[: np.argmin(fine) + 1])


@pytest.mark.parametrize(
    ("text", "allowed_until"),
    [
        ("+ MASS F0 F0* + MASS F0 F0*", 5),  # not twice: only quartic terms are left
        ("+ MASS F0* F0", 2),  # letters rise
        ("+ MASS F0 F0", 3),  # charged
        ("+ MASS F0 F1", 3),  # one fermion
        ("+ MASS F0 F0* HC", 4),  # its own conjugate
        ("+ MASS F0 F0* F0", 4),  # a class has so many letters
        ("+ CUB", 1),  # there is none
        ("+ YUK F0* F1 F2 +", 5),  # without its conjugate
        ("+ YUK F0 F1* F2* HC", 2),  # right-handed, so F0 does not begin a term
        ("+ QUART F0 F0 F0* F0* CH CH", 7),  # a label of something
        ("+ QUART F0 F0 F0* F0* + MASS", 6),  # nothing comes later
        ("+ GAUGE", 1),  # left out here
        ("HC", 0),
        ("[PAD]", 0),
    ],
)
def test_what_breaks_the_rules_is_not_allowed(text, allowed_until):
    fields = parse_fields(
        "H: scalar su2=2 y=1/2; L: fermion left su2=2 y=-1/2; e: fermion left y=1"
    )
    tokens = Tokens(interactions_only=True)
    rule = LagrangianGrammar(tokens, "charges", fields=10)
    fine = accepted(rule, tokens.encode(fields), VOCABULARY.numbers(text))
    assert np.argmin(np.append(fine, False)) == allowed_until


@pytest.mark.parametrize("level", LEVELS)
def test_whatever_is_written_keeps_the_rules(level):
    """Random writers: all they write is canonical, and true to the level."""
    tokens = Tokens(interactions_only=True)
    rule = LagrangianGrammar(tokens, level, universe=FULL, fields=6)
    sampler = Sampler(FULL, "enriched", fields=(3, 6), tokens=tokens)
    examples = sampler.block(0, 24)
    texts = _wander(rule, examples.source.padded(), jax.random.key(0))
    terms = 0
    for row, text in enumerate(np.asarray(texts)):
        fields = sampler.fields_of(examples, row)
        reading = tokens.decode(text, fields)
        assert all("label" in piece.reason for piece in reading.broken[:-1])
        truth = {(t.kind, t.letters, t.self_conjugate) for t in written(lagrangian_terms(fields))}
        complete = reading.terms if reading.ended else reading.terms[:-1]
        for term in complete:
            broken = set(failures(term, fields))
            assert "lorentz" not in broken
            if level != "grammar":
                assert "u1" not in broken
            if level == "invariants":
                assert (term.kind, term.letters, term.self_conjugate) in truth
        plain = [term for term in complete if not term.label]
        assert len(set(plain)) == len(plain)
        terms += len(complete)
    assert terms > 24


@jax.jit
def _wander(rule, sources, key):
    def one(source, key):
        def step(state, key):
            allowed = rule.allowed(state)
            # The end is likely enough to come at all.
            likely = jnp.where(allowed, 0.0, -jnp.inf).at[VOCABULARY.end].add(-1.0)
            token = jax.random.categorical(key, likely)
            return rule.advance(state, token), token

        return jax.lax.scan(step, rule.init(source), jax.random.split(key, 60))[1]

    return jax.vmap(one)(sources, jax.random.split(key, len(sources)))


def test_there_is_always_something_to_write():
    """No dead ends: from every state that can be reached, something is allowed."""
    tokens = Tokens()
    rule = LagrangianGrammar(tokens, "charges", fields=4)
    sampler = Sampler(TINY, "enriched", fields=(2, 4), tokens=tokens)
    sources = sampler.block(0, 8).source.padded()

    @jax.jit
    def least(source, key):
        def step(state, key):
            allowed = rule.allowed(state)
            token = jax.random.categorical(key, jnp.where(allowed, 0.0, -jnp.inf))
            token = jnp.where(allowed[token] & (token != VOCABULARY.end), token, VOCABULARY.end)
            return rule.advance(state, token), jnp.sum(allowed)

        return jax.lax.scan(step, rule.init(source), jax.random.split(key, 50))[1]

    found = jax.vmap(least)(sources, jax.random.split(jax.random.key(1), len(sources)))
    assert found.min() >= 1


def test_an_untrained_model_writes_a_lagrangian_under_the_rules():
    tokens = Tokens()
    network = nn.Seq2Seq.preset("nano", len(VOCABULARY), positions="rotary", key=jax.random.key(0))
    sampler = Sampler(TINY, fields=(2, 2), tokens=tokens)
    examples = sampler.block(0, 4)
    rule = LagrangianGrammar(tokens, "invariants", universe=TINY, fields=2)
    found = nn.greedy(network, examples.source.padded(), max_length=60, constraint=rule)
    for row, text in enumerate(found.sequences()):
        fields = sampler.fields_of(examples, row)
        reading = tokens.decode(text, fields)
        assert [term for term in reading.terms if term.kind in ("gauge", "kinetic")] == [
            term for term in written(lagrangian_terms(fields)) if term.kind in ("gauge", "kinetic")
        ]


def test_rules_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="compact"):
        LagrangianGrammar(Tokens("verbose"))
    with pytest.raises(ValueError, match="level"):
        LagrangianGrammar(Tokens(), "physics")
    with pytest.raises(ValueError, match="universe"):
        LagrangianGrammar(Tokens(), "invariants")
    with pytest.raises(ValueError, match=r"1\.\.10"):
        LagrangianGrammar(Tokens(), fields=11)
