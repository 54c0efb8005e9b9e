"""Names, dimensions and indices of representations, against published tables."""

import re
from fractions import Fraction

import pytest

from stationary.algebra import SU, Irrep, weights

# Slansky, Physics Reports 79 (1981), tables of SU(3), SU(4) and SU(5): name, dimension, twice the
# Dynkin index.
TABLE = [
    (3, (1, 0), "3", 1),
    (3, (2, 0), "6", 5),
    (3, (1, 1), "8", 6),
    (3, (3, 0), "10", 15),
    (3, (2, 1), "15", 20),
    (3, (4, 0), "15'", 35),
    (3, (2, 2), "27", 54),
    (4, (0, 1, 0), "6", 2),
    (4, (2, 0, 0), "10", 6),
    (4, (1, 0, 1), "15", 8),
    (4, (0, 2, 0), "20'", 16),
    (5, (0, 1, 0, 0), "10", 3),
    (5, (2, 0, 0, 0), "15", 7),
    (5, (1, 0, 0, 1), "24", 10),
]


@pytest.mark.parametrize("n, dynkin, name, index", TABLE)
def test_names_and_indices_agree_with_slansky(n, dynkin, name, index):
    irrep = Irrep(dynkin)
    assert str(irrep) == name
    assert 2 * irrep.index == index
    assert SU(n).irrep(name) == irrep
    assert irrep.dimension == int(re.sub("'", "", name))


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_weights_fill_the_representation_and_give_its_index(n):
    for dynkin in {(1,) + (0,) * (n - 2), (2,) + (0,) * (n - 2), (1,) * (n - 1)}:
        irrep = Irrep(dynkin)
        found = weights(irrep)
        assert sum(found.values()) == irrep.dimension
        # The trace of the square of T3 = diag(1, -1, 0, ...) / 2 is the index.
        assert sum(m * Fraction(w[0], 2) ** 2 for w, m in found.items()) == irrep.index


def test_conjugates_have_minus_signs_and_opposite_anomalies():
    for n in (3, 4, 5):
        for name in SU(n).fundamental.dimension, n * (n + 1) // 2:
            irrep = SU(n).irrep(name)
            assert str(irrep.conjugate) == f"-{name}"
            assert SU(n).irrep(f"{name}bar") == SU(n).irrep(-name) == irrep.conjugate
            assert irrep.conjugate.anomaly == -irrep.anomaly
        # (N + 4) for the symmetric square, (N - 4) for the antisymmetric one.
        assert Irrep((2,) + (0,) * (n - 2)).anomaly == n + 4
    assert SU(5).irrep(10).anomaly == 1
    assert SU(3).irrep(10).anomaly == 27


def test_reality():
    assert [SU(2).irrep(d).reality for d in (1, 2, 3, 4)] == [
        "real",
        "pseudoreal",
        "real",
        "pseudoreal",
    ]
    assert SU(4).irrep(6).reality == "real"
    assert SU(3).irrep(3).reality == "complex"


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: SU(3).irrep(4), "no representation '4'.*1, 3, 6, 8"),
        (lambda: SU(3).irrep("octet"), "does not name"),
        (lambda: SU(3).irrep(0), "no representation"),
        (lambda: SU(2).irrep(10**9), "more than the 1000 components"),
        (lambda: SU(3).irrep((1, 0, 0)), "2 Dynkin labels"),
        (lambda: SU(6), "N = 2 to 5"),
        (lambda: Irrep((-1,)), "non-negative"),
    ],
)
def test_names_that_do_not_exist(call, words):
    with pytest.raises(ValueError, match=words):
        call()
