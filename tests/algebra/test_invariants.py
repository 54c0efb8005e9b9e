"""Invariant tensors: counted, turned by random group elements, and compared with known ones."""

from functools import reduce
from itertools import permutations

import numpy as np
import pytest

from stationary.algebra import (
    SU,
    conjugate,
    conjugation,
    count_invariants,
    couplings,
    dimension,
    gell_mann,
    generators,
    invariant_basis,
    invariant_polynomials,
    structure_constants,
)

SU3, SU2 = SU(3), SU(2)


def rep(color, weak):
    return (SU3.irrep(color), SU2.irrep(weak))


def letters_of(powers):
    return [r for r, shape in powers for _ in range(sum(shape))]


def generators_of(r, copies=1):
    """All generators of the product group on the letter, made here by Kronecker products."""
    sizes = [irrep.dimension for irrep in r]
    found = []
    for k, irrep in enumerate(r):
        for t in generators(irrep):
            factors = [t if i == k else np.eye(size) for i, size in enumerate(sizes)]
            found.append(np.kron(np.eye(copies), reduce(np.kron, factors)))
    return np.array(found)


def group_element(r, angles, copies=1):
    values, vectors = np.linalg.eigh(np.tensordot(angles, generators_of(r, copies), 1))
    return (vectors * np.exp(1j * values)) @ vectors.conj().T


def turn(tensors, elements):
    for axis, g in enumerate(elements, start=1):
        tensors = np.moveaxis(np.tensordot(tensors, g, (axis, 0)), -1, axis)
    return tensors


def random_classes(count):
    """Powers of random representations and their conjugates; most of them have invariants."""
    rng = np.random.default_rng(7)
    names = [(c, w) for c in (1, 3, 6, 8) for w in (1, 2, 3, 4)]
    found, without = [], 0
    while len(found) < count:
        drawn = [rep(*names[k]) for k in rng.integers(len(names), size=2)]
        kinds = [drawn[0], conjugate(drawn[0]), drawn[1], conjugate(drawn[1])]
        boxes = rng.multinomial(rng.choice([2, 3, 4], p=[0.2, 0.2, 0.6]), [0.25] * 4)
        powers = tuple(
            (r, (1,) * int(b) if rng.random() < 0.2 else (int(b),))
            for r, b in zip(kinds, boxes, strict=True)
            if b
        )
        if np.prod([dimension(r) for r in letters_of(powers)]) > 20_000:
            continue
        if not count_invariants(powers):
            without += 1
            if without > count // 5:
                continue
        found.append(powers)
    return found


def test_random_classes_have_as_many_invariants_as_characters_count():
    classes = random_classes(50)
    assert sum(count_invariants(powers) > 1 for powers in classes) >= 10
    angles = np.random.default_rng(0).normal(size=8 + 3)
    for powers in classes:
        tensors = invariant_basis(powers)
        assert len(tensors) == count_invariants(powers) == len(couplings(powers))
        if not len(tensors):
            continue
        rows = tensors.reshape(len(tensors), -1)
        np.testing.assert_allclose(rows.conj() @ rows.T, np.eye(len(rows)), atol=1e-12)
        turned = turn(tensors, [group_element(r, angles) for r in letters_of(powers)])
        np.testing.assert_allclose(turned, tensors, atol=1e-10)
        leading = [row[np.abs(row) > 1e-8][0] for row in rows]
        assert all(abs(v.imag) < 1e-12 and v.real > 0 for v in leading)
        start = 1
        for _, shape in powers:
            for order in permutations(range(sum(shape))):
                axes = list(range(tensors.ndim))
                axes[start : start + sum(shape)] = [start + i for i in order]
                sign = np.linalg.det(np.eye(sum(shape))[list(order)]) if len(shape) > 1 else 1
                np.testing.assert_allclose(tensors.transpose(axes), sign * tensors, atol=1e-12)
            start += sum(shape)


@pytest.mark.parametrize(
    "powers, count",
    [
        ([(rep(3, 2), (2,)), (rep(-3, 2), (2,))], 2),
        ([(rep(1, 2), (1,)), (rep(1, 2), (1,)), (rep(3, 2), (1,)), (rep(-3, 2), (1,))], 2),
        ([(rep(8, 1), (3,))], 1),
        ([(rep(1, 3), (1,)), (rep(1, 2), (2,))], 1),
        ([(rep(1, 2), (2,))], 0),
        ([(rep(8, 2), (4,))], 2),
    ],
)
def test_known_numbers(powers, count):
    assert len(invariant_basis(tuple(powers))) == count


def test_octets_couple_by_d_and_f():
    octet = (SU3.irrep(8),)
    t = gell_mann(3)
    d = np.einsum("aij,bjk,cki->abc", t, t, t).real
    d = (d + d.swapaxes(0, 1)) / 4
    f = structure_constants(3)
    found = invariant_basis(((octet, (1,)),) * 3)
    for tensor, known in zip(found, (d, f), strict=True):
        known = known / np.linalg.norm(known)
        assert abs(np.vdot(known, tensor)) == pytest.approx(1, abs=1e-12)
    (symmetric,) = invariant_basis(((octet, (3,)),))
    np.testing.assert_allclose(symmetric, found[0], atol=1e-12)


def test_doublets_couple_by_epsilon_and_gell_mann_contracts_a_meson():
    doublet = (SU2.irrep(2),)
    (pair,) = invariant_basis(((doublet, (1,)), (doublet, (1,))))
    np.testing.assert_allclose(pair, np.array([[0, 1], [-1, 0]]) / 2**0.5, atol=1e-14)
    h = np.array([0.3 + 1j, -0.2 + 0.4j])
    tilde = conjugation(doublet[0]) @ h.conj()
    assert abs(pair @ tilde @ h) == pytest.approx(np.vdot(h, h).real / 2**0.5)
    meson = invariant_basis(
        (((SU3.irrep(3),), (1,)), ((SU3.irrep(8),), (1,)), ((SU3.irrep(-3),), (1,)))
    )
    known = gell_mann(3).transpose(2, 0, 1)  # q-bar_i (λ_a)_ij q_j, letters q, octet, q-bar
    assert abs(np.vdot(known / np.linalg.norm(known), meson[0])) == pytest.approx(1, abs=1e-12)


def casimir(parts, degree):
    """A Casimir operator of the product of some letters, for one group, on their joint space."""
    sizes = [part.shape[1] for part in parts]
    total = []
    for a in range(len(parts[0])):
        matrix = 0
        for k, part in enumerate(parts):
            matrix = matrix + np.kron(
                np.kron(np.eye(int(np.prod(sizes[:k]))), part[a]),
                np.eye(int(np.prod(sizes[k + 1 :]))),
            )
        total.append(matrix)
    total = np.array(total)
    if degree == 2:
        return np.einsum("aij,ajk->ik", total, total)
    t = gell_mann(3) / 2
    d = 2 * np.einsum("abij,cji->abc", np.einsum("aij,bjk->abik", t, t), t).real
    d = d + d.swapaxes(0, 1)
    pairs = np.einsum("abc,bij->acij", d, total)
    return sum(total[a] @ (pairs[a, c] @ total[c]) for a in range(8) for c in range(8))


def cubic(irrep):
    """The eigenvalue of the cubic Casimir: its trace over the states, from another route."""
    return np.trace(casimir([generators(irrep)], 3)).real / irrep.dimension


def test_each_tensor_goes_through_what_its_coupling_names():
    octets = rep(8, 2)
    powers = ((octets, (2,)), (octets, (2,)))
    expected = {("1", "3"), ("8", "3"), ("27", "3"), ("8", "1"), ("10", "1"), ("-10", "1")}
    assert {tuple(map(str, path.powers[0][0])) for path in couplings(powers)} == expected
    color = [np.kron(t, np.eye(2)) for t in generators(SU3.irrep(8))]
    weak = [np.kron(np.eye(8), t) for t in generators(SU2.irrep(2))]
    operators = {
        "color": casimir([np.array(color)] * 2, 2),
        "cubic": casimir([np.array(color)] * 2, 3),
        "weak": casimir([np.array(weak)] * 2, 2),
    }
    for tensor, path in zip(invariant_basis(powers), couplings(powers), strict=True):
        # A tensor is a form: on its letters generators act from the right.
        matrix = tensor.reshape(256, 256)
        a, b = path.powers[0][0]
        values = {"color": float(a.casimir), "cubic": cubic(a), "weak": float(b.casimir)}
        for name, operator in operators.items():
            np.testing.assert_allclose(operator.T @ matrix, values[name] * matrix, atol=1e-10)


def test_partial_couplings_are_those_of_the_path():
    quark, antiquark, octet = (SU3.irrep(3),), (SU3.irrep(-3),), (SU3.irrep(8),)
    powers = ((quark, (1,)), (octet, (1,)), (octet, (1,)), (antiquark, (1,)))
    operator = casimir([generators(quark[0]), generators(octet[0])], 2)
    cubes = casimir([generators(quark[0]), generators(octet[0])], 3)
    found = couplings(powers)
    assert {str(path.partial[0][0][0]) for path in found} == {"3", "-6", "15"}
    for tensor, path in zip(invariant_basis(powers), found, strict=True):
        matrix, (irrep,) = tensor.reshape(24, 24), path.partial[0][0]
        np.testing.assert_allclose(operator.T @ matrix, float(irrep.casimir) * matrix, atol=1e-10)
        np.testing.assert_allclose(cubes.T @ matrix, cubic(irrep) * matrix, atol=1e-10)


@pytest.mark.parametrize(
    "powers, copies, count",
    [
        (((rep(1, 2), (2,)),), (2,), 1),
        (((rep(1, 2), (2,)), (rep(1, 2), (2,))), (2, 2), 10),
        (((rep(3, 1), (3,)),), (3,), 1),
        (((rep(8, 1), (2,)),), (3,), 6),
        (((rep(1, 3), (3,)),), (4,), 4),
    ],
)
def test_copies_are_symmetrised_together(powers, copies, count):
    # (2 x 2)^2 symmetric is (3, 3) + (1, 1): 3 x 3 + 1; three quarks need three flavours, ...
    tensors = invariant_basis(powers, copies)
    assert len(tensors) == count
    rows = tensors.reshape(count, -1)
    np.testing.assert_allclose(rows.conj() @ rows.T, np.eye(count), atol=1e-12)
    angles = np.random.default_rng(1).normal(size=11)
    elements = [
        group_element(r, angles, many)
        for (r, shape), many in zip(powers, copies, strict=True)
        for _ in range(sum(shape))
    ]
    np.testing.assert_allclose(turn(tensors, elements), tensors, atol=1e-10)
    # Turning the flavours alone leaves the space of invariants where it is.
    (r, shape), many = powers[0], copies[0]
    q, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(many, many)))
    mixed = tensors
    for axis in range(1, 1 + sum(shape)):
        mixed = np.moveaxis(
            np.tensordot(mixed, np.kron(q, np.eye(dimension(r))), (axis, 0)), -1, axis
        )
    mixed = mixed.reshape(count, -1)
    np.testing.assert_allclose((mixed @ rows.conj().T) @ rows, mixed, atol=1e-12)


def test_polynomials_evaluate_the_tensors():
    rng = np.random.default_rng(3)
    powers = ((rep(3, 2), (2,)), (conjugate(rep(3, 2)), (1,)), (rep(-3, 2), (1,)))
    values = [rng.normal(size=6) + 1j * rng.normal(size=6) for _ in powers]
    letters = [values[0], values[0], values[1], values[2]]
    for tensor, polynomial in zip(
        invariant_basis(powers), invariant_polynomials(powers), strict=True
    ):
        full = reduce(lambda t, v: np.tensordot(t, v, (0, 0)), letters, tensor)
        assert polynomial(*letters) == pytest.approx(full, abs=1e-12)
        assert polynomial.shape == tensor.shape


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: invariant_basis(((rep(3, 1), (2, 1)),)), "symmetric or antisymmetric"),
        (lambda: invariant_basis(((rep(3, 1), ()),)), "symmetric or antisymmetric"),
        (lambda: invariant_basis(((rep(3, 1), (3,)),), (1, 1)), "each of 1 powers"),
        (lambda: invariant_basis(((rep(3, 1), (3,)),), (0,)), "one positive number"),
        (lambda: invariant_basis(()), "one or more powers"),
        (
            lambda: invariant_basis(((rep(3, 1), (1,)), ((SU3.irrep(-3),), (1,)))),
            "same groups",
        ),
        (lambda: invariant_polynomials(((rep(3, 1), (1, 1, 1)),)), "commuting letters vanish"),
    ],
)
def test_powers_that_have_no_invariant_tensors(call, words):
    with pytest.raises(ValueError, match=words):
        call()
