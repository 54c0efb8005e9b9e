"""Products and powers of representations of products of SU(N), as sums of irreducible ones."""

from collections.abc import Mapping
from functools import cache, reduce
from itertools import pairwise, permutations
from math import factorial, prod

from ._irrep import Irrep, weights
from ._young import partitions

Rep = tuple[Irrep, ...]
"""An irreducible representation of a product of groups: one `Irrep` per factor."""

Weight = tuple[int, ...]


def conjugate(rep: Rep) -> Rep:
    """The complex conjugate of a representation of a product of groups."""
    return tuple(irrep.conjugate for irrep in rep)


def dimension(rep: Rep) -> int:
    """The dimension of a representation of a product of groups."""
    return prod(irrep.dimension for irrep in rep)


@cache
def product(first: Rep, second: Rep) -> Mapping[Rep, int]:
    """The tensor product of two irreducible representations.

    **Arguments:**

    - `first`, `second`: one `Irrep` per factor of the group.

    **Returns:** multiplicities by irreducible representation.

    **Raises:** `ValueError` when they belong to different groups.

    !!! example
        >>> from stationary.algebra import SU, product
        >>> three = SU(3).irrep(3)
        >>> {str(rep[0]): count for rep, count in product((three,), (three.conjugate,)).items()}
        {'1': 1, '8': 1}
    """
    if [irrep.n for irrep in first] != [irrep.n for irrep in second]:
        raise ValueError(f"{first} and {second} are representations of different groups.")
    result: dict[Rep, int] = {(): 1}
    for one, other in zip(first, second, strict=True):
        step = _irrep_product(*sorted((one, other), key=lambda irrep: irrep.dimension))
        result = {(*rep, r): a * b for rep, a in result.items() for r, b in step.items()}
    return result


@cache
def _irrep_product(small: Irrep, large: Irrep) -> Mapping[Irrep, int]:
    # Brauer and Klimyk: reflect the highest weight plus each weight into the dominant chamber.
    result: dict[Irrep, int] = {}
    for weight, multiplicity in weights(small).items():
        moved = tuple(a + b for a, b in zip(weight, large.dynkin, strict=True))
        sign, dominant = _to_chamber(moved)
        if sign:
            irrep = Irrep(dominant)
            result[irrep] = result.get(irrep, 0) + sign * multiplicity
    return {irrep: result[irrep] for irrep in sorted(result) if result[irrep]}


def _to_chamber(weight: Weight) -> tuple[int, Weight]:
    # The dot action of SU(N)'s Weyl group sorts the partial sums of weight + (1, ..., 1).
    sums = [0]
    for a in reversed(weight):
        sums.append(sums[-1] + a + 1)
    sums.reverse()
    order = sorted(range(len(sums)), key=sums.__getitem__, reverse=True)
    if any(sums[i] == sums[j] for i, j in pairwise(order)):
        return 0, weight
    ordered = [sums[i] for i in order]
    return _sign(order), tuple(a - b - 1 for a, b in pairwise(ordered))


def _sign(order: list[int]) -> int:
    crossings = sum(a > b for i, a in enumerate(order) for b in order[i + 1 :])
    return -1 if crossings % 2 else 1


@cache
def power(rep: Rep, shape: tuple[int, ...]) -> Mapping[Rep, int]:
    """The power of a representation with the symmetry of a Young diagram (a Schur functor).

    The character is the average over permutations, by cycle type, of Frobenius' formula; with
    one row it is the symmetric power, with one column the antisymmetric one.

    **Arguments:**

    - `rep`: one `Irrep` per factor of the group.
    - `shape`: the row lengths of the diagram; its boxes are the number of copies multiplied.

    **Returns:** multiplicities by irreducible representation.

    !!! example
        >>> from stationary.algebra import SU, power
        >>> doublet = (SU(2).irrep(2),)
        >>> [{str(rep[0]): n for rep, n in power(doublet, s).items()} for s in [(2,), (1, 1)]]
        [{'3': 1}, {'1': 1}]
    """
    if sum(shape) == 1:
        return {rep: 1}
    if not rep:  # of the group that does nothing
        return {rep: 1} if len(shape) == 1 else {}
    if len(rep) == 1:
        return {(irrep,): m for irrep, m in _irrep_power(rep[0], shape).items()}
    # A power of a product is a sum of products of powers (Schur and Weyl).
    result: dict[Rep, int] = {}
    boxes = sum(shape)
    for one in partitions(boxes, boxes):
        first = _irrep_power(rep[0], one)
        for other in partitions(boxes, boxes) if first else ():
            times = _kronecker(one, other, shape)
            for rest, n in power(rep[1:], other).items() if times else ():
                for irrep, m in first.items():
                    key = (irrep, *rest)
                    result[key] = result.get(key, 0) + times * m * n
    return {key: result[key] for key in sorted(result)}


@cache
def _irrep_power(irrep: Irrep, shape: tuple[int, ...]) -> Mapping[Irrep, int]:
    count = sum(shape)
    if len(shape) > irrep.dimension:
        return {}
    if irrep.is_singlet or count == 1:
        return {irrep: 1}
    character = weights(irrep)
    total: dict[Weight, int] = {}
    for cycles, size in _cycle_types(count).items():
        coefficient = size * _symmetric_character(shape, cycles)
        if not coefficient:
            continue
        factors = [{tuple([c * a for a in w]): m for w, m in character.items()} for c in cycles]
        for weight, multiplicity in reduce(_multiply, factors).items():
            total[weight] = total.get(weight, 0) + coefficient * multiplicity
    average = {}
    for weight, multiplicity in total.items():
        if multiplicity % factorial(count):
            raise AssertionError(f"power{shape} of {irrep} is not integer at {weight}")
        average[weight] = multiplicity // factorial(count)
    return {rep[0]: m for rep, m in decompose(average, (irrep.n,)).items()}


@cache
def _kronecker(one: tuple[int, ...], two: tuple[int, ...], three: tuple[int, ...]) -> int:
    # How often the trivial representation of the permutations is in a product of three others.
    total = sum(
        size
        * _symmetric_character(one, cycles)
        * _symmetric_character(two, cycles)
        * _symmetric_character(three, cycles)
        for cycles, size in _cycle_types(sum(one)).items()
    )
    return total // factorial(sum(one))


def decompose(character: Mapping[Weight, int], groups: tuple[int, ...]) -> Mapping[Rep, int]:
    """A character of a product of SU(N) as a sum of irreducible ones.

    **Arguments:**

    - `character`: multiplicities by weight, the Dynkin labels of all factors side by side.
    - `groups`: the N of each factor.

    **Returns:** multiplicities by irreducible representation: coefficients of dominant weights in
    the character times Weyl's denominator.
    """
    denominator = _denominator(groups)
    result: dict[Rep, int] = {}
    for weight in sorted(character):
        if min(weight, default=0) < 0:
            continue
        count = 0
        for shift, sign in denominator:
            below = tuple([a - b for a, b in zip(weight, shift, strict=True)])
            count += sign * character.get(below, 0)
        if count:
            result[_split(weight, groups)] = count
    return result


def _split(weight: Weight, groups: tuple[int, ...]) -> Rep:
    rep, begin = [], 0
    for n in groups:
        rep.append(Irrep(weight[begin : begin + n - 1]))
        begin += n - 1
    return tuple(rep)


@cache
def _denominator(groups: tuple[int, ...]) -> tuple[tuple[Weight, int], ...]:
    # Weyl's denominator times e^{-rho}: w(rho) - rho with signs, for every factor.
    terms: list[tuple[Weight, int]] = [((), 1)]
    for n in groups:
        rho = range(n - 1, -1, -1)
        mine = []
        for order in permutations(range(n)):
            moved = [rho[i] for i in order]
            labels = tuple(a - b - 1 for a, b in pairwise(moved))
            mine.append((labels, _sign(list(order))))
        terms = [((*w, *shift), s * sign) for w, s in terms for shift, sign in mine]
    return tuple(terms)


def _multiply(first: Mapping[Weight, int], second: Mapping[Weight, int]) -> dict[Weight, int]:
    result: dict[Weight, int] = {}
    for w, a in first.items():
        for v, b in second.items():
            key = tuple([x + y for x, y in zip(w, v, strict=True)])
            result[key] = result.get(key, 0) + a * b
    return result


@cache
def _cycle_types(count: int) -> Mapping[tuple[int, ...], int]:
    # Permutations of `count` things by the lengths of their cycles, and how many there are.
    result: dict[tuple[int, ...], int] = {}
    for order in permutations(range(count)):
        seen: set[int] = set()
        lengths = []
        for start in range(count):
            length, at = 0, start
            while at not in seen:
                seen.add(at)
                at, length = order[at], length + 1
            if length:
                lengths.append(length)
        key = tuple(sorted(lengths, reverse=True))
        result[key] = result.get(key, 0) + 1
    return result


@cache
def _symmetric_character(shape: tuple[int, ...], cycles: tuple[int, ...]) -> int:
    # Murnaghan and Nakayama on the first-column hook lengths: take rim hooks of each length away.
    rows = len(shape)
    return _remove_hooks(frozenset(r + rows - 1 - i for i, r in enumerate(shape)), cycles)


def _remove_hooks(beads: frozenset[int], cycles: tuple[int, ...]) -> int:
    if not cycles:
        return 1
    total = 0
    for bead in beads:
        target = bead - cycles[0]
        if target >= 0 and target not in beads:
            jumped = sum(target < other < bead for other in beads)
            total += (-1) ** jumped * _remove_hooks(beads - {bead} | {target}, cycles[1:])
    return total
