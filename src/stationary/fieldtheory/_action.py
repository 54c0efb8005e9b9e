"""How the gauge group acts on the components of one field."""

from functools import reduce
from typing import Any

import numpy as np
from jaxtyping import Complex, Float

from stationary.algebra import generators, real_basis

from ._field import Field
from ._group import GaugeGroup


def letter_basis(field: Field, group: GaugeGroup) -> Complex[np.ndarray, "d d"]:
    """How a real field's components make its letter's."""
    given: dict[str, Any] = dict(field.representations)
    rep = tuple(given.get(name, factor.singlet) for name, factor in group.simple)
    return real_basis(rep)


def gauge_action(
    field: Field, group: GaugeGroup, factor: str
) -> Float[np.ndarray, "generators size size"]:
    """i T_a of one factor on the real components of one field."""
    given: dict[str, Any] = dict(field.representations)
    if factor in group.abelian:
        matrices = np.eye(field.dimension)[None] * complex(given.get(factor, 0))
    else:
        sizes = {name: given.get(name, simple.singlet) for name, simple in group.simple}
        parts = [
            generators(irrep) if name == factor else np.eye(irrep.dimension)[None]
            for name, irrep in sizes.items()
        ]
        matrices = reduce(_kron, parts)
    if field.real:
        basis = letter_basis(field, group)
        turned = basis.conj().T @ matrices @ basis
        return _kron(np.eye(field.copies)[None], -np.imag(turned))
    matrices = _kron(np.eye(field.copies)[None], matrices)
    t, s = np.real(matrices), np.imag(matrices)
    return np.concatenate(
        [np.concatenate([-s, -t], axis=2), np.concatenate([t, -s], axis=2)], axis=1
    )


def _kron(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kronecker products of stacks of matrices, one stack of length one."""
    return np.array([np.kron(a, b) for a in first for b in second])
