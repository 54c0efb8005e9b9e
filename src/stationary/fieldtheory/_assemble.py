"""From the terms of a Lagrangian to the polynomial of its scalar potential."""

from functools import partial

import numpy as np

from ._potential import CouplingShape, Monomials, ScalarPotential
from ._tensors import contracted
from ._term import Term
from ._termset import TermSet

_DEGREE = 4  # of the longest products, and so of all


def potential(terms: TermSet) -> ScalarPotential:
    """The scalar potential of a Lagrangian; see `TermSet.potential`."""
    fields = tuple(field for field in terms.fields if not field.fermion)
    if not fields:
        raise ValueError(
            f"the Lagrangian of {', '.join(terms.names)} has no scalar fields, and so no potential."
        )
    offsets, total = {}, 0
    for field in fields:
        size = field.copies * field.dimension
        for letter in [field.name] if field.real else [field.name, f"{field.name}*"]:
            offsets[letter] = total
            total += size
    shapes: list[CouplingShape] = []
    parts: list[Monomials] = []
    for term in terms.interactions:
        if not all(letter in offsets for letter in term.letters):
            continue
        found = contracted(terms, term)
        shapes += _couplings_of(term, found.labels)
        shift = np.array([offsets[letter] for letter in term.letters])
        for row in found.coefficients:
            used = np.flatnonzero(row)
            indices = np.full((len(used), _DEGREE), total)
            indices[:, : len(shift)] = found.indices[used] + shift
            parts.append(Monomials(indices, row[used], np.full(len(used), len(parts))))
    monomials = Monomials(
        np.concatenate([part.indices for part in parts]),
        np.concatenate([part.coefficients for part in parts]),
        np.concatenate([part.couplings for part in parts]),
    )
    return ScalarPotential(fields, terms.group, tuple(shapes), monomials)


def _couplings_of(term: Term, labels: tuple[str, ...] | None) -> list[CouplingShape]:
    body, degree = " ".join(term.letters), len(term.letters)
    shape = partial(CouplingShape, degree=degree, is_complex=not term.self_conjugate)
    if labels is None:
        return [shape(body, count=None if term.count == 1 else term.count)]
    names = [f"{body} [{label}]" for label in labels] if term.count > 1 else [body]
    return [shape(name, count=None) for name in names]
