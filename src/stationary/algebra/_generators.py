"""Matrices of the generators of SU(N), in the basis that each representation is written in."""

from functools import cache

import numpy as np
from jaxtyping import Complex, Float

from ._clebsch_gordan import clebsch_gordan
from ._irrep import Irrep, of_dimension
from ._patterns import duality, raising


def gell_mann(n: int) -> Complex[np.ndarray, "generators n n"]:
    """The generalised Gell-Mann matrices, twice the generators of the fundamental representation.

    **Arguments:**

    - `n`: the N of SU(N).

    **Returns:** N² - 1 hermitian matrices with tr(λ_a λ_b) = 2 δ_ab: for each column j from the
    second on, the symmetric and the antisymmetric one of each row above, then the diagonal one.
    They are Pauli's for N = 2 and Gell-Mann's for N = 3.

    !!! example
        >>> gell_mann(2)[2].real.tolist()
        [[1.0, 0.0], [0.0, -1.0]]
    """
    found = []
    for j in range(1, n):
        for i in range(j):
            for entry in (1, -1j):
                matrix = np.zeros((n, n), complex)
                matrix[i, j], matrix[j, i] = entry, np.conj(entry)
                found.append(matrix)
        found.append(np.diag([1.0] * j + [-j] + [0.0] * (n - j - 1)) * np.sqrt(2 / (j * (j + 1))))
    return np.array(found, complex)


@cache
def structure_constants(n: int) -> Float[np.ndarray, "generators generators generators"]:
    """The numbers f_abc with [T_a, T_b] = i f_abc T_c, the same in every representation.

    **Arguments:**

    - `n`: the N of SU(N).

    **Returns:** f, totally antisymmetric.

    !!! example
        >>> structure_constants(2)[0, 1, 2].item()
        1.0
    """
    t = gell_mann(n) / 2
    product = np.einsum("aij,bjk->abik", t, t)
    commutator = product - product.swapaxes(0, 1)
    return _frozen(np.einsum("abij,cji->abc", commutator, t).imag * 2)


@cache
def generators(irrep: Irrep) -> Complex[np.ndarray, "generators states states"]:
    """The generators T_a of a representation.

    Hermitian, with tr(T_a T_b) = `irrep.index` δ_ab, and [T_a, T_b] = i f_abc T_c with the same
    `structure_constants` in every representation. The fundamental has half the `gell_mann`
    matrices, the adjoint (T_a)_bc = -i f_abc. Of two conjugates, the one with a minus sign in its
    name has minus the complex conjugate of the other's. Real representations come in a real basis
    (T_a imaginary and antisymmetric), so that real vectors stay real; the others in the
    Gelfand-Tsetlin basis, highest weight first, where the generators of Cartan are diagonal.

    **Arguments:**

    - `irrep`: the representation.

    **Returns:** one matrix for each of the N² - 1 generators; read only.

    !!! example
        >>> from stationary.algebra import SU
        >>> generators(SU(2).irrep(4))[2].diagonal().real.tolist()
        [1.5, 0.5, -0.5, -1.5]
    """
    change = basis(irrep)
    found = change.conj().T @ _weight_generators(irrep) @ change
    # Rounding would make real vectors complex.
    return _frozen(1j * np.imag(found) if irrep.reality == "real" else found)


@cache
def conjugation(irrep: Irrep) -> Complex[np.ndarray, "states states"]:
    """The matrix C that makes a conjugated vector one of the conjugate representation.

    With T_a the generators of `irrep` and T'_a those of its conjugate, C (-T_a*) = T'_a C. It is
    the identity unless the representation is pseudoreal: for the doublet, C φ* = i σ₂ φ*.

    **Arguments:**

    - `irrep`: the representation.

    **Returns:** a real orthogonal matrix; read only.

    !!! example
        >>> from stationary.algebra import SU
        >>> conjugation(SU(2).irrep(2)).real.tolist()
        [[0.0, 1.0], [-1.0, 0.0]]
    """
    if irrep.reality != "pseudoreal":
        return _frozen(np.eye(irrep.dimension, dtype=complex))
    return _frozen(dual(irrep).astype(complex))


@cache
def basis(irrep: Irrep) -> Complex[np.ndarray, "states states"]:
    """The basis of `generators`, as columns in the Gelfand-Tsetlin basis."""
    if irrep == Irrep((2,)) or irrep.dynkin == (1,) + (0,) * (irrep.n - 3) + (1,):
        return _frozen(_adjoint_basis(irrep))
    if irrep.reality == "real":
        return _frozen(_real_basis(irrep))
    if irrep not in of_dimension(irrep.n, irrep.dimension):
        return _frozen(dual(irrep.conjugate).astype(complex))
    return _frozen(np.eye(irrep.dimension, dtype=complex))


def _weight_generators(irrep: Irrep) -> Complex[np.ndarray, "generators states states"]:
    # E_ij by commutators of the raising matrices, and the Cartan generators from E_ii - E_jj.
    n, size = irrep.n, irrep.dimension
    e = np.zeros((n, n, size, size))
    for k, matrix in enumerate(raising(irrep)):
        e[k, k + 1] = matrix
    for step in range(2, n):
        for i in range(n - step):
            a, b = e[i, i + 1], e[i + 1, i + step]
            e[i, i + step] = a @ b - b @ a
    found = []
    diagonal = [a @ a.T - a.T @ a for a in raising(irrep)]
    for j in range(1, n):
        for i in range(j):
            found += [(e[i, j] + e[i, j].T) / 2, (e[i, j] - e[i, j].T) / 2j]
        # 1 + ... + 1 - j is the sum of k (E_kk - E_{k+1,k+1}) up to k = j.
        total = sum((k + 1) * diagonal[k] for k in range(j))
        found.append(total / np.sqrt(2 * j * (j + 1)))
    return np.array(found, complex).reshape(n * n - 1, size, size)


def dual(irrep: Irrep) -> Float[np.ndarray, "states states"]:
    """Conjugated Gelfand-Tsetlin components to those of the conjugate representation."""
    places, signs = duality(irrep)
    matrix = np.zeros((irrep.dimension, irrep.dimension))
    matrix[places, np.arange(irrep.dimension)] = signs
    return matrix


def _real_basis(irrep: Irrep) -> Complex[np.ndarray, "states states"]:
    """Columns v with v = C v*, where C conjugates in the Gelfand-Tsetlin basis."""
    columns = np.zeros((irrep.dimension, irrep.dimension), complex)
    places, signs = duality(irrep)
    at = 0
    for i, (dual, sign) in enumerate(zip(places, signs, strict=True)):
        if dual == i:
            columns[i, at] = 1 if sign > 0 else 1j
            at += 1
        elif dual > i:
            for entry in (1 / np.sqrt(2), 1j / np.sqrt(2)):
                columns[i, at], columns[dual, at] = entry, sign * np.conj(entry)
                at += 1
    return columns


def _adjoint_basis(irrep: Irrep) -> Complex[np.ndarray, "states states"]:
    """The columns on which the group acts as on its generators, the traceless matrices."""
    fundamental = Irrep((1,) + (0,) * (irrep.n - 2))
    embedding = clebsch_gordan(fundamental, fundamental.conjugate, irrep)[0]
    places, signs = duality(fundamental)
    # Matrices are vectors times conjugated vectors; T_a has length 1/sqrt(2) among them.
    matrices = embedding[:, places] * signs[:, None]
    return np.einsum("ijm,aij->ma", matrices, gell_mann(irrep.n)) / np.sqrt(2)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
