"""Counting and naming the invariants of a product of letters, flavours included."""

from collections.abc import Iterator, Sequence
from functools import cache, reduce
from itertools import product as every

from stationary.algebra import (
    Coupling,
    Rep,
    YoungDiagram,
    count_invariants,
    couplings,
    dimension,
)

from ._term import Contraction

Letter = tuple[Rep, int]
"""What counting needs of a letter: its representation, and how many copies there are of it."""

_numbers: dict[tuple, int] = {}
_letters: list[Letter] = []


def number(letter: Letter) -> int:
    """A small number for a letter, the same for equal letters."""
    rep, copies = letter
    key = (tuple([irrep.dynkin for irrep in rep]), copies)  # hashed without calling Python
    found = _numbers.get(key)
    if found is None:
        found = _numbers[key] = len(_letters)
        _letters.append(letter)
    return found


_counted: dict[tuple[int, ...], int] = {}


def count_letters(codes: tuple[int, ...], numbers: Sequence[int]) -> int:
    """The number of invariants of a product of letters whose charges cancel.

    **Arguments:**

    - `codes`: the letters, in rising order.
    - `numbers`: the number of each letter.
    """
    before, key = -1, []
    for code in codes:
        key.append(-1 if code == before else numbers[code])
        before = code
    found = _counted.get(tuple(key))
    if found is None:
        powers: dict[int, int] = {}
        for code in codes:
            powers[code] = powers.get(code, 0) + 1
        ways = count(tuple(sorted([8 * numbers[c] + k for c, k in powers.items()])))
        found = _counted[tuple(key)] = ways
    return found


@cache
def count(key: tuple[int, ...]) -> int:
    """The number of invariants of a product of powers of letters.

    Letters commute: scalars do, and of two left-handed fermions the spin singlet is antisymmetric
    and Fermi statistics too.

    **Arguments:**

    - `key`: sorted numbers `8 * number(letter) + power`, the charges having been found to cancel.
    """
    powers = [(*_letters[code >> 3], code & 7) for code in key]
    # Singlets without flavour change nothing.
    powers = [p for p in powers if p[1] > 1 or not _is_singlet(p[0])]
    if not powers:
        return 1
    if not _neutral_under_the_centre(powers):
        return 0
    total = 0
    for shapes, flavours in _symmetries([(copies, k) for _, copies, k in powers]):
        total += flavours * count_invariants(_order([p[0] for p in powers], shapes))
    return total


def contractions(letters: Sequence[tuple[Rep, int, int]]) -> tuple[Contraction, ...]:
    """All contractions of a product of powers of letters.

    **Arguments:**

    - `letters`: representation, copies and power of each group of identical letters, in the order
        in which they are to be coupled.

    **Returns:** the contractions; their parameters add up to the number of invariants.
    """
    found = []
    for shapes, flavours in _symmetries([(copies, k) for _, copies, k in letters]):
        powers = tuple((rep, shape) for (rep, _, _), shape in zip(letters, shapes, strict=True))
        found += [(path, shapes, flavours) for path in couplings(powers)]
    labels = _labels([_steps(path, shapes) for path, shapes, _ in found])
    return tuple(
        Contraction(label, shapes, path, flavours)
        for label, (path, shapes, flavours) in zip(labels, found, strict=True)
    )


def _steps(path: Coupling, shapes: tuple[tuple[int, ...], ...]) -> list[str]:
    """What is reached along a path: "8,3" for (8,3), with its Young diagram and copy if any."""
    steps = []
    for place, ((rep, copy), shape) in enumerate(zip(path.powers, shapes, strict=True)):
        young = "" if len(shape) == 1 else "|" + ".".join(map(str, shape))
        steps.append(_name(rep, copy) + young)
        if 0 < place < len(shapes) - 1:
            steps.append(_name(*path.partial[place - 1]))
    return steps


def _name(rep: Rep, copy: int) -> str:
    return ",".join(map(str, rep)) + (f"#{copy}" if copy else "")


def _labels(paths: list[list[str]]) -> list[str]:
    # What all paths share distinguishes nothing, and what follows from earlier steps little.
    places = [i for i in range(len(paths[0])) if len({path[i] for path in paths}) > 1]
    for i in reversed(places):
        rest = [j for j in places if j != i]
        if len({tuple(path[j] for j in rest) for path in paths}) == len(paths):
            places = rest
    return [";".join(path[i] for i in places) for path in paths]


def _symmetries(
    groups: Sequence[tuple[int, int]],
) -> Iterator[tuple[tuple[tuple[int, ...], ...], int]]:
    """Young diagrams for groups of letters, and how many flavour structures have them."""
    for chosen in every(*(_diagrams(copies, power) for copies, power in groups)):
        shapes = tuple(shape for shape, _ in chosen)
        yield shapes, reduce(lambda total, item: total * item[1], chosen, 1)


@cache
def _diagrams(copies: int, power: int) -> tuple[tuple[tuple[int, ...], int], ...]:
    # As many flavour structures as GL(copies) has components with this symmetry.
    return tuple((d.rows, d.dimension(copies)) for d in YoungDiagram.all(power, copies))


def _neutral_under_the_centre(powers: Sequence[tuple[Rep, int, int]]) -> bool:
    factors = range(len(powers[0][0]))
    return all(
        sum(k * rep[i].n_ality for rep, _, k in powers) % powers[0][0][i].n == 0 for i in factors
    )


def _order(reps: Sequence[Rep], shapes: Sequence[tuple[int, ...]]) -> tuple:
    # Large powers last: the last factor is only looked up. One order for the cache, too.
    pairs = zip(reps, shapes, strict=True)
    return tuple(sorted(pairs, key=lambda p: (sum(p[1]), dimension(p[0]), p)))


def _is_singlet(rep: Rep) -> bool:
    return all(irrep.is_singlet for irrep in rep)
