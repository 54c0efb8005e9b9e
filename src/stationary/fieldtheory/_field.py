"""Matter fields: scalars and Weyl fermions with their representations."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from stationary.algebra import Irrep, Rep

from ._group import GaugeGroup, factor_group, factor_name

_NAME = re.compile(r"[^\W\d][\w~']*")
_HANDED = {"left": Fraction(-1, 2), "right": Fraction(1, 2)}
_DYADIC = 64  # a float with a larger denominator is a rounded fraction


@dataclass(frozen=True, init=False)
class Field:
    """A scalar or a Weyl fermion, with its representation of the gauge group.

    **Arguments:**

    - `name`: a word of letters, digits, `_`, `~` and `'` that begins with a letter.
    - `spin`: 0 or 1/2.
    - `helicity`: of a fermion, -1/2 (`"left"`) or 1/2 (`"right"`).
    - `real`: whether a scalar is its own conjugate.
    - `copies`: how many flavours (generations) there are of it.
    - `representations`: by factor of the gauge group: for `su2`, `su3`, ... what
        [`SU.irrep`][stationary.algebra.SU.irrep] takes; for `u1` (or `y`) a charge: an integer, a
        `Fraction`, or a string such as `"-2/3"`. Factors that are not named act trivially.

    **Raises:** `ValueError` for a name, spin, helicity, representation or charge that does not
    exist, and for a real field in a representation that is not real.

    !!! example
        >>> from stationary.fieldtheory import Field
        >>> quarks = Field("Q", "1/2", helicity="left", su3=3, su2=2, y="1/6", copies=3)
        >>> str(quarks)
        'Q: fermion left su3=3 su2=2 u1=1/6 copies=3'
        >>> str(quarks.conjugate)
        'Q: fermion right su3=-3 su2=2 u1=-1/6 copies=3'
    """

    name: str
    spin: Fraction
    helicity: Fraction | None
    real: bool
    copies: int
    representations: tuple[tuple[str, Irrep | Fraction], ...]

    def __init__(
        self,
        name: str,
        spin: "int | str | float | Fraction" = 0,
        *,
        helicity: "str | float | Fraction | None" = None,
        real: bool = False,
        copies: int = 1,
        **representations: Any,
    ) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is no name for a field: use letters, digits, _, ~ and ', and begin with "
                "a letter."
            )
        given = _rational(spin, f"The spin of {name}")
        if given not in (0, Fraction(1, 2)):
            raise ValueError(f"The spin of {name} must be 0 or 1/2, got {spin!r}.")
        if isinstance(copies, bool) or not isinstance(copies, int) or copies < 1:
            raise ValueError(f"{name} needs a whole number of copies, 1 or more, got {copies!r}.")
        found: dict[str, Irrep | Fraction] = {}
        for word, value in representations.items():
            factor = factor_name(word)
            if factor in found:
                raise ValueError(f"{name} has two representations of {factor}.")
            found[factor] = _representation(name, factor, value)
        acting = sorted(
            (f, r) for f, r in found.items() if (r if isinstance(r, Fraction) else any(r.dynkin))
        )
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "spin", given)
        object.__setattr__(self, "helicity", _helicity(name, given, helicity))
        object.__setattr__(self, "real", bool(real))
        object.__setattr__(self, "copies", copies)
        object.__setattr__(self, "representations", tuple(acting))
        if real:
            self._check_real()

    def _check_real(self) -> None:
        if self.spin:
            raise ValueError(
                f"{self.name} is a fermion, and no Weyl field is real. A Majorana fermion is one "
                "field in a real representation, whose mass term appears by itself."
            )
        why = self.not_self_conjugate
        if why:
            raise ValueError(f"{self.name} cannot be real: {why}.")

    @property
    def not_self_conjugate(self) -> str:
        """Why the representation is not real; empty when it is."""
        signs = 1
        for factor, rep in self.representations:
            if isinstance(rep, Fraction):
                return f"its charge {factor}={rep} is not zero"
            if rep.reality == "complex":
                return f"its representation {factor}={rep} is complex"
            signs *= -1 if rep.reality == "pseudoreal" else 1
        if signs < 0:
            words = " ".join(f"{f}={r}" for f, r in self.representations)
            return f"its representation {words} is pseudoreal"
        return ""

    def irreps(self, group: GaugeGroup) -> Rep:
        """The representations of the SU(N) factors of a gauge group, in its order."""
        given: dict[str, Any] = dict(self.representations)
        return tuple([given.get(name, factor.singlet) for name, factor in group.simple])

    def charge(self, name: str) -> Fraction:
        """The charge under a U(1) factor."""
        given: dict[str, Any] = dict(self.representations)
        return given.get(name, Fraction(0))

    @property
    def fermion(self) -> bool:
        """Whether it is a fermion."""
        return self.helicity is not None

    @property
    def left_handed(self) -> bool:
        """Whether it is a left-handed Weyl fermion."""
        return self.helicity is not None and self.helicity.numerator < 0

    @property
    def dimension(self) -> int:
        """The components of one copy under the gauge group, complex ones unless it is real."""
        size = 1
        for _, rep in self.representations:
            size *= rep.dimension if isinstance(rep, Irrep) else 1
        return size

    @property
    def conjugate(self) -> "Field":
        """The same field described by its conjugate: the other helicity and representation."""
        flipped = tuple(
            (factor, -rep if isinstance(rep, Fraction) else rep.conjugate)
            for factor, rep in self.representations
        )
        result = replace_field(self, self.name)
        object.__setattr__(result, "representations", flipped)
        object.__setattr__(result, "helicity", None if self.helicity is None else -self.helicity)
        return result

    def renamed(self, name: str) -> "Field":
        """The same field under another name."""
        return replace_field(self, name)

    @property
    def quantum_numbers(self) -> tuple:
        """All but the name, for comparing."""
        return (self.spin, self.helicity, self.real, self.copies, self.representations)

    def __str__(self) -> str:
        kind = "real scalar" if self.real else "scalar"
        if self.fermion:
            kind = "fermion left" if self.left_handed else "fermion right"
        words = [f"{self.name}: {kind}"]
        order = sorted(self.representations, key=lambda pair: _print_order(pair[0]))
        words += [f"{factor}={rep}" for factor, rep in order]
        if self.copies > 1:
            words.append(f"copies={self.copies}")
        return " ".join(words)


def replace_field(field: Field, name: str) -> Field:
    """A copy of a field under a name."""
    copy = object.__new__(Field)
    for key in ("spin", "helicity", "real", "copies", "representations"):
        object.__setattr__(copy, key, getattr(field, key))
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a field.")
    object.__setattr__(copy, "name", name)
    return copy


def dirac(name: str, *, copies: int = 1, **representations: Any) -> tuple[Field, Field]:
    """A Dirac (vector-like) fermion as two left-handed Weyl fields.

    **Arguments:**

    - `name`: of the first; the second, in the conjugate representation, is called `name` + `c`.
    - `copies`: flavours.
    - `representations`: as for [`Field`][stationary.fieldtheory.Field].

    **Returns:** the two fields.

    !!! example
        >>> from stationary.fieldtheory import dirac
        >>> [str(field) for field in dirac("E", y=-1)]
        ['E: fermion left u1=-1', 'Ec: fermion left u1=1']
    """
    first = Field(name, "1/2", helicity="left", copies=copies, **representations)
    second = first.conjugate.renamed(f"{name}c")
    object.__setattr__(second, "helicity", Fraction(-1, 2))
    return first, second


def _print_order(factor: str) -> tuple:
    return (factor.startswith("u"), [-int(c) for c in factor if c.isdigit()][:1], factor)


def _representation(name: str, factor: str, value: Any) -> Irrep | Fraction:
    group = factor_group(factor)
    if group is None:
        return _rational(value, f"The charge {factor} of {name}")
    try:
        return group.irrep(value if isinstance(value, int | tuple | Irrep) else str(value))
    except ValueError as error:
        raise ValueError(f"{name}, {factor}={value!r}: {error}") from None


def _rational(value: Any, what: str) -> Fraction:
    try:
        number = Fraction(value.strip() if isinstance(value, str) else value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        number = None
    if number is None or isinstance(value, bool):
        raise ValueError(f"{what} must be a rational number such as '1/6', got {value!r}.")
    if isinstance(value, float) and number.denominator > _DYADIC:
        near = number.limit_denominator(12)
        raise ValueError(
            f"{what} must be an exact rational number, and the float {value!r} is not one: write "
            f"'{near}' or Fraction({near.numerator}, {near.denominator})."
        )
    return number


def _helicity(name: str, spin: Fraction, helicity: Any) -> Fraction | None:
    if spin == 0:
        if helicity not in (None, 0):
            raise ValueError(f"{name} is a scalar and has no helicity, got {helicity!r}.")
        return None
    if helicity is None:
        raise ValueError(f"The fermion {name} needs a helicity: 'left' (-1/2) or 'right' (1/2).")
    if isinstance(helicity, str) and helicity.strip().lower() in _HANDED:
        return _HANDED[helicity.strip().lower()]
    number = _rational(helicity, f"The helicity of {name}")
    if abs(number) != Fraction(1, 2):
        raise ValueError(f"The helicity of {name} must be -1/2 or 1/2, got {helicity!r}.")
    return number
