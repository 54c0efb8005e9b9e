"""Letters as numbers: letter 2 i is field i, and letter 2 i + 1 its conjugate."""

from collections.abc import Sequence

from .._field import Field


def kind_of(codes: Sequence[int], fields: Sequence[Field]) -> str | None:
    """The kind of an interaction: letter 2 i is field i, letter 2 i + 1 its conjugate.

    **Returns:** `None` when there is no renormalisable interaction of that many fermions and
    scalars.
    """
    fermions = sum(fields[code // 2].fermion for code in codes)
    if fermions == 0:
        kinds = (None, "linear", "mass", "cubic", "quartic")
        return kinds[len(codes)] if len(codes) < len(kinds) else None
    if fermions != 2:
        return None
    return {2: "mass", 3: "yukawa"}.get(len(codes))


def canonical(codes: Sequence[int], fields: Sequence[Field]) -> tuple[int, ...]:
    """The letters that stand for a class and its hermitian conjugate, in order.

    Of scalars the first one in order; with fermions the one whose fermions are left-handed.
    """
    codes = [code - code % 2 if fields[code // 2].real else code for code in codes]
    own, mirror = sorted(codes), sorted(_conjugate(code, fields) for code in codes)
    handed = {_left(code, fields[code // 2]) for code in own if fields[code // 2].fermion}
    if handed == {True}:
        return tuple(own)
    if handed == {False}:
        return tuple(mirror)
    return tuple(min(own, mirror))


def _conjugate(code: int, fields: Sequence[Field]) -> int:
    return code if fields[code // 2].real else code ^ 1


def _left(code: int, field: Field) -> bool:
    return field.left_handed == (code % 2 == 0)
