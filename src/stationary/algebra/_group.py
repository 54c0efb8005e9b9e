"""The groups SU(N), and how their representations are named."""

import re
from dataclasses import dataclass
from functools import cached_property

from ._irrep import Irrep, of_dimension

LARGEST = 5
"""The largest N: beyond it nothing here has been checked against other tables."""

MOST_COMPONENTS = 1000
"""The largest representation that a name can stand for: beyond it nobody means what they wrote."""

_LABEL = re.compile(r"(?P<minus>[-−]?)(?P<size>\d+)(?P<primes>'*)(?P<bar>(bar|b|~)?)")


@dataclass(frozen=True)
class SU:
    """The group SU(N).

    **Arguments:**

    - `n`: N, 2 to 5.

    **Raises:** `ValueError` for another N.

    !!! example
        >>> from stationary.algebra import SU
        >>> SU(3).irrep("-3").dynkin, SU(5).irrep(10).dynkin
        ((0, 1), (0, 1, 0, 0))
    """

    n: int

    def __post_init__(self) -> None:
        if self.n not in range(2, LARGEST + 1):
            raise ValueError(f"SU(N) is supported for N = 2 to {LARGEST}, got N = {self.n!r}.")

    @property
    def rank(self) -> int:
        """The number of commuting generators, N - 1."""
        return self.n - 1

    @property
    def dimension(self) -> int:
        """The number of generators, N² - 1."""
        return self.n**2 - 1

    @cached_property
    def singlet(self) -> Irrep:
        """The trivial representation."""
        return Irrep((0,) * self.rank)

    @property
    def fundamental(self) -> Irrep:
        """The representation of dimension N."""
        return Irrep((1,) + (0,) * (self.n - 2))

    @property
    def adjoint(self) -> Irrep:
        """The representation of the gauge fields."""
        return Irrep((2,)) if self.n == 2 else Irrep((1,) + (0,) * (self.n - 3) + (1,))

    def irrep(self, name: "int | str | tuple[int, ...] | Irrep") -> Irrep:
        """A representation by its usual name.

        **Arguments:**

        - `name`: the dimension (`3`, `"3"`), with a minus sign or `bar` for the conjugate (`-3`,
            `"3bar"`), primes where several share a dimension (`"15'"`, in order of their Dynkin
            index); or the Dynkin labels as a tuple.

        **Returns:** the [`Irrep`][stationary.algebra.Irrep].

        **Raises:** `ValueError` when SU(N) has no such representation.
        """
        if isinstance(name, Irrep):
            name = name.dynkin
        if isinstance(name, tuple):
            if len(name) != self.rank:
                raise ValueError(f"{self} has {self.rank} Dynkin labels, got {name!r}.")
            return Irrep(name)
        match = _LABEL.fullmatch(str(name).strip())
        if match is None or isinstance(name, bool):
            raise ValueError(
                f"{name!r} does not name a representation of {self}: give its dimension, such as "
                "3, -3, '3bar' or \"15'\", or its Dynkin labels as a tuple."
            )
        size = int(match["size"])
        if size > MOST_COMPONENTS:
            raise ValueError(f"{name!r} has more than the {MOST_COMPONENTS} components allowed.")
        alike = of_dimension(self.n, size) if size else ()
        place = len(match["primes"])
        if place >= len(alike):
            near = [d for d in range(1, 4 * self.dimension) if of_dimension(self.n, d)]
            raise ValueError(
                f"{self} has no representation {str(name).strip()!r}; its smallest have dimension "
                f"{', '.join(map(str, near[:8]))}."
            )
        irrep = alike[place]
        return irrep.conjugate if bool(match["minus"]) != bool(match["bar"]) else irrep

    def __str__(self) -> str:
        return f"SU({self.n})"
