"""Generators: the algebra, its invariants, and matrices known from elsewhere."""

import numpy as np
import pytest

from stationary.algebra import SU, conjugation, gell_mann, generators, structure_constants

NAMES = {
    2: [1, 2, 3, 4, 5, 6, 7],
    3: [1, 3, -3, 6, -6, 8, 10, -10, 15, "15'", 27],
    4: [4, -4, 6, 10, 15, 20, "20'"],
    5: [5, -5, 10, -10, 15, 24],
}
IRREPS = [SU(n).irrep(name) for n, names in NAMES.items() for name in names]


@pytest.mark.parametrize("irrep", IRREPS, ids=lambda irrep: f"SU({irrep.n})-{irrep}")
def test_generators_obey_the_algebra(irrep):
    t, f = generators(irrep), structure_constants(irrep.n)
    product = np.einsum("aij,bjk->abik", t, t)
    commutator = product - product.swapaxes(0, 1)
    np.testing.assert_allclose(commutator, 1j * np.einsum("abc,cij->abij", f, t), atol=1e-12)
    np.testing.assert_allclose(t, t.conj().swapaxes(1, 2), atol=1e-13)
    traces = np.einsum("aij,bji->ab", t, t)
    np.testing.assert_allclose(traces, float(irrep.index) * np.eye(len(t)), atol=1e-12)
    casimir = np.einsum("aij,ajk->ik", t, t)
    np.testing.assert_allclose(casimir, float(irrep.casimir) * np.eye(irrep.dimension), atol=1e-12)
    # d_abc of the representation is its anomaly times that of the fundamental one.
    if irrep.n > 2 and irrep.dimension < 16:
        last, first = t[-1], gell_mann(irrep.n)[-1] / 2
        cubes = np.trace(last @ last @ last), np.trace(first @ first @ first)
        assert cubes[0] == pytest.approx(irrep.anomaly * cubes[1], abs=1e-12)


@pytest.mark.parametrize("irrep", IRREPS, ids=lambda irrep: f"SU({irrep.n})-{irrep}")
def test_conjugation_leads_to_the_conjugate_representation(irrep):
    t, c = generators(irrep), conjugation(irrep)
    np.testing.assert_allclose(c @ -t.conj(), generators(irrep.conjugate) @ c, atol=1e-12)
    if irrep.reality == "real":
        np.testing.assert_array_equal(t.real, 0)
    if irrep.reality == "complex":
        np.testing.assert_allclose(generators(irrep.conjugate), -t.conj(), atol=1e-13)
    if irrep.reality == "pseudoreal":
        np.testing.assert_allclose(c @ c.conj(), -np.eye(irrep.dimension))


def test_known_matrices():
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    np.testing.assert_array_equal(gell_mann(2), pauli)
    for n in (2, 3, 4, 5):
        fundamental, adjoint = SU(n).fundamental, SU(n).adjoint
        np.testing.assert_allclose(generators(fundamental), gell_mann(n) / 2, atol=1e-14)
        np.testing.assert_allclose(generators(adjoint), -1j * structure_constants(n), atol=1e-14)
    # PDG, review of SU(n) structure constants.
    f = structure_constants(3)
    places = [(1, 2, 3), (1, 4, 7), (1, 5, 6), (2, 4, 6), (4, 5, 8), (6, 7, 8)]
    found = [f[a - 1, b - 1, c - 1] for a, b, c in places]
    np.testing.assert_allclose(found, [1, 0.5, -0.5, 0.5, 0.75**0.5, 0.75**0.5])
