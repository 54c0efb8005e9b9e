"""Irreducible representations of SU(N), by their Dynkin labels."""

import itertools
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from math import prod


@dataclass(frozen=True, order=True)
class Irrep:
    """An irreducible representation of SU(N), N = 1 + the number of Dynkin labels.

    **Arguments:**

    - `dynkin`: N - 1 non-negative integers, the highest weight in the basis of fundamental weights.

    **Raises:** `ValueError` when there are no labels or one is negative.

    !!! example
        >>> from stationary.algebra import Irrep
        >>> octet = Irrep((1, 1))
        >>> octet.dimension, octet.reality, str(octet.conjugate)
        (8, 'real', '8')
    """

    dynkin: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.dynkin or any(not isinstance(a, int) or a < 0 for a in self.dynkin):
            raise ValueError(
                "Irrep takes one or more non-negative integers, the Dynkin labels, "
                f"got {self.dynkin!r}."
            )

    @property
    def n(self) -> int:
        """The N of SU(N)."""
        return len(self.dynkin) + 1

    @property
    def partition(self) -> tuple[int, ...]:
        """Row lengths of the Young diagram: N - 1 integers, weakly decreasing."""
        return tuple(sum(self.dynkin[i:]) for i in range(len(self.dynkin)))

    @cached_property
    def dimension(self) -> int:
        """The dimension, by Weyl's formula."""
        shifted = [row + self.n - i for i, row in enumerate((*self.partition, 0), start=1)]
        pairs = [(i, j) for i in range(self.n) for j in range(i + 1, self.n)]
        return prod(shifted[i] - shifted[j] for i, j in pairs) // prod(j - i for i, j in pairs)

    @property
    def conjugate(self) -> "Irrep":
        """The complex conjugate representation: the Dynkin labels reversed."""
        return _reversed(self.dynkin)

    @cached_property
    def n_ality(self) -> int:
        """The charge under the centre of SU(N), modulo N: the boxes of the Young diagram."""
        return sum(self.partition) % self.n

    @property
    def is_singlet(self) -> bool:
        """Whether the group acts trivially."""
        return not any(self.dynkin)

    @property
    def reality(self) -> str:
        """`"real"`, `"pseudoreal"` or `"complex"` (Frobenius-Schur)."""
        if self.dynkin != self.dynkin[::-1]:
            return "complex"
        middle = self.dynkin[(self.n - 1) // 2] if self.n % 2 == 0 else 0
        return "pseudoreal" if self.n % 4 == 2 and middle % 2 else "real"

    @cached_property
    def casimir(self) -> Fraction:
        """The quadratic Casimir, (N² - 1) / 2N in the fundamental representation."""
        n, rows = self.n, (*self.partition, 0)
        boxes = sum(rows)
        contents = sum(row * (row + 1 - 2 * i) for i, row in enumerate(rows, start=1))
        return Fraction(n * boxes + contents, 2) - Fraction(boxes**2, 2 * n)

    @property
    def index(self) -> Fraction:
        """The Dynkin index, 1/2 in the fundamental representation."""
        return self.casimir * self.dimension / (self.n**2 - 1)

    @cached_property
    def anomaly(self) -> int:
        """The cubic anomaly coefficient, 1 in the fundamental representation; 0 for SU(2)."""
        n = self.n
        if n == 2:
            return 0
        # One generator is enough: diag(1, ..., 1, 1 - N), whose cube has a trace for N > 2.
        charges = weights(self)
        total = sum(m * _last_charge(w) ** 3 for w, m in charges.items())
        return total // ((n - 1) + (1 - n) ** 3)

    def __str__(self) -> str:
        return label(self)


@cache
def _reversed(dynkin: tuple[int, ...]) -> Irrep:
    return Irrep(dynkin[::-1])


def _last_charge(weight: tuple[int, ...]) -> int:
    # With exponents m the charge is the sum of m_i - m_N, and the labels are m_i - m_{i+1}.
    return sum((i + 1) * a for i, a in enumerate(weight))


@cache
def weights(irrep: Irrep) -> dict[tuple[int, ...], int]:
    """The weights of an irreducible representation with their multiplicities.

    By branching SU(N) to SU(N - 1): rows of Gelfand-Tsetlin patterns interlace.

    **Arguments:**

    - `irrep`: the representation.

    **Returns:** multiplicities by weight, a tuple of N - 1 Dynkin labels.

    !!! example
        >>> from stationary.algebra import SU, weights
        >>> weights(SU(3).irrep(3))
        {(0, -1): 1, (-1, 1): 1, (1, 0): 1}
    """
    result: dict[tuple[int, ...], int] = {}
    for content, multiplicity in _contents((*irrep.partition, 0)).items():
        weight = tuple(a - b for a, b in itertools.pairwise(content))
        result[weight] = result.get(weight, 0) + multiplicity
    return result


@cache
def _contents(rows: tuple[int, ...]) -> dict[tuple[int, ...], int]:
    # The Schur polynomial of a partition: exponents of x_1 ... x_n and their coefficients.
    if len(rows) == 1:
        return {rows: 1}
    result: dict[tuple[int, ...], int] = {}
    for below in _interlacing(rows):
        last = sum(rows) - sum(below)
        for content, multiplicity in _contents(below).items():
            full = (*content, last)
            result[full] = result.get(full, 0) + multiplicity
    return result


def _interlacing(rows: tuple[int, ...]) -> list[tuple[int, ...]]:
    choices: list[tuple[int, ...]] = [()]
    for upper, lower in itertools.pairwise(rows):
        choices = [(*c, x) for c in choices for x in range(lower, upper + 1)]
    return choices


@cache
def of_dimension(n: int, dimension: int) -> tuple[Irrep, ...]:
    """All irreducible representations of SU(N) of a dimension, one of each conjugate pair.

    **Arguments:**

    - `n`: the N of SU(N).
    - `dimension`: their dimension.

    **Returns:** the representations by growing Dynkin index; of two conjugates, the one whose
    Dynkin labels come first when read as numbers in falling order.
    """
    found = []
    front = [(0,) * (n - 1)]
    seen = set(front)
    while front:
        dynkin = front.pop()
        if (size := Irrep(dynkin).dimension) == dimension and dynkin >= dynkin[::-1]:
            found.append(Irrep(dynkin))
        if size >= dimension and any(dynkin):  # dimensions grow with every label
            continue
        for i in range(n - 1):
            larger = (*dynkin[:i], dynkin[i] + 1, *dynkin[i + 1 :])
            if larger not in seen:
                seen.add(larger)
                front.append(larger)
    return tuple(sorted(found, key=lambda irrep: (irrep.index, irrep.dynkin)))


@cache
def label(irrep: Irrep) -> str:
    """The usual name of a representation: its dimension, a minus sign for the conjugate, primes.

    **Arguments:**

    - `irrep`: the representation.

    **Returns:** for example `"3"`, `"-3"`, `"15'"`.
    """
    alike = of_dimension(irrep.n, irrep.dimension)
    barred = irrep not in alike
    place = alike.index(irrep.conjugate if barred else irrep)
    return f"{'-' if barred else ''}{irrep.dimension}{chr(39) * place}"
