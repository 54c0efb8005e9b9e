"""Gauge groups: products of SU(N) and U(1), each factor with a name."""

import re
from dataclasses import dataclass
from functools import cached_property

from stationary.algebra import SU

_FACTOR = re.compile(r"(?P<kind>su|u)(?P<n>\d+)(?P<suffix>(_\w+)?)")
_ALIASES = {"y": "u1"}


def factor_name(name: str) -> str:
    """The name under which a factor of a gauge group is known.

    **Arguments:**

    - `name`: such as `"SU(3)"`, `"su2_l"`, `"U1"`, or `"y"`, the usual word for `"u1"`.

    **Returns:** the name in lower case: `su` or `u`, the number, and what follows an underscore.

    **Raises:** `ValueError` for any other word.
    """
    plain = re.sub(r"[()\s]", "", str(name)).lower()
    plain = _ALIASES.get(plain, plain)
    match = _FACTOR.fullmatch(plain)
    if match is None or (match["kind"] == "u" and match["n"] != "1"):
        raise ValueError(
            f"{name!r} is not a factor of a gauge group: say su2, su3, su4, su5 or u1 (or y), with "
            "an underscore and a word where there are several, such as su2_r or u1_bl."
        )
    return plain


def factor_group(name: str) -> SU | None:
    """The `SU(N)` that a factor's name stands for; `None` for U(1)."""
    match = _FACTOR.fullmatch(factor_name(name))
    assert match is not None
    return SU(int(match["n"])) if match["kind"] == "su" else None


@dataclass(frozen=True, init=False)
class GaugeGroup:
    """A product of SU(N) and U(1), each factor with a name.

    **Arguments:**

    - `description`: factors joined by `x`, such as `"SU3 x SU2 x U1"`; where a group occurs twice,
        an underscore and a word tell its factors apart: `"su3 x su2_l x su2_r x u1_bl"`.

    **Raises:** `ValueError` for an unknown factor or one that is named twice.

    !!! example
        >>> from stationary.fieldtheory import GaugeGroup
        >>> GaugeGroup("SU3 x SU2 x U1").factors
        ('su3', 'su2', 'u1')
    """

    factors: tuple[str, ...]

    def __init__(self, description: str = "SU3 x SU2 x U1") -> None:
        words = re.split(r"(?<=[\d)\s])\s*[x×*]\s*|\s+", str(description).strip())
        names = tuple(factor_name(word) for word in words if word)
        if not names:
            raise ValueError("A gauge group needs a factor, such as 'SU2 x U1'.")
        for name in names:
            factor_group(name)  # complains about an N that is not supported
            if names.count(name) > 1:
                raise ValueError(
                    f"The factor {name!r} is there twice: tell them apart as {name}_l and {name}_r."
                )
        object.__setattr__(self, "factors", names)

    @cached_property
    def simple(self) -> tuple[tuple[str, SU], ...]:
        """The SU(N) factors: names and groups."""
        pairs = [(name, factor_group(name)) for name in self.factors]
        return tuple((name, group) for name, group in pairs if group is not None)

    @cached_property
    def abelian(self) -> tuple[str, ...]:
        """The names of the U(1) factors."""
        return tuple(name for name in self.factors if factor_group(name) is None)

    @property
    def dimension(self) -> int:
        """The number of gauge fields."""
        return sum(group.dimension for _, group in self.simple) + len(self.abelian)

    def __str__(self) -> str:
        return " x ".join(self.factors)


STANDARD_MODEL = GaugeGroup()
"""SU(3) x SU(2) x U(1)."""
