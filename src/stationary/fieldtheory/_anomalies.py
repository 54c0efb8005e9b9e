"""Gauge anomalies of a list of fields."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations_with_replacement

from stationary.algebra import Irrep

from ._field import Field
from ._group import STANDARD_MODEL, GaugeGroup


def anomalies(
    fields: Sequence[Field], group: GaugeGroup | str = STANDARD_MODEL
) -> dict[str, Fraction]:
    """The coefficients of all gauge, mixed and gravitational anomalies.

    A theory is consistent only when all are zero. `witten(su2)` counts doublets modulo two: an odd
    number of them makes an SU(2) theory inconsistent though no triangle diagram shows it.

    **Arguments:**

    - `fields`: scalars are ignored; right-handed fermions count as their conjugates.
    - `group`: the gauge group.

    **Returns:** coefficients by name: `su3^3`, `su3^2 u1`, `u1^3`, `u1^2 u1_bl`, `gravity^2 u1`,
    `witten(su2)`. The index of the fundamental representation is 1/2, its cubic anomaly 1.

    !!! example
        >>> from stationary.fieldtheory import anomalies, model
        >>> any(anomalies(model()).values())
        False

    !!! cite "Source"
        Bilal, arXiv:0802.0634; Witten, Phys. Lett. B 117 (1982) 324.
    """
    group = GaugeGroup(group) if isinstance(group, str) else group
    rows = [_row(field, group) for field in fields if field.fermion]
    found: dict[str, Fraction] = {}
    for place, (name, factor) in enumerate(group.simple):
        if factor.n > 2:
            found[f"{name}^3"] = sum(
                (Fraction(r[place].anomaly * _others(size, r[place])) for size, r, _ in rows),
                Fraction(0),
            )
        for column, charge in enumerate(group.abelian):
            found[f"{name}^2 {charge}"] = sum(
                (_others(size, r[place]) * r[place].index * q[column] for size, r, q in rows),
                Fraction(0),
            )
    columns = range(len(group.abelian))
    for chosen in combinations_with_replacement(columns, 3):
        total = Fraction(0)
        for size, _, q in rows:
            total += size * q[chosen[0]] * q[chosen[1]] * q[chosen[2]]
        found[_product([group.abelian[c] for c in chosen])] = total
    for column, charge in enumerate(group.abelian):
        found[f"gravity^2 {charge}"] = sum((size * q[column] for size, _, q in rows), Fraction(0))
    for place, (name, factor) in enumerate(group.simple):
        if factor.n == 2:
            doublets = sum(
                (_others(size, r[place]) * 2 * r[place].index for size, r, _ in rows), Fraction(0)
            )
            found[f"witten({name})"] = doublets % 2
    return found


def _row(field: Field, group: GaugeGroup) -> tuple[int, tuple[Irrep, ...], tuple[Fraction, ...]]:
    left = field if field.left_handed else field.conjugate
    charges = tuple(left.charge(name) for name in group.abelian)
    return left.dimension * left.copies, left.irreps(group), charges


def _others(size: int, irrep: Irrep) -> int:
    return size // irrep.dimension


def _product(names: Sequence[str]) -> str:
    powers = {name: names.count(name) for name in names}
    return " ".join(name if k == 1 else f"{name}^{k}" for name, k in powers.items())
