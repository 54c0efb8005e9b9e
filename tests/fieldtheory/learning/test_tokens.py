"""Fields and Lagrangians as tokens, and back."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationary.fieldtheory import (
    EXTENSIONS,
    Field,
    lagrangian_terms,
    model,
    parse_fields,
    to_text,
)
from stationary.fieldtheory.learning import (
    OCTETS,
    VOCABULARY,
    Tokens,
    WrittenTerm,
    written,
)

STYLES = ("compact", "verbose")


def text(tokens):
    return VOCABULARY.text(tokens)


def random_fields(rng, most):
    """A few fields of any kind: octets, repeated and real ones too."""
    found = []
    for i in range(rng.integers(1, most + 1)):
        kind = rng.integers(4)
        if kind == 0 and found:
            found.append(found[rng.integers(len(found))].renamed(f"f{i}"))
        elif kind == 1:
            su2 = int(rng.choice([1, 3, 5]))
            found.append(Field(f"f{i}", real=True, su3=int(rng.choice([1, 8])), su2=su2))
        else:
            found.append(OCTETS.field(int(rng.integers(len(OCTETS))), f"f{i}"))
    return tuple(found)


def test_a_source_reads_as_in_the_paper():
    fields = parse_fields("h: scalar su2=2 y=1/2; q: fermion left su3=3 su2=2 y=1/6")
    assert text(Tokens("verbose").encode(fields)) == (
        "[SOS] FIELD SPIN 0 SU2 2 U1 1 FIELD SPIN 1 / 2 SU3 3 SU2 2 U1 1 / 3 HEL - 1 / 2 [EOS]"
    )
    assert text(Tokens().encode(fields)) == (
        "F0 SPIN 0 SU2 2 U1 1 F1 SPIN 1 / 2 SU3 3 SU2 2 U1 1 / 3 HEL - 1 / 2"
    )


def test_the_standard_model_in_compact_tokens():
    terms = lagrangian_terms(model())
    assert text(Tokens().encode(terms)) == (
        "[SOS] + GAUGE SU3 + GAUGE SU2 + GAUGE U1 "
        "+ KIN F0 + KIN F1 + KIN F2 + KIN F3 + KIN F4 + KIN F5 "
        "+ MASS F0 F0* + YUK F0 F1 F2 HC + YUK F0* F1 F3 HC + YUK F0* F4 F5 HC "
        "+ QUART F0 F0 F0* F0* [EOS]"
    )


def test_contractions_are_told_apart_where_there_are_several():
    terms = lagrangian_terms(parse_fields("H, h: scalar su2=2 y=1/2"))
    tokens = text(Tokens(interactions_only=True).encode(terms, pointers=(2, 9)))
    assert "+ QUART F2 F2* F9 F9* CH 1 , 1 + QUART F2 F2* F9 F9* CH 1 , 3" in tokens


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["Standard Model", *EXTENSIONS])
def test_named_models_come_back(style, name):
    terms, tokens = lagrangian_terms(model(name)), Tokens(style)
    reading = tokens.decode(tokens.encode(terms), terms.fields)
    assert reading.ended and not reading.broken
    assert "\n".join(map(str, reading.terms)) == to_text(terms)


@pytest.mark.parametrize("style", STYLES)
def test_random_sets_come_back(style):
    rng = np.random.default_rng(0)
    for _ in range(500):
        fields = random_fields(rng, 3)
        only = bool(rng.integers(2))
        tokens, terms = Tokens(style, interactions_only=only), lagrangian_terms(fields)
        pointers = None
        if style == "compact":
            pointers = np.sort(rng.permutation(10)[: len(fields)]).tolist()
        reading = tokens.decode(tokens.encode(terms, pointers=pointers), fields, pointers=pointers)
        assert list(reading.terms) == written(terms, interactions_only=only)
        found, pointing = tokens.decode_fields(tokens.encode(fields, pointers=pointers))
        assert [f.quantum_numbers for f in found] == [f.quantum_numbers for f in fields]
        assert list(pointing) == list(range(len(fields)) if pointers is None else pointers)


@settings(max_examples=300, deadline=None)
@given(
    style=st.sampled_from(STYLES),
    tokens=st.lists(st.integers(-3, len(VOCABULARY) + 3), max_size=30),
)
def test_any_tokens_can_be_read(style, tokens):
    fields = model()[:3]
    reading = Tokens(style).decode(tokens, fields)
    names = {name for f in fields for name in (f.name, f"{f.name}*")}
    for term in reading.terms:
        assert {re.sub(r"D\((.*)\)", r"\1", x) for x in term.letters} <= names | {
            "F(su3)",
            "F(su2)",
            "F(u1)",
        }


@pytest.mark.parametrize("style", STYLES)
def test_a_target_with_errors_keeps_its_good_terms(style):
    rng = np.random.default_rng(1)
    tokens = Tokens(style)
    terms = lagrangian_terms(model())
    good = tokens.encode(terms)
    for _ in range(200):
        bad = list(good)
        for place in rng.integers(1, len(bad) - 1, size=3):
            bad[place] = int(rng.integers(3, len(VOCABULARY)))
        reading = tokens.decode(bad, terms.fields)
        assert len(set(reading.terms) & set(written(terms))) >= len(written(terms)) - 6


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        ("F0 F0*", "does not begin with"),
        ("+", "no class"),
        ("+ + MASS F0 F0*", "no class"),
        ("+ GAUGE F0", "no factor"),
        ("+ KIN F0 F1", "no kinetic term"),
        ("+ MASS F0 F7", "no letter"),
        ("+ QUART F0 F0*", "no quartic"),
        ("+ MASS F1 F1 F1", "no mass"),
        ("+ YUK F1 F2 HC F0", "no letter"),
        ("+ MASS F0 F0* CH", "label"),
        ("+ MASS F0 F0* CH F1", "label"),
    ],
)
def test_a_broken_piece_says_why(piece, reason):
    reading = Tokens().decode(VOCABULARY.numbers(piece), model())
    assert len(reading.broken) == 1 and reason in reading.broken[0].reason
    assert not reading.ended


def test_terms_are_read_in_canonical_form():
    fields = parse_fields("a, b: scalar y=1; q: fermion right y=1; p: fermion left y=1")
    reading = Tokens().decode(
        VOCABULARY.numbers("+ MASS F1 F0* HC + MASS F2 F3* HC + YUK F3* F1* F2 HC"), fields
    )
    assert reading.terms == (
        WrittenTerm("mass", ("a", "b*"), "", False),  # whose conjugate is a* b
        WrittenTerm("mass", ("q*", "p"), "", False),  # left-handed
        WrittenTerm("yukawa", ("b", "q*", "p"), "", False),
    )


def test_what_sequences_cannot_say_is_refused():
    tokens = Tokens()
    with pytest.raises(ValueError, match="copies"):
        tokens.encode(model(generations=3))
    with pytest.raises(ValueError, match="su4"):
        tokens.encode([Field("f", su4=4)])
    with pytest.raises(ValueError, match="10 pointers"):
        tokens.encode([Field(f"s{i}", y=i) for i in range(11)])
    with pytest.raises(ValueError, match="rising"):
        tokens.encode(model()[:2], pointers=(3, 1))
    with pytest.raises(ValueError, match="places"):
        Tokens("verbose").encode(model()[:2], pointers=(3, 4))
    with pytest.raises(ValueError, match="about su3 x su2 x u1 only"):
        tokens.encode(lagrangian_terms(model()[:1], "su2 x u1"))
    with pytest.raises(ValueError, match="theta"):
        tokens.encode(lagrangian_terms(model()[:1], theta=True))
    with pytest.raises(ValueError, match="style"):
        Tokens("terse")
    for source in ("SPIN 0", "F0 SU2 2 SU2 2 SPIN 0", "F0 0", "FIELD SPIN 0"):
        with pytest.raises(ValueError):
            tokens.decode_fields(VOCABULARY.numbers(source))


def test_vocabulary():
    assert VOCABULARY.numbers("[PAD] [SOS] [EOS]") == [0, 1, 2]
    first, last = VOCABULARY.pointers
    assert VOCABULARY.words[first : last + 1] == tuple(f"F{i}" for i in range(10))
    assert len(set(VOCABULARY.words)) == len(VOCABULARY) < 256
    assert text([5, 999, 0]) == "F2 [999]"
    with pytest.raises(ValueError, match="'what'"):
        VOCABULARY.numbers("+ what")
