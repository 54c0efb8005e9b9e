"""What must not change when fields are described otherwise, and counting by Weyl's integral."""

from collections import Counter
from fractions import Fraction
from itertools import combinations_with_replacement

import numpy as np
import pytest

from stationary.fieldtheory import STANDARD_MODEL, Field, lagrangian_terms, model
from tests.fieldtheory.random_models import random_model

SEEDS = range(12)


def classes(terms):
    """Letters up to hermitian conjugation, with their counts."""
    flip = {name: name[:-1] if name.endswith("*") else f"{name}*" for name in terms.alphabet.names}
    found = {}
    for term in terms.interactions:
        mirror = tuple(sorted(flip[letter] for letter in term.letters))
        found[min(tuple(sorted(term.letters)), mirror)] = term.count
    return found


def renamed(found, rename):
    result = {}
    for letters, ways in found.items():
        new = tuple(sorted(rename.get(letter, letter) for letter in letters))
        bar = tuple(sorted(x[:-1] if x.endswith("*") else f"{x}*" for x in new))
        result[min(new, bar)] = ways
    return result


@pytest.mark.parametrize("seed", SEEDS)
def test_describing_a_field_by_its_conjugate_changes_names_only(seed):
    fields = random_model(seed)
    before = classes(lagrangian_terms(fields))
    for i, field in enumerate(fields):
        other = [*fields[:i], field.conjugate, *fields[i + 1 :]]
        swap = {field.name: f"{field.name}*", f"{field.name}*": field.name}
        assert classes(lagrangian_terms(other)) == renamed(before, swap)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_fields_and_the_unit_of_charge_do_not_matter(seed):
    fields = random_model(seed)
    before = classes(lagrangian_terms(fields))
    assert classes(lagrangian_terms(fields[::-1])) == before
    scaled = []
    for field in fields:
        given = dict(field.representations)
        given["u1"] = field.charge("u1") * Fraction(7, 5)
        helicity = field.helicity
        scaled.append(Field(field.name, field.spin, helicity=helicity, **given))
    assert classes(lagrangian_terms(scaled)) == before


@pytest.mark.parametrize("seed", SEEDS)
def test_an_incommensurate_charge_couples_only_to_squares(seed):
    fields = random_model(seed)
    before = lagrangian_terms(fields)
    after = lagrangian_terms([*fields, Field("z", y="1/7")])
    added = [term.letters for term in after.interactions if "z" in term.letters]
    scalars = [f.name for f in fields if not f.fermion]
    expected = {("z", "z*"), ("z", "z", "z*", "z*")} | {
        tuple(sorted((s, f"{s}*", "z", "z*"))) for s in scalars
    }
    neutral = {  # singlets of one, two letters times |z|^2
        tuple(sorted((*term.letters, "z", "z*")))
        for term in before.interactions
        if term.kind in ("linear", "mass")
        and not any(before.field(x).fermion for x in term.letters)
    }
    assert {tuple(sorted(letters)) for letters in added} == expected | neutral
    assert len(after.interactions) - len(before.interactions) == len(added)


def character(rep, angles):
    """The character of SU(3) x SU(2) at diagonal elements, from its weights."""
    from stationary.algebra import weights

    result = np.ones(len(angles), complex)
    for irrep, columns in zip(rep, (slice(0, 2), slice(2, 3)), strict=True):
        total = sum(
            m * np.exp(1j * angles[:, columns] @ np.array(w)) for w, m in weights(irrep).items()
        )
        result = result * total
    return result


def haar_grid():
    """Points on the torus of SU(3) x SU(2), and weights that integrate characters exactly."""
    n = 19
    turn = 2 * np.pi * np.arange(n) / n
    grid = np.stack(np.meshgrid(turn, turn, turn, indexing="ij"), -1).reshape(-1, 3)
    roots = [np.array(r) for r in ([2, -1, 0], [-1, 2, 0], [1, 1, 0], [0, 0, 2])]
    density = np.prod([1 - np.exp(1j * grid @ root) for root in roots], axis=0)
    return grid, density / len(grid)


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_integrals_over_the_group(seed):
    """Molien and Weyl: average the symmetrised product of characters over the torus."""
    fields = random_model(seed + 100, 3)
    terms = lagrangian_terms(fields)
    found = classes(terms)
    grid, density = haar_grid()
    letters = terms.alphabet
    powers = {}
    for i, rep in enumerate(letters.reps):
        c = [character(rep, k * grid) for k in range(1, 5)]
        h = [np.ones(len(grid)), c[0], (c[0] ** 2 + c[1]) / 2]
        h.append((c[0] ** 3 + 3 * c[0] * c[1] + 2 * c[2]) / 6)
        h.append(
            (c[0] ** 4 + 6 * c[0] ** 2 * c[1] + 3 * c[1] ** 2 + 8 * c[0] * c[2] + 6 * c[3]) / 24
        )
        powers[i] = h
    scalars = [i for i in range(2 * len(fields)) if not fields[i // 2].fermion]
    left = [2 * i + (not f.left_handed) for i, f in enumerate(fields) if f.fermion]
    candidates = [c for n in (1, 2, 3, 4) for c in combinations_with_replacement(scalars, n)]
    pairs = list(combinations_with_replacement(left, 2))
    candidates += pairs + [(*pair, s) for pair in pairs for s in scalars]
    for codes in candidates:
        charge = sum((-1) ** (c % 2) * fields[c // 2].charge("u1") for c in codes)
        expected = 0
        if charge == 0:
            product = np.prod([powers[c][k] for c, k in Counter(codes).items()], axis=0)
            value = np.sum(product * density)
            assert abs(value - round(value.real)) < 1e-9
            expected = round(value.real)
        names = tuple(sorted(letters.names[c] for c in codes))
        mirror = tuple(sorted(letters.names[c ^ 1] for c in codes))
        assert found.get(min(names, mirror), 0) == expected


def test_kinetic_terms_mixing_and_theta():
    fields = [
        Field("a", y=1),
        Field("b", y=-1),
        Field("s", real=True),
        Field("p", "1/2", helicity="left", y=1),
        Field("q", "1/2", helicity="right", y=-1, copies=2),
    ]
    plain = lagrangian_terms(fields, "u1 x u1_x")
    assert [str(t) for t in plain.of_kind("kinetic")] == [
        "D(a) D(a*)",
        "D(b) D(b*)",
        "D(s) D(s)",
        "D(p) p*",
        "D(q) q*",
    ]
    assert len(plain.of_kind("gauge")) == 2 and not plain.of_kind("mixing")
    rich = lagrangian_terms(fields, "u1 x u1_x", kinetic_mixing=True, theta=True)
    assert {(str(t), t.count) for t in rich.of_kind("mixing")} == {
        ("F(u1) F(u1_x)", 1),
        ("D(a) D(b) + h.c.", 1),
        ("D(p) q + h.c.", 2),
        ("D(q) q*", 3),
    }
    assert len(rich.of_kind("theta")) == 2


def test_lower_dimensions_leave_out_what_weighs_more():
    fields = model("complex singlet")
    full = lagrangian_terms(fields)
    for dimension in (1, 2, 3):
        low = lagrangian_terms(fields, max_dimension=dimension)
        weight = lambda term: sum(  # noqa: E731
            Fraction(3, 2) if full.field(x).fermion else 1 for x in term.letters
        )
        assert low.terms == tuple(t for t in full.interactions if weight(t) <= dimension)


def test_charges_in_other_units_do_not_couple():
    fields = [
        Field("H", su2=2, y="1/2"),
        Field("Q", "1/2", helicity="left", su3=3, su2=2, y="1/3"),
        Field("u", "1/2", helicity="left", su3=-3, y="-4/3"),
    ]
    assert not lagrangian_terms(fields).of_kind("yukawa")
    fields[0] = Field("H", su2=2, y=1)
    assert len(lagrangian_terms(fields).of_kind("yukawa")) == 1


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: lagrangian_terms([]), ValueError, "no fields"),
        (lambda: lagrangian_terms([Field("H"), Field("H")]), ValueError, "Two fields are called"),
        (lambda: lagrangian_terms([Field("H", su5=5)]), ValueError, "su5 is not a factor"),
        (lambda: lagrangian_terms([Field("H")], "SU2 x SU2"), ValueError, "twice"),
        (lambda: lagrangian_terms([Field("H")], "E8"), ValueError, "not a factor"),
        (lambda: lagrangian_terms([Field("H")], "SU7"), ValueError, "N = 2 to 5"),
        (lambda: lagrangian_terms([Field("H")], max_dimension=5), NotImplementedError, "up to 4"),
        (lambda: lagrangian_terms([Field("H")], max_dimension=0), ValueError, "1 to 4"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_the_default_group_is_that_of_the_standard_model():
    assert STANDARD_MODEL.dimension == 12
    assert lagrangian_terms([Field("H")]).group == STANDARD_MODEL
