"""The ways in which powers of representations couple to a singlet, along a fixed tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ._powers import Rep, conjugate, power, product

Step = tuple[Rep, int]
"""An irreducible representation on the way, and which copy of it where there are several."""

Powers = tuple[tuple[Rep, tuple[int, ...]], ...]
"""Representations, each with the Young diagram of its power."""


@dataclass(frozen=True, order=True)
class Coupling:
    """One way to couple powers of representations to a singlet.

    Each power is brought to one irreducible representation, and these are coupled from left to
    right; the last one is then the conjugate of what has been reached.

    **Arguments:**

    - `powers`: the representation that each power is brought to, and which copy of it.
    - `partial`: what the first two, three, ... are coupled to, the last two left out.
    """

    powers: tuple[Step, ...]
    partial: tuple[Step, ...] = ()


@cache
def couplings(powers: Powers) -> tuple[Coupling, ...]:
    """All ways to couple powers of representations to a singlet.

    **Arguments:**

    - `powers`: pairs of a representation and the row lengths of its power's Young diagram.

    **Returns:** a tuple of [`Coupling`][stationary.algebra.Coupling], as many as there are
    independent invariants.

    !!! example
        >>> from stationary.algebra import SU, couplings
        >>> octet = (SU(3).irrep(8),)
        >>> len(couplings(((octet, (1,)),) * 3))  # f and d
        2
    """
    return paths(tuple(power(*factor) for factor in powers))


def paths(factors: tuple[Mapping[Rep, int], ...]) -> tuple[Coupling, ...]:
    """All ways to couple sums of representations to a singlet, in order."""
    reached: list[tuple[Coupling, Rep]] = [
        (Coupling((step,)), step[0]) for step in _steps(factors[0])
    ]
    for factor in factors[1:-1]:
        reached = [
            (Coupling((*path.powers, step), (*path.partial, next_step)), next_step[0])
            for path, at in reached
            for step in _steps(factor)
            for next_step in _steps(product(at, step[0]))
        ]
    if len(factors) == 1:
        ends = [path for path, at in reached if all(irrep.is_singlet for irrep in at)]
    else:
        last = _steps(factors[-1])
        ends = [
            Coupling((*path.powers, step), path.partial)
            for path, at in reached
            for step in last
            if step[0] == conjugate(at)
        ]
    return tuple(sorted(ends))


@cache
def count_invariants(powers: Powers) -> int:
    """The number of independent invariants in a product of powers of representations.

    **Arguments:**

    - `powers`: pairs of a representation and the row lengths of its power's Young diagram.

    **Returns:** their number, without listing them.

    !!! example
        >>> from stationary.algebra import SU, count_invariants
        >>> doublet = (SU(2).irrep(2),)
        >>> count_invariants(((doublet, (2,)),)), count_invariants(((doublet, (1, 1)),))
        (0, 1)
    """
    total: Mapping[Rep, int] = power(*powers[0])
    for factor in powers[1:-1]:
        total = _couple(total, power(*factor))
    if len(powers) == 1:
        return sum(m for rep, m in total.items() if all(irrep.is_singlet for irrep in rep))
    last = power(*powers[-1])
    return sum(m * last.get(conjugate(rep), 0) for rep, m in total.items())


def _couple(first: Mapping[Rep, int], second: Mapping[Rep, int]) -> Mapping[Rep, int]:
    result: dict[Rep, int] = {}
    for one, a in first.items():
        for two, b in second.items():
            for rep, m in product(one, two).items():
                result[rep] = result.get(rep, 0) + a * b * m
    return result


def _steps(multiplicities: Mapping[Rep, int]) -> list[Step]:
    return [(rep, copy) for rep, count in multiplicities.items() for copy in range(count)]
