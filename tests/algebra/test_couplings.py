"""Couplings to singlets: counts from published invariants, and one path for each of them."""

import pytest

from stationary.algebra import SU, count_invariants, couplings

SU3, SU2 = SU(3), SU(2)


def rep(color, weak):
    return (SU3.irrep(color), SU2.irrep(weak))


CASES = [
    # baryon, meson, f and d, the SU(3) quartic of octets (8: as known from Sym and mixed powers)
    ([(rep(3, 1), (1,))] * 3, 1),
    ([(rep(3, 1), (1,)), (rep(-3, 1), (1,))], 1),
    ([(rep(8, 1), (1,))] * 3, 2),
    ([(rep(8, 1), (1,))] * 4, 8),
    ([(rep(8, 1), (3,))], 1),
    ([(rep(8, 1), (4,))], 1),
    ([(rep(3, 2), (2,)), (rep(-3, 2), (2,))], 2),
    ([(rep(8, 2), (2,)), (rep(8, 2), (2,))], 6),
    ([(rep(1, 2), (1,))] * 4, 2),
    ([(rep(1, 2), (1,)), (rep(1, 2), (1,)), (rep(1, 1), (1,))], 1),
    ([(rep(1, 2), (2,))], 0),
]


@pytest.mark.parametrize("powers, count", CASES)
def test_every_invariant_has_a_path(powers, count):
    powers = tuple(powers)
    assert count_invariants(powers) == count
    found = couplings(powers)
    assert len(found) == len(set(found)) == count


def test_paths_of_two_leptoquarks_are_named_by_the_pair():
    powers = ((rep(3, 2), (2,)), (rep(-3, 2), (2,)))
    names = {tuple(map(str, path.powers[0][0])) for path in couplings(powers)}
    assert names == {("6", "3"), ("-3", "1")}
