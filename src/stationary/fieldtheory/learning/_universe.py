"""Universes of field types, from which lists of fields are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product

import numpy as np
from jaxtyping import Int

from stationary.algebra import SU, Irrep

from .._field import Field

_SPINS = ("scalar", "left", "right")
_FACTORS = {"su3": SU(3), "su2": SU(2)}


@dataclass(frozen=True, init=False)
class Universe:
    """All field types with some spins, representations and hypercharges.

    Types are numbered, charges fastest, then SU(2), SU(3) and spin. Scalars are complex.

    **Arguments:**

    - `su3`, `su2`: representations, as [`Field`][stationary.fieldtheory.Field] takes them.
    - `charges`: hypercharges u1, in the convention Q = T3 + Y; sequences show twice as much.
    - `spins`: of `"scalar"`, `"left"` and `"right"`.

    **Raises:** `ValueError` when a type's conjugate would not be in the universe, or something is
    there twice.

    !!! example
        >>> from stationary.fieldtheory.learning import FULL, TINY
        >>> len(FULL), len(TINY), len(set(TINY.classes.tolist()))
        (351, 45, 24)
        >>> str(FULL.field(173, "f"))
        'f: fermion left su3=3 su2=2 u1=-1/3'
    """

    su3: tuple[str, ...]
    su2: tuple[str, ...]
    charges: tuple[Fraction, ...]
    spins: tuple[str, ...]

    def __init__(
        self,
        *,
        su3: Sequence[int | str] = (1,),
        su2: Sequence[int | str] = (1,),
        charges: Sequence[int | str | Fraction] = (0,),
        spins: Sequence[str] = _SPINS,
    ) -> None:
        reps = {"su3": su3, "su2": su2}
        for name, given in reps.items():
            irreps = [_FACTORS[name].irrep(r) for r in given]
            _check(name, irreps, [irrep.conjugate for irrep in irreps])
            object.__setattr__(self, name, tuple(str(irrep) for irrep in irreps))
        values = tuple(Fraction(q) for q in charges)
        _check("charges", values, [-q for q in values])
        if unknown := set(spins) - set(_SPINS):
            raise ValueError(f"spins are of {', '.join(_SPINS)}, got {sorted(unknown)}.")
        flipped = {"scalar": "scalar", "left": "right", "right": "left"}
        _check("spins", tuple(spins), [flipped[s] for s in spins])
        object.__setattr__(self, "charges", values)
        object.__setattr__(self, "spins", tuple(spins))

    def __len__(self) -> int:
        return len(self.spins) * len(self.reps) * len(self.charges)

    @cached_property
    def reps(self) -> tuple[tuple[Irrep, Irrep], ...]:
        """The representations of SU(3) x SU(2), numbered."""
        pairs = product(self.su3, self.su2)
        return tuple((_FACTORS["su3"].irrep(a), _FACTORS["su2"].irrep(b)) for a, b in pairs)

    @cached_property
    def spin_of(self) -> Int[np.ndarray, "types"]:
        """By type: 0 for a scalar, 1 for a left-handed fermion and 2 for a right-handed one."""
        numbers = [_SPINS.index(spin) for spin in self.spins]
        return np.repeat(numbers, len(self.reps) * len(self.charges)).astype(np.int64)

    @cached_property
    def rep_of(self) -> Int[np.ndarray, "types"]:
        """By type: the number of its representation."""
        each = np.repeat(np.arange(len(self.reps)), len(self.charges))
        return np.tile(each, len(self.spins))

    @cached_property
    def charge_of(self) -> Int[np.ndarray, "types"]:
        """By type: its hypercharge over the common denominator."""
        scale = int(np.lcm.reduce([q.denominator for q in self.charges]))
        whole = [q.numerator * (scale // q.denominator) for q in self.charges]
        return np.tile(np.array(whole, np.int64), len(self.spins) * len(self.reps))

    @cached_property
    def conjugates(self) -> Int[np.ndarray, "types"]:
        """By type: its conjugate type."""
        spin = {"scalar": "scalar", "left": "right", "right": "left"}
        spins = [self.spins.index(spin[s]) for s in self.spins]
        reps = [self.reps.index((a.conjugate, b.conjugate)) for a, b in self.reps]
        charges = [self.charges.index(-q) for q in self.charges]
        grid = np.ix_(spins, reps, charges)
        return np.arange(len(self)).reshape(len(spins), len(reps), len(charges))[grid].ravel()

    @cached_property
    def classes(self) -> Int[np.ndarray, "types"]:
        """By type: the smaller one of it and its conjugate type, which describe the same field."""
        return np.minimum(np.arange(len(self)), self.conjugates)

    def field(self, number: int, name: str) -> Field:
        """The field of a type.

        **Arguments:**

        - `number`: the type.
        - `name`: what to call the field.
        """
        number = range(len(self))[number]
        place, charge = divmod(number, len(self.charges))
        spin, rep = divmod(place, len(self.reps))
        handed = self.spins[spin]
        a, b = self.reps[rep]
        return Field(
            name,
            0 if handed == "scalar" else "1/2",
            helicity=None if handed == "scalar" else handed,
            su3=a,
            su2=b,
            u1=self.charges[charge],
        )

    def type_of(self, field: Field) -> int | None:
        """The type of a field; `None` when the universe has none like it."""
        return self._types.get(field.quantum_numbers)

    @cached_property
    def _types(self) -> dict[tuple, int]:
        return {self.field(i, "f").quantum_numbers: i for i in range(len(self))}


def _check(what: str, given: Sequence, conjugates: Sequence) -> None:
    if len(set(given)) < len(given) or not given:
        raise ValueError(f"{what} of a universe must be distinct, and there must be one: {given}.")
    if missing := [str(c) for c in conjugates if c not in given]:
        raise ValueError(
            f"A universe needs the conjugate of every type: {what} lacks {', '.join(missing)}."
        )


def _thirds(largest: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(k, 6) for k in range(-largest, largest + 1))


TINY = Universe(su2=(1, 2, 3), charges=[Fraction(k, 2) for k in range(-2, 3)])
"""45 types: no colour, SU(2) singlets to triplets, hypercharges up to one."""

FULL = Universe(su3=(1, 3, -3), su2=(1, 2, 3), charges=_thirds(6))
"""351 types: colour singlets and triplets, SU(2) singlets to triplets, hypercharges k/6."""

OCTETS = Universe(su3=(1, 3, -3, 8), su2=(1, 2, 3), charges=_thirds(6))
"""`FULL` with colour octets: 468 types."""
