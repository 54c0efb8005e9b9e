"""Which field of one list is which field of another, whatever their names."""

from collections.abc import Sequence

from ._field import Field


def match_fields(fields: Sequence[Field], others: Sequence[Field]) -> dict[str, str]:
    """Match fields by their quantum numbers, a field also with its conjugate description.

    **Arguments:**

    - `fields`, `others`: two lists of the same fields under different names.

    **Returns:** for every letter of `fields` (`H`, `H*`) the letter of `others` that it is.

    **Raises:** `ValueError` when the lists do not have the same fields.

    !!! example
        >>> from stationary.fieldtheory import match_fields, parse_fields
        >>> mine, yours = parse_fields("e: fermion right y=-1"), parse_fields("E: fermion left y=1")
        >>> match_fields(mine, yours)
        {'e': 'E*', 'e*': 'E'}
    """
    free = list(others)
    found: dict[str, str] = {}
    # Equal names first, so that two fields alike keep theirs.
    for field in sorted(fields, key=lambda f: f.name not in {other.name for other in others}):
        best = None
        for other in free:
            flipped = not field.real and other.quantum_numbers == field.conjugate.quantum_numbers
            if other.quantum_numbers == field.quantum_numbers or flipped:
                straight = other.quantum_numbers == field.quantum_numbers
                rank = (not straight, other.name != field.name)
                if best is None or rank < best[0]:
                    best = (rank, other, straight)
        if best is None:
            there = "; ".join(map(str, free)) or "none left"
            raise ValueError(f"The other Lagrangian has no field like {field} ({there}).")
        _, other, straight = best
        free.remove(other)
        bar = other.name if other.real else f"{other.name}*"
        found[field.name] = other.name if straight else bar
        if not field.real:
            found[f"{field.name}*"] = bar if straight else other.name
    if free:
        raise ValueError(f"The first Lagrangian has no field like {free[0]}.")
    return found
