"""Fields from plain text."""

import re
from typing import Any

from ._field import Field, dirac
from ._group import factor_name

_KINDS = ("scalar", "fermion", "real", "complex", "left", "right", "majorana", "dirac", "weyl")
_HELP = (
    "write 'H: scalar su2=2 y=1/2' or 'Q: fermion left su3=3 su2=2 y=1/6', several separated by "
    "semicolons"
)


def parse_fields(text: str) -> tuple[Field, ...]:
    """Matter fields from plain text.

    **Arguments:**

    - `text`: one field in each line, or separated by semicolons: its name and a colon; `scalar`,
        `real scalar`, `fermion left`, `fermion right`, `majorana` or `dirac`; then representations
        such as `su3=-3 su2=2 y=1/6`, and `copies=3`. Several names before a colon, with commas,
        give several fields alike. What follows a `#` that begins a word is ignored.

    **Returns:** the [`Field`][stationary.fieldtheory.Field]s. A `dirac` fermion becomes two
    left-handed fields, the second with a `c` after its name.

    **Raises:** `ValueError` that says which field is wrong, and why.

    !!! example
        >>> from stationary.fieldtheory import parse_fields
        >>> for field in parse_fields("H: scalar su2=2 y=1/2; N: majorana; E: dirac y=-1"):
        ...     print(field)
        H: scalar su2=2 u1=1/2
        N: fermion left
        E: fermion left u1=-1
        Ec: fermion left u1=1
    """
    found: list[Field] = []
    for entry in re.split(r"[;\n]", text):
        entry = re.sub(r"(^|\s)#.*", "", entry).strip()
        if not entry:
            continue
        names, colon, description = entry.partition(":")
        if not colon:
            raise ValueError(f"{entry!r} has no colon after the field's name: {_HELP}.")
        for name in names.split(","):
            found += _fields(name.strip(), description)
    if not found:
        raise ValueError(f"There are no fields in {text!r}: {_HELP}.")
    seen: set[str] = set()
    for field in found:
        if field.name in seen:
            raise ValueError(f"Two fields are called {field.name!r}; give each a name of its own.")
        seen.add(field.name)
    return tuple(found)


def _fields(name: str, description: str) -> list[Field]:
    kinds: list[str] = []
    given: dict[str, Any] = {}
    for word in re.sub(r"\s*=\s*", "=", description).split():
        key, equals, value = word.partition("=")
        if not equals:
            if key.lower() not in _KINDS:
                raise ValueError(f"{name}: {word!r} is not understood; {_HELP}.")
            kinds.append(key.lower())
            continue
        key = key.lower()
        if key not in ("copies", "helicity"):
            try:
                key = factor_name(key)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        if key in given:
            raise ValueError(f"{name}: {key} is given twice.")
        given[key] = value
    copies = _copies(name, given.pop("copies", "1"))
    return _build(name, set(kinds), given, copies)


def _build(name: str, kinds: set[str], given: dict[str, Any], copies: int) -> list[Field]:
    fermionic = kinds & {"fermion", "left", "right", "weyl", "majorana", "dirac"}
    if fermionic and kinds & {"scalar", "real", "complex"}:
        raise ValueError(f"{name}: {' '.join(sorted(kinds))} contradict each other.")
    if not fermionic:
        if not kinds:
            raise ValueError(f"{name}: say whether it is a scalar or a fermion; {_HELP}.")
        if kinds >= {"real", "complex"}:
            raise ValueError(f"{name}: a scalar is real or complex, not both.")
        return [Field(name, 0, real="real" in kinds, copies=copies, **given)]
    handed = kinds & {"left", "right"}
    if "dirac" in kinds:
        if handed or "majorana" in kinds:
            raise ValueError(f"{name}: a Dirac fermion has both helicities.")
        return list(dirac(name, copies=copies, **given))
    helicity = given.pop("helicity", None)
    if len(handed) > 1 or (handed and helicity is not None):
        raise ValueError(f"{name}: give one helicity.")
    if "majorana" in kinds:
        handed = handed or {"left"}
    helicity = helicity or next(iter(handed), None)
    field = Field(name, "1/2", helicity=helicity, real=False, copies=copies, **given)
    if "majorana" in kinds and field.not_self_conjugate:
        raise ValueError(f"{name} cannot be a Majorana fermion: {field.not_self_conjugate}.")
    return [field]


def _copies(name: str, value: str) -> int:
    if not value.isdigit() or int(value) < 1:
        raise ValueError(f"{name} needs a whole number of copies, 1 or more, got {value!r}.")
    return int(value)
