"""Contractions of scalar letters as polynomials of the fields' components."""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Complex, Float, Int

from stationary.algebra import Rep, conjugation, invariant_polynomials, real_basis

from ._term import Term
from ._termset import TermSet

_ZERO = 1e-9


@dataclass(frozen=True, eq=False)
class Contracted:
    """All contractions of one term, over the same monomials.

    **Arguments:**

    - `indices`: which component of each letter, copies included, by monomial. The components of
        `H*` are the complex conjugates of those of `H`.
    - `coefficients`: by contraction and monomial.
    - `labels`: of the contractions; `None` where they mix flavours and have no names.
    """

    indices: Int[np.ndarray, "monomials letters"]
    coefficients: Complex[np.ndarray, "contractions monomials"]
    labels: tuple[str, ...] | None


def contracted(terms: TermSet, term: Term) -> Contracted:
    """The contractions of a scalar term, normalised.

    The largest component of each has absolute value one. A term that is its own conjugate has real
    contractions; where conjugation exchanges two, the first stands for their sum, the second for
    the imaginary unit times their difference. Signs: a contraction that overlaps with the product
    of squares of its fields has a positive overlap, so that a single contraction of such letters
    is that product, (H* H)² say; the others have a positive first component.

    **Arguments:**

    - `terms`, `term`: the Lagrangian, and one of its terms with scalar letters only.
    """
    codes = {name: i for i, name in reversed(list(enumerate(terms.alphabet.names)))}
    reps = [terms.alphabet.reps[codes[letter]] for letter, _ in term.powers]
    copies = [terms.field(letter).copies for letter, _ in term.powers]
    powers = tuple((rep, (k,)) for rep, (_, k) in zip(reps, term.powers, strict=True))
    polynomials = invariant_polynomials(powers, copies)
    if len(polynomials) != term.count:
        raise AssertionError(f"{term} has {term.count} contractions, not {len(polynomials)}")
    raw, repeats, matrix = _common_monomials(polynomials)
    indices, signs = _in_conjugates(raw, term, reps, copies)
    order = np.lexsort(indices.T[::-1])
    indices, repeats, matrix = indices[order], repeats[order], (matrix * signs)[:, order]
    if term.self_conjugate:
        points = _samples(terms, term, 3 * len(matrix) + 5)
        values = np.prod([points[n][:, i] for n, i in zip(term.letters, indices.T, strict=True)], 0)
        matrix = _hermitian(matrix, values)
        squares = _squares(term, points)
        shares = np.zeros(len(matrix))
        if squares is not None:
            shares = np.linalg.lstsq((values @ matrix.T).real, squares, rcond=None)[0]
        phases = [
            np.sign(share) if abs(share) > _ZERO else _sign(_first(row))
            for row, share in zip(matrix, shares, strict=True)
        ]
    else:
        phases = [np.conj(_first(row)) / abs(_first(row)) for row in matrix]
    matrix = matrix * np.array(phases)[:, None]
    matrix /= np.abs(matrix / repeats).max(axis=1, keepdims=True)
    matrix[np.abs(matrix) < _ZERO] = 0
    labels = None
    if max(copies) == 1:
        labels = tuple(way.label for way in terms.contractions(term))
    return Contracted(indices, matrix, labels)


def _common_monomials(polynomials) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = np.concatenate([p.indices for p in polynomials])
    indices, place = np.unique(rows, axis=0, return_inverse=True)
    repeats = np.zeros(len(indices), int)
    repeats[place.ravel()] = np.concatenate([p.repeats for p in polynomials])
    matrix = np.zeros((len(polynomials), len(indices)), complex)
    begin = 0
    for row, p in zip(matrix, polynomials, strict=True):
        row[place.ravel()[begin : begin + len(p.indices)]] = p.coefficients
        begin += len(p.indices)
    return indices, repeats, matrix


def _in_conjugates(
    indices: np.ndarray, term: Term, reps: list[Rep], copies: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Monomials of letters in their own basis as monomials of complex conjugates, and signs."""
    indices, signs, begin = indices.copy(), np.ones(len(indices)), 0
    for (letter, k), rep, many in zip(term.powers, reps, copies, strict=True):
        if letter.endswith("*"):
            # A pseudoreal letter's own components are the conjugates, permuted, with signs.
            matrix = reduce(np.kron, [conjugation(r.conjugate) for r in rep], np.eye(many)).real
            place = np.abs(matrix).argmax(axis=1)
            for slot in range(begin, begin + k):
                signs *= matrix[indices[:, slot], place[indices[:, slot]]]
                indices[:, slot] = place[indices[:, slot]]
            indices[:, begin : begin + k] = np.sort(indices[:, begin : begin + k], axis=1)
        begin += k
    return indices, signs


def _samples(terms: TermSet, term: Term, count: int) -> dict[str, np.ndarray]:
    """Random components of each letter of a term."""
    rng = np.random.default_rng(0)
    points: dict[str, np.ndarray] = {}
    for name in dict.fromkeys(letter.removesuffix("*") for letter in term.letters):
        field = terms.field(name)
        size = field.copies * field.dimension
        value = rng.normal(size=(count, size)) + 0j
        if field.real:
            rep = terms.alphabet.reps[2 * terms.fields.index(field)]
            value = value @ np.kron(np.eye(field.copies), real_basis(rep)).T
        else:
            value = (value + 1j * rng.normal(size=(count, size))) / np.sqrt(2)
        points[name], points[f"{name}*"] = value, value.conj()
    return points


def _squares(term: Term, points: dict[str, np.ndarray]) -> Float[np.ndarray, "points"] | None:
    """The product of squared lengths that has the letters of a term, if there is one."""
    powers = dict(term.powers)
    total = None
    for name in dict.fromkeys(letter.removesuffix("*") for letter in term.letters):
        stars = powers.get(f"{name}*", 0)
        if stars != powers.get(name, 0) and (stars or powers[name] % 2):
            return None
        times = stars or powers[name] // 2
        square = (np.abs(points[name]) ** 2).sum(axis=1) ** times
        total = square if total is None else total * square
    return total


def _hermitian(
    matrix: Complex[np.ndarray, "contractions monomials"],
    values: Complex[np.ndarray, "points monomials"],
) -> Complex[np.ndarray, "contractions monomials"]:
    """Combinations of contractions that are real for all fields, one in the place of each."""
    p = values @ matrix.T
    # The conjugate of contraction i is the sum of mirror[j, i] times contraction j.
    mirror = np.linalg.lstsq(p, p.conj(), rcond=None)[0]
    chosen: list[np.ndarray] = [np.zeros(0)] * len(matrix)
    basis = np.zeros((0, 2 * len(matrix)))
    for i in range(len(matrix)):
        unit = np.eye(len(matrix))[i]
        for vector in (unit + mirror[:, i], 1j * (unit - mirror[:, i])):
            flat = np.concatenate([vector.real, vector.imag])
            rest = flat - basis.T @ (basis @ flat)
            if np.linalg.norm(rest) < 1e-6:
                continue
            rest /= np.linalg.norm(rest)
            basis = np.concatenate([basis, rest[None]])
            # Its own place, or that of the contraction which conjugation exchanges it with.
            partner = int(np.abs(mirror[:, i]).argmax())
            place = i if not chosen[i].size else partner
            if chosen[place].size:
                place = next(j for j, c in enumerate(chosen) if not c.size)
            chosen[place] = rest[: len(matrix)] + 1j * rest[len(matrix) :]
    return np.array(chosen) @ matrix


def _first(row: Complex[np.ndarray, "monomials"]) -> complex:
    return complex(row[np.flatnonzero(np.abs(row) > _ZERO)[0]])


def _sign(value: complex) -> float:
    """The sign of the real part, or where there is none of the imaginary part."""
    return float(np.sign(value.real if abs(value.real) > _ZERO else value.imag))
