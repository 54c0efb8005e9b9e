"""Invariant tensors: the ways to multiply components of fields to something that no group turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, reduce

import numpy as np
from jaxtyping import Complex, Int, Shaped

from ._clebsch_gordan import clebsch_gordan
from ._couplings import Coupling, Powers, Step, paths
from ._fock import fock_space, occupations, orderings
from ._generators import basis, dual
from ._irrep import Irrep
from ._powers import Rep, dimension, power
from ._weight_space import embeddings
from ._young import YoungDiagram

# Components are algebraic numbers: what is this small is zero.
_ZERO = 1e-11


@dataclass(frozen=True, eq=False)
class Polynomial:
    """A homogeneous polynomial of the components of some letters, by its monomials.

    **Arguments:**

    - `indices`: for each monomial, which component of each letter.
    - `coefficients`: of each monomial.
    - `repeats`: how many equal components of the full tensor each monomial stands for.
    - `shape`: how many components each letter has.
    """

    indices: Int[np.ndarray, "monomials letters"]
    coefficients: Complex[np.ndarray, "monomials"]
    repeats: Int[np.ndarray, "monomials"]
    shape: tuple[int, ...]

    def __call__(self, *letters: Shaped[np.ndarray, "components"]) -> complex:
        """The value for given components of each letter."""
        columns = [np.asarray(v)[i] for v, i in zip(letters, self.indices.T, strict=True)]
        return complex(np.sum(self.coefficients * np.prod(columns, axis=0)))


def invariant_basis(
    powers: Powers, copies: Sequence[int] | None = None
) -> Complex[np.ndarray, "invariants ..."]:
    """An orthonormal basis of the invariant tensors in a product of powers of representations.

    A tensor t has one axis for each letter, and the sum of t[i, j, ...] x[i] y[j] ... does not
    change when every letter is turned by its group's `generators`. It is symmetric (or
    antisymmetric) under exchange of the letters of one power.

    Without copies the tensors are those of [`couplings`][stationary.algebra.couplings], in the
    same order: each goes through exactly the representations that its coupling names. Of several
    copies in a product of two equal representations the ones that are symmetric under exchange
    come first: for three octets, d and then f. The first component of each tensor that is not
    zero is positive.

    **Arguments:**

    - `powers`: pairs of a representation and the row lengths of its power's Young diagram, which
        must be one row or one column.
    - `copies`: for each power, how many copies (flavours) of the representation its letters have;
        component c d + i of a letter is component i of copy c. Default: one of each.

    **Returns:** the tensors along the first axis; read only.

    **Raises:** `ValueError` for other diagrams, or other than one positive number of copies each.

    !!! example
        >>> from stationary.algebra import SU, invariant_basis
        >>> octet, triplet = (SU(3).irrep(8),), (SU(2).irrep(3),)
        >>> invariant_basis(((octet, (3,)),)).shape  # the symmetric d
        (1, 8, 8, 8)
        >>> invariant_basis(((triplet, (1,)),) * 3)[0, 0].round(3).real.tolist()  # epsilon
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.408], [0.0, -0.408, 0.0]]
    """
    powers, copies = _checked(powers, copies)
    return _dense(powers, copies)


def invariant_polynomials(
    powers: Powers, copies: Sequence[int] | None = None
) -> tuple[Polynomial, ...]:
    """The invariants of `invariant_basis` as polynomials of commuting letters, by monomials.

    Letters of one power are the same variables, so each monomial of theirs appears once. Nothing
    of the size of the full tensors is made.

    **Arguments:** as for `invariant_basis`; every diagram must be one row, for the others vanish.

    **Returns:** one `Polynomial` for each invariant, in the same order.

    **Raises:** `ValueError` as `invariant_basis`, and for a column of two or more boxes.

    !!! example
        >>> from stationary.algebra import SU, invariant_polynomials
        >>> (square,) = invariant_polynomials((((SU(2).irrep(3),), (2,)),))
        >>> square.indices.tolist(), square.coefficients.real.round(3).tolist()
        ([[0, 0], [1, 1], [2, 2]], [0.577, 0.577, 0.577])
    """
    powers, copies = _checked(powers, copies)
    if any(_is_column(shape) for _, shape in powers):
        raise ValueError("Antisymmetric powers of commuting letters vanish: give one-row diagrams.")
    reduced = _reduced(powers, copies)
    choices = [_choices(factor, many) for factor, many in zip(powers, copies, strict=True)]
    weights = reduce(np.multiply.outer, [orderings(states) for states in choices])
    shape = tuple(size for size, boxes in _sizes(powers, copies) for _ in range(boxes))
    found = []
    for tensor in reduced:
        places = np.nonzero(tensor)
        columns = [states[at] for states, at in zip(choices, places, strict=True)]
        indices, repeats = np.concatenate(columns, axis=1), weights[places]
        found.append(Polynomial(indices, tensor[places] * repeats, repeats, shape))
    return tuple(found)


def _checked(powers: Powers, copies: Sequence[int] | None) -> tuple[Powers, tuple[int, ...]]:
    powers = tuple((tuple(rep), tuple(shape)) for rep, shape in powers)
    many = tuple(copies) if copies is not None else (1,) * len(powers)
    if len(many) != len(powers) or any(c < 1 for c in many):
        raise ValueError(
            f"copies takes one positive number for each of {len(powers)} powers, got {many}."
        )
    for _, shape in powers:
        if not shape or min(shape) < 1 or (len(shape) > 1 and max(shape) > 1):
            raise ValueError(
                "Letters are symmetric or antisymmetric: give a diagram (k,) or (1, ..., 1), "
                f"not {shape}."
            )
    if not powers or len({tuple(irrep.n for irrep in rep) for rep, _ in powers}) > 1:
        raise ValueError("Give one or more powers, of representations of the same groups.")
    return powers, many


def _is_column(shape: tuple[int, ...]) -> bool:
    return len(shape) > 1


def _sizes(powers: Powers, copies: tuple[int, ...]) -> list[tuple[int, int]]:
    return [
        (many * dimension(rep), sum(shape))
        for (rep, shape), many in zip(powers, copies, strict=True)
    ]


def _choices(factor: tuple[Rep, tuple[int, ...]], copies: int) -> np.ndarray:
    rep, shape = factor
    return occupations(copies * dimension(rep), sum(shape), _is_column(shape))


@lru_cache(maxsize=64)
def _dense(powers: Powers, copies: tuple[int, ...]) -> np.ndarray:
    tensors = _reduced(powers, copies)
    full = [size for size, boxes in _sizes(powers, copies) for _ in range(boxes)]
    if not len(tensors):
        return np.zeros((0, *full), complex)
    for axis, ((size, boxes), (_, shape)) in enumerate(
        zip(_sizes(powers, copies), powers, strict=True), start=1
    ):
        states = occupations(size, boxes, _is_column(shape))
        place, sign = _unfolding(states, size, _is_column(shape))
        tensors = np.take(tensors, place, axis)
        tensors *= sign.reshape(-1, *(1,) * (tensors.ndim - axis - 1))
    tensors = tensors.reshape(len(tensors), *full)
    tensors.setflags(write=False)
    return tensors


def _unfolding(states: np.ndarray, size: int, antisymmetric: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which of `states` each entry of a full tensor repeats, and with which sign."""
    boxes = states.shape[1]
    digits = size ** np.arange(boxes)[::-1]
    entries = np.stack(np.unravel_index(np.arange(size**boxes), (size,) * boxes), axis=1)
    codes = np.sort(entries, axis=1) @ digits
    place = np.minimum(np.searchsorted(states @ digits, codes), len(states) - 1)
    sign = np.ones(len(entries))
    if antisymmetric:
        for i in range(boxes):
            for j in range(i + 1, boxes):
                sign *= np.sign(entries[:, j] - entries[:, i])
    return place, sign


@lru_cache(maxsize=1024)
def _reduced(powers: Powers, copies: tuple[int, ...]) -> Complex[np.ndarray, "invariants ..."]:
    """Components of the invariants, one axis for each power and one entry for each multiset."""
    factors = tuple(_multiplicities(f, many) for f, many in zip(powers, copies, strict=True))
    parts = [_choices(f, many).shape[0] for f, many in zip(powers, copies, strict=True)]

    @cache
    def reach(steps: tuple[Step, ...], partial: tuple[Step, ...]) -> np.ndarray:
        # [monomials of the powers so far, states of what they are coupled to]
        i = len(steps) - 1
        rep, copy = steps[-1]
        mine = _power(*powers[i], copies[i], rep)[copy]
        if i == 0:
            return mine
        before = steps[-2] if i == 1 else partial[i - 2]
        reached, number = partial[i - 1]
        coupled = _coupling(before[0], rep, reached)[number]
        first = np.tensordot(reach(steps[:-1], partial[: i - 1]), coupled, (1, 0))
        return np.einsum("ast,bs->abt", first, mine, optimize=True).reshape(-1, coupled.shape[2])

    def close(path: Coupling) -> np.ndarray:
        if len(powers) == 1:
            return reach(path.powers, ())[:, 0]
        rep, copy = path.powers[-1]
        first = reach(path.powers[:-1], path.partial)
        last = _power(*powers[-1], copies[-1], rep)[copy]
        pairing = reduce(np.kron, [dual(irrep.conjugate) for irrep in rep], np.eye(1))
        return (first @ (last @ pairing).T).ravel() / np.sqrt(dimension(rep))

    found = [close(path) for path in paths(factors)]
    tensors = np.zeros((len(found), *parts), complex)
    for tensor, components in zip(tensors, found, strict=True):
        first = components[np.flatnonzero(np.abs(components) > _ZERO)[0]]
        tensor[:] = _without_rounding(components * np.abs(first) / first).reshape(parts)
    tensors.setflags(write=False)
    return tensors


def _without_rounding(values: np.ndarray) -> np.ndarray:
    parts = [np.where(np.abs(part) < _ZERO, 0, part) for part in (np.real(values), np.imag(values))]
    return parts[0] + 1j * parts[1]


def _multiplicities(factor: tuple[Rep, tuple[int, ...]], copies: int) -> Mapping[Rep, int]:
    """What a power of copies of a representation holds: Schur functors of both, by symmetry."""
    rep, shape = factor
    if copies == 1:
        return power(rep, shape)
    result: dict[Rep, int] = {}
    for flavours in YoungDiagram.all(sum(shape), copies):
        many = flavours.dimension(copies)
        mine = flavours.conjugate.rows if _is_column(shape) else flavours.rows
        for part, count in power(rep, mine).items():
            result[part] = result.get(part, 0) + many * count
    return result


@lru_cache(maxsize=512)
def _power(
    rep: Rep, shape: tuple[int, ...], copies: int, target: Rep
) -> Complex[np.ndarray, "multiplicity monomials states"]:
    """An irreducible representation in a power, in components of the letters' own basis."""
    boxes, column = sum(shape), _is_column(shape)
    found = embeddings(fock_space(rep, copies, boxes, column), target).astype(complex)
    size = copies * dimension(rep)
    states = occupations(size, boxes, column)
    # A normalised state has this component at each of its orderings.
    orders = np.full(len(states), np.prod(np.arange(1, boxes + 1))) if column else orderings(states)
    found = found / np.sqrt(orders)[:, None]
    change = reduce(np.kron, [basis(irrep) for irrep in rep], np.eye(copies))
    if not np.array_equal(change, np.eye(size)):
        place, sign = _unfolding(states, size, column)
        full = (np.take(found, place, 1) * sign[:, None]).swapaxes(1, 2)
        full = full.reshape(*full.shape[:2], *(size,) * boxes)
        for _ in range(boxes):  # each turn takes the first letter and puts it last
            full = np.tensordot(full, change, (2, 0))
        found = full[(slice(None), slice(None), *states.T)].swapaxes(1, 2)
    found.setflags(write=False)
    return found


@lru_cache(maxsize=512)
def _coupling(first: Rep, second: Rep, total: Rep) -> np.ndarray:
    """Clebsch-Gordan coefficients of a product of groups: [copies, first, second, total]."""

    def join(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        both = np.einsum("mijk,npqr->mnipjqkr", a, b)
        return both.reshape([x * y for x, y in zip(a.shape, b.shape, strict=True)])

    irreps: list[tuple[Irrep, Irrep, Irrep]] = list(zip(first, second, total, strict=True))
    return reduce(join, [clebsch_gordan(*each) for each in irreps], np.ones((1, 1, 1, 1)))
