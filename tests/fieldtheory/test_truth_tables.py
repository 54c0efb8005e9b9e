"""Every term of the models that are known, and of ten more."""

import pytest

from stationary.atlas.fieldtheory.lagrangians._truth import (
    ADDED,
    STANDARD_MODEL,
    THREE_GENERATIONS,
    TOTALS,
    rows,
)
from stationary.fieldtheory import EXTENSIONS, lagrangian_terms, model, parse_fields


def found(terms):
    """Letters, contractions and whether complex, as `rows` gives them."""
    return {
        tuple(sorted(term.letters)): (term.count, not term.self_conjugate)
        for term in terms.interactions
    }


@pytest.mark.parametrize("name", ["Standard Model", *EXTENSIONS])
def test_every_row_of_the_tables(name):
    terms = lagrangian_terms(model(name))
    expected = rows(STANDARD_MODEL) | (rows(ADDED[name]) if name in ADDED else {})
    assert found(terms) == expected
    assert terms.real_parameters == sum(n * (1 + c) for n, c in expected.values())


@pytest.mark.parametrize("name", THREE_GENERATIONS)
def test_three_generations(name):
    terms = lagrangian_terms(model(name, generations=3))
    expected = rows(THREE_GENERATIONS[name])
    assert expected.items() <= found(terms).items()
    for letters, (ways, _) in expected.items():
        assert sum(w.parameters for w in terms.contractions(terms[" ".join(letters)])) == ways


@pytest.mark.parametrize("name, generations", TOTALS)
def test_totals(name, generations):
    total = lagrangian_terms(model(name, generations=generations)).real_parameters
    assert total == TOTALS[name, generations]


def test_tables_cover_every_named_model():
    assert set(ADDED) == set(EXTENSIONS)


# Models in none of those tables: gauge group, fields, terms, and where the numbers come from.
FURTHER = {
    # N doublets have N^2 (N^2 + 3) / 2 real parameters: Branco et al., arXiv:1106.0034.
    "three Higgs doublets": ("SU2 x U1", "H: scalar su2=2 y=1/2 copies=3", None, 54),
    # Tr S^2, Tr S^3, (Tr S^2)^2, Tr S^4; the potential and Yukawas of Georgi and Glashow.
    "SU(5)": (
        "su5",
        "S: real scalar su5=24; h: scalar su5=5; T: fermion left su5=10; F: fermion left su5=-5",
        "S S 1; S S S 1; S S S S 2; h h* 1; h h h* h* 1; h h* S 1; h h* S S 2; T T h 1 hc; "
        "T F h* 1 hc",
        None,
    ),
    # Bidoublet: Tr P~+ P, Tr P+ P and so on; real by SU(2) x SU(2), so that P P is allowed.
    "left-right bidoublet": (
        "su2_l x su2_r x u1_bl",
        "P: scalar su2_l=2 su2_r=2; q: fermion left su2_l=2 u1_bl=1/3; "
        "r: fermion left su2_r=2 u1_bl=-1/3",
        # (2,2) is the vector of SO(4): p.p, p.p*, and quartics of two vectors.
        "P P 1 hc; P P* 1; P P P P 1 hc; P P P P* 1 hc; P P P* P* 2; P q r 1 hc; P* q r 1 hc",
        None,
    ),
    # (4,1,2) couples two families by (15,2,2) or (1,2,2); the scalar alone has two quartics.
    "Pati-Salam": (
        "su4 x su2_l x su2_r",
        "q: fermion left su4=4 su2_l=2; r: fermion left su4=-4 su2_r=2; "
        "p: real scalar su2_l=2 su2_r=2; c: scalar su4=4 su2_r=2",
        # (4,2)^2 = (10,3) + (6,1); c c with c* c*: two. p p with c c*: the SU(2)_R triplet of
        # p p is antisymmetric.
        "p p 1; p p p p 1; c c* 1; c c c* c* 2; p p c c* 1; q r p 1 hc",
        None,
    ),
    # The charge of N N must be that of the scalar: a Majoron coupling.
    "gauged B-L": (
        "u1 x u1_bl",
        "N: fermion left u1_bl=-1; x: scalar u1_bl=2",
        "x x* 1; x x x* x* 1; N N x 1 hc",
        None,
    ),
    "two charged scalars": (
        "u1",
        "a: scalar y=1; b: scalar y=2",
        "a a* 1; b b* 1; a a b* 1 hc; a a a* a* 1; a a* b b* 1; b b b* b* 1",
        None,
    ),
    "Wess-Zumino": (
        "u1",
        "s: scalar; p: fermion left",
        "s 1 hc; s s 1 hc; s s* 1; s s s 1 hc; s s s* 1 hc; s s s s 1 hc; s s s s* 1 hc; "
        "s s s* s* 1; p p 1 hc; p p s 1 hc; p p s* 1 hc",
        None,
    ),
    # The vector of SO(6): only its length.
    "real sextet of SU(4)": ("su4", "v: real scalar su4=6", "v v 1; v v v v 1", None),
    # Traceless symmetric matrices: Tr M^2, Tr M^3, and Tr M^4 = (Tr M^2)^2 / 2.
    "real quintuplet": ("su2", "v: real scalar su2=5", "v v 1; v v v 1; v v v v 1", None),
    # Epsilon of three triplets; Pisano and Pleitez, arXiv:hep-ph/9206242.
    "331": (
        "su3_c x su3_l x u1",
        "a: scalar su3_l=3; b: scalar su3_l=3 y=1; c: scalar su3_l=3 y=-1",
        "a a* 1; b b* 1; c c* 1; a b c 1 hc; a a a* a* 1; b b b* b* 1; c c c* c* 1; a a* b b* 2; "
        "a a* c c* 2; b b* c c* 2; a a b* c* 1 hc",
        None,
    ),
    # Doublets have a mass matrix that is antisymmetric in flavour; triplets a symmetric one.
    "flavours of SU(2)": (
        "su2",
        "d: fermion left su2=2 copies=4; t: fermion left su2=3 copies=2",
        "d d 6 hc; t t 3 hc",
        None,
    ),
    # Two adjoint fermions are symmetric in colour: coupled by d to an adjoint scalar, not by f.
    "gluinos": (
        "su3",
        "l: fermion left su3=8; S: real scalar su3=8",
        "S S 1; S S S 1; S S S S 1; l l 1 hc; l l S 1 hc",
        None,
    ),
}


@pytest.mark.parametrize("name", FURTHER)
def test_models_in_none_of_the_tables(name):
    group, fields, expected, total = FURTHER[name]
    terms = lagrangian_terms(parse_fields(fields), group)
    if total is not None:
        assert terms.real_parameters == total
    if expected is not None:
        assert found(terms) == rows(expected)
