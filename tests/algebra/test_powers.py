"""Products and powers against dimensions, and against Weyl's integration formula by brute force."""

from itertools import combinations, combinations_with_replacement
from math import comb

import pytest

from stationary.algebra import SU, Irrep, conjugate, dimension, power, product, weights

SU3, SU2 = SU(3), SU(2)


def rep(color, weak):
    return (SU3.irrep(color), SU2.irrep(weak))


def brute_force(character, n):
    """Highest weights of a character of SU(N), found by taking irreducible ones away."""
    left, found = dict(character), {}
    height = lambda w: sum((i + 1) * (n - 1 - i) * a for i, a in enumerate(w))  # noqa: E731
    while any(left.values()):
        top = max((w for w, m in left.items() if m), key=height)
        count = left[top]
        found[Irrep(top)] = count
        for w, m in weights(Irrep(top)).items():
            left[w] = left.get(w, 0) - count * m
    return found


@pytest.mark.parametrize("n, name, other", [(3, 8, 8), (3, 6, -15), (4, 6, 20), (5, 10, 24)])
def test_products_by_subtracting_highest_weights(n, name, other):
    one, two = SU(n).irrep(name), SU(n).irrep(other)
    character = {}
    for w, a in weights(one).items():
        for v, b in weights(two).items():
            key = tuple(x + y for x, y in zip(w, v, strict=True))
            character[key] = character.get(key, 0) + a * b
    expected = brute_force(character, n)
    assert {r[0]: m for r, m in product((one,), (two,)).items()} == expected


@pytest.mark.parametrize("n, name", [(2, 4), (3, 6), (3, 8), (4, 6), (5, 10)])
@pytest.mark.parametrize("k", [2, 3])
def test_powers_by_listing_multisets_of_weights(n, name, k):
    irrep = SU(n).irrep(name)
    spelled = [w for w, m in weights(irrep).items() for _ in range(m)]
    for shape, choose in ((k,), combinations_with_replacement), ((1,) * k, combinations):
        character = {}
        for chosen in choose(spelled, k):
            key = tuple(map(sum, zip(*chosen, strict=True)))
            character[key] = character.get(key, 0) + 1
        expected = brute_force(character, n)
        assert {r[0]: m for r, m in power((irrep,), shape).items()} == expected


@pytest.mark.parametrize("letter", [rep(3, 2), rep(8, 2), rep(1, 3), rep(6, 1)])
def test_dimensions_of_powers(letter):
    d = dimension(letter)
    for k in (2, 3, 4):
        total = lambda shape: sum(m * dimension(r) for r, m in power(letter, shape).items())  # noqa: E731
        assert total((k,)) == comb(d + k - 1, k)
        assert total((1,) * k) == comb(d, k)
    assert sum(m * dimension(r) for r, m in power(letter, (2, 1)).items()) == d * (d * d - 1) // 3


def test_known_invariants():
    singlet = rep(1, 1)
    assert product(rep(3, 1), rep(-3, 1))[singlet] == 1
    octets = product(rep(8, 1), rep(8, 1))
    assert octets[rep(8, 1)] == 2  # f and d
    assert power(rep(8, 1), (3,))[singlet] == 1
    assert singlet not in power(rep(1, 2), (2,))
    assert power(rep(1, 2), (1, 1))[singlet] == 1
    assert power(rep(1, 3), (2,))[singlet] == 1


def test_conjugation_commutes_with_products_and_powers():
    one, two = rep(6, 2), rep(-3, 3)
    flipped = {conjugate(r): m for r, m in product(one, two).items()}
    assert product(conjugate(one), conjugate(two)) == flipped
    assert power(conjugate(one), (3,)) == {conjugate(r): m for r, m in power(one, (3,)).items()}


def test_different_groups_do_not_multiply():
    with pytest.raises(ValueError, match="different groups"):
        product((SU3.irrep(3),), (SU2.irrep(2),))
