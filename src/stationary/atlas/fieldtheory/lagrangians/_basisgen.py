"""Counting operators with basisgen (Criado, arXiv:1901.03501), another generator of them."""

import importlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from stationary.fieldtheory import Field, GaugeGroup


def operators(fields: Sequence[Field], group: GaugeGroup) -> int:
    """How many independent operators without derivatives there are up to dimension four.

    Hermitian conjugates count as operators of their own, so this is the number of real couplings.
    """
    basisgen: Any = importlib.import_module("basisgen")

    simple = basisgen.algebra("x".join(f"SU{factor.n}" for _, factor in group.simple))
    peers = [peer for field in fields for peer in _peers(field, group)]
    invariants = basisgen.EFT(simple, peers).invariants(max_dimension=4).invariants
    return sum(counts.get(0, 0) for counts in invariants.values())


def _peers(field: Field, group: GaugeGroup) -> list[Any]:
    basisgen: Any = importlib.import_module("basisgen")
    given: dict[str, Any] = dict(field.representations)
    names = "x".join(f"SU{factor.n}" for _, factor in group.simple)
    labels = [a for n, f in group.simple for a in given.get(n, f.singlet).dynkin]
    spinor = basisgen.L_spinor if field.left_handed else basisgen.R_spinor
    peer = basisgen.Field(
        name=field.name,
        lorentz_irrep=spinor if field.fermion else basisgen.scalar,
        internal_irrep=basisgen.irrep(names, " ".join(map(str, labels))),
        charges=[Fraction(given.get(name, 0)) for name in group.abelian],
        statistics=basisgen.fermion if field.fermion else basisgen.boson,
        dimension=1.5 if field.fermion else 1,
        number_of_flavors=field.copies,
    )
    return [peer] if field.real else [peer, peer.conjugate]
