"""Fields: what they accept, and what they say of the rest."""

from fractions import Fraction

import pytest

from stationary.fieldtheory import Field, dirac, parse_fields

BAD = [
    (lambda: Field("H", su2=0), "no representation '0'"),
    (lambda: Field("H", su2=-2.5), "does not name"),
    (lambda: Field("H", su3=4), "H, su3=4.*no representation"),
    (lambda: Field("H", y=0.333), "exact rational.*'1/3'"),
    (lambda: Field("H", y="a third"), "rational number"),
    (lambda: Field("H", y="1/0"), "rational number"),
    (lambda: Field("H", y=float("nan")), "rational number"),
    (lambda: Field("H", color=3), "not a factor"),
    (lambda: Field("H", y=1, u1=1), "two representations of u1"),
    (lambda: Field("H*"), "no name"),
    (lambda: Field(""), "no name"),
    (lambda: Field("Q", "1/2"), "needs a helicity"),
    (lambda: Field("Q", "1/2", helicity=1), "-1/2 or 1/2"),
    (lambda: Field("H", helicity="left"), "has no helicity"),
    (lambda: Field("V", 1), "spin of V must be 0 or 1/2"),
    (lambda: Field("s", real=True, y=1), "cannot be real: its charge u1=1"),
    (lambda: Field("s", real=True, su3=3), "cannot be real: its representation su3=3 is complex"),
    (lambda: Field("s", real=True, su2=2), "pseudoreal"),
    (lambda: Field("N", "1/2", helicity="left", real=True), "no Weyl field is real"),
    (lambda: Field("H", copies=0), "number of copies"),
    (lambda: parse_fields("H scalar"), "no colon"),
    (lambda: parse_fields("H: skalar"), "'skalar' is not understood"),
    (lambda: parse_fields("H: su2=2"), "scalar or a fermion"),
    (lambda: parse_fields("H: scalar left"), "contradict"),
    (lambda: parse_fields("H: scalar su2=2 su2=3"), "given twice"),
    (lambda: parse_fields("H: scalar; H: scalar"), "Two fields"),
    (lambda: parse_fields("Q: fermion su3=3"), "needs a helicity"),
    (lambda: parse_fields("N: majorana su2=2"), "cannot be a Majorana"),
    (lambda: parse_fields("N: dirac left"), "both helicities"),
    (lambda: parse_fields("H: scalar copies=two"), "number of copies"),
    (lambda: parse_fields("  # nothing\n"), "no fields"),
]


@pytest.mark.parametrize("call, words", BAD)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_text_and_back():
    fields = parse_fields(
        "H, h: scalar su2=2 y=1/2 # two doublets\n"
        "s: real scalar su3=8; Q: fermion left su3=3 su2=2 u1=1/6 copies=3; e: right y=-1"
    )
    assert [f.name for f in fields] == ["H", "h", "s", "Q", "e"]
    assert parse_fields("\n".join(map(str, fields))) == fields


def test_conjugate_twice_is_the_field():
    field = Field("q", "1/2", helicity="left", su3=6, su2=2, y="1/3", copies=2)
    assert field.conjugate.conjugate == field
    assert field.conjugate.helicity == Fraction(1, 2)
    assert field.dimension == 12


def test_bidoublets_are_real():
    assert Field("p", real=True, su2_l=2, su2_r=2).real


def test_dirac_fermions_are_vector_like():
    first, second = dirac("E", su2=2, y="-1/2")
    assert second == first.conjugate.renamed("Ec") or second.left_handed
    assert first.charge("u1") == -second.charge("u1")
    assert first.left_handed and second.left_handed


def test_charges_are_exact_and_halves_may_be_floats():
    assert Field("H", y=0.5).charge("u1") == Fraction(1, 2)
    assert Field("H", y=Fraction(1, 3)).charge("u1") == Fraction(1, 3)
    assert Field("H", y="-2/3").charge("u1") == Fraction(-2, 3)
