"""Grading: what must not matter does not, and what is wrong is named."""

import random

import pytest

from stationary.fieldtheory import (
    Field,
    grade,
    lagrangian_terms,
    match_fields,
    model,
    parse_fields,
    parse_terms,
    to_text,
    why_not_invariant,
)
from tests.fieldtheory.random_models import random_model

MODELS = ["Standard Model", "two Higgs doublets", "leptoquark R2", "octet doublet", "sextet"]
FIELDS = parse_fields(
    "H: scalar su2=2 y=1/2; r: scalar su3=3 su2=2 y=7/6; Q: left su3=3 su2=2 y=1/6; "
    "u: left su3=-3 y=-2/3; s: real scalar"
)
TRUTH = lagrangian_terms(FIELDS)
LINES = to_text(TRUTH).splitlines()


def without(*lines):
    assert set(lines) <= set(LINES)
    return [line for line in LINES if line not in lines]


@pytest.mark.parametrize("name", MODELS)
def test_order_conjugation_and_spelling_do_not_matter(name):
    truth = lagrangian_terms(model(name))
    rng = random.Random(7)
    shuffled = to_text(truth).splitlines()
    rng.shuffle(shuffled)
    result = grade("\n".join(shuffled), truth)
    assert result.exact and result.f1 == 1 and len(result.right) == result.total
    spelled = []
    for line in shuffled:
        product, plain = parse_terms(line)[0], "[" not in line and "F(" not in line
        letters = list(product.letters)
        if plain and "D(" not in line:
            rng.shuffle(letters)
            if rng.random() < 0.5:
                letters = [x[:-1] if x.endswith("*") else f"{x}*" for x in letters]
        label = f" [{product.label}]" if product.label else ""
        spelled.append(" ".join(letters).replace("*", "†") + label)
    assert grade(" + ".join(spelled), truth).exact


@pytest.mark.parametrize("seed", range(6))
def test_names_and_conjugate_descriptions_do_not_matter(seed):
    fields = random_model(seed, 5)
    truth = lagrangian_terms(fields)
    rng = random.Random(seed)
    other = [
        (field.conjugate if rng.random() < 0.5 else field).renamed(f"x{i}")
        for i, field in enumerate(fields)
    ]
    rng.shuffle(other)
    answer = lagrangian_terms(other)
    assert grade(answer, truth).exact
    assert grade(to_text(answer), truth, fields=other).exact


def test_fierz_identities_are_known():
    # (H r)(H* r*) in the triplet and the two contractions of (H H*)(r r*) span a plane.
    rest = without("H H* r r* [1,1]", "H H* r r* [1,3]")
    both = [*rest, "H r H* r* [3,1]", "H r H* r* [3,3]"]
    assert grade("\n".join(both), TRUTH).exact
    mixed = [*rest, "H r* r H* [-3,3]", "H H* r r* [1,1]"]
    assert grade("\n".join(mixed), TRUTH).exact
    three = grade("\n".join([*both, "H H* r r* [1,3]"]), TRUTH)
    assert not three.exact and not three.missing
    assert "follows from the others" in three.miscontracted[0].reason
    pairs = [*without("r r r* r* [-3,1]", "r r r* r* [6,3]"), "r* r* r r [3,1]", "r* r* r r [-6,3]"]
    assert grade("\n".join(pairs), TRUTH).exact


WRONG = [
    ("H Q d", "not_invariant", "there is no field 'd'"),
    ("H Q Q", "not_invariant", "the charges u1 add up to 5/6"),
    ("H Q* u", "not_invariant", "Lorentz vector"),
    ("H Q", "not_invariant", "odd number of fermions"),
    ("H^4 s", "not_invariant", "mass dimension is 5"),
    ("s s s s s", "not_invariant", "mass dimension is 5"),
    ("Q u s", "not_invariant", "charges u1"),
    ("H H* r r*", "miscontracted", "2 ways; say which: [1,1], [1,3]"),
    ("H H* r r* [8,1]", "miscontracted", "no contraction [8,1]"),
    ("H H*", "extra", "written twice"),
    ("D(H) D(H)", "extra", "derivatives"),
]


@pytest.mark.parametrize("text, kind, words", WRONG)
def test_what_is_wrong_is_said(text, kind, words):
    result = grade("\n".join([*LINES, text]), TRUTH)
    (remark,) = result.wrong
    assert getattr(result, kind) == (remark,)
    assert words in remark.reason and not result.missing
    assert words in str(result)


def test_representations_and_statistics_are_named():
    doublets = parse_fields("A: scalar su2=2; b: left su2=2; T: real scalar su2=3")
    truth = lagrangian_terms(doublets, "su2")
    reason = lambda *letters: why_not_invariant(letters, doublets, truth.group)  # noqa: E731
    assert "2 x 2 x 2 of su2 contain no singlet" in reason("A", "A", "A")
    assert "antisymmetric in b" in reason("b", "b")
    assert "antisymmetric in T" in reason("T", "T", "T")
    assert reason("T*", "T") == ""
    copies = [field for field in doublets if field.name != "b"] + [
        Field("b", "1/2", helicity="left", su2=2, copies=2)
    ]
    assert why_not_invariant(("b", "b"), copies, truth.group) == ""


@pytest.mark.parametrize("line", LINES)
def test_what_is_missing_is_listed(line):
    result = grade("\n".join(without(line)), TRUTH)
    assert result.missing == (line,)
    assert result.precision == 1 and result.recall == 1 - 1 / len(LINES)


def test_an_answer_without_terms():
    result = grade("", TRUTH, interactions_only=True)
    assert len(result.missing) == result.total and result.precision == result.f1 == 0
    nothing = lagrangian_terms(parse_fields("p: left y=1"))
    assert grade("", nothing, interactions_only=True).exact


def test_copies_are_compared_by_label():
    truth = lagrangian_terms(parse_fields("H: scalar su2=2 y=1/2 copies=2"), "su2 x u1")
    text = to_text(truth)
    assert grade(text, truth).exact
    fewer = grade(text.replace("\nH H H* H* [1]", ""), truth)
    assert len(fewer.missing) == text.count("H H H* H*") - text.replace(
        "\nH H H* H* [1]", ""
    ).count("H H H* H*")


@pytest.mark.parametrize(
    "text, words",
    [
        ("H H* )", "closes a parenthesis"),
        ("(H H*", "not closed"),
        ("H ? H", "cannot be read at '\\?"),
        ("H H* [1] [3]", "more than one contraction"),
        ("[1,3]", "names no field"),
        ("H^99", "more than 64 letters"),
    ],
)
def test_text_that_cannot_be_read(text, words):
    with pytest.raises(ValueError, match=words):
        grade(text, TRUTH)


def test_fields_that_do_not_match():
    with pytest.raises(ValueError, match="no field like x"):
        match_fields(parse_fields("x: scalar y=1"), parse_fields("x: scalar y=2"))
    with pytest.raises(ValueError, match="no field like z"):
        match_fields(parse_fields("x: scalar"), parse_fields("x, z: scalar"))
