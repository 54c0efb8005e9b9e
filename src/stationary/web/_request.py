"""The fields and the gauge group that a request speaks of."""

import re
import threading
from typing import Any

from ..fieldtheory import Field, GaugeGroup, TermSet, lagrangian_terms, parse_fields
from ._errors import RequestError

MOST_FIELDS = 16
MOST_COMPONENTS = 64  # of a field: beyond it the page would no longer answer at once
MOST_COPIES = 9
MOST_TERMS = 1000
TABLES = threading.RLock()
"""Tables of representations are shared and filled as they are needed: one thread at a time."""


def read_terms(request: dict[str, Any]) -> TermSet:
    """The exact Lagrangian that a request asks for.

    **Arguments:**

    - `request`: `fields`, a list of lines such as `"H: scalar su2=2 y=1/2"`; `group`, and the
        switches `kinetic_mixing` and `theta`.

    **Raises:** `RequestError` that says what is wrong, and in which line.
    """
    with TABLES:
        return _terms(request)


def _terms(request: dict[str, Any]) -> TermSet:
    group = _group(request.get("group", "su3 x su2 x u1"))
    fields = _fields(request.get("fields"), group)
    switches = {name: request.get(name, False) for name in ("kinetic_mixing", "theta")}
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise RequestError(f"{name} must be true or false, got {value!r}.")
    try:
        terms = lagrangian_terms(fields, group, **switches)
    except ValueError as error:
        raise RequestError(str(error), "fields") from None
    if len(terms) > MOST_TERMS:
        raise RequestError(
            f"These fields allow {len(terms)} terms, and the page takes up to {MOST_TERMS}; "
            "`stationary lagrangian` takes any number.",
            "fields",
        )
    return terms


def _group(given: Any) -> GaugeGroup:
    if not isinstance(given, str) or len(given) > 200:
        raise RequestError("group must be a text such as 'su3 x su2 x u1'.", "group")
    try:
        group = GaugeGroup(given)
    except ValueError as error:
        raise RequestError(str(error), "group") from None
    if len(group.factors) > 6:
        raise RequestError("The page takes gauge groups of up to six factors.", "group")
    return group


def _fields(given: Any, group: GaugeGroup) -> list[Field]:
    if not isinstance(given, list) or not all(isinstance(line, str) for line in given):
        raise RequestError("fields must be a list of lines, one for each field.", "fields")
    found: list[Field] = []
    seen: set[str] = set()
    for row, line in enumerate(given):
        for field in _line(line, row):
            _check(field, group, row)
            if field.name in seen:
                raise RequestError(
                    f"Two fields are called {field.name!r}; give each a name of its own.",
                    "fields",
                    row,
                )
            seen.add(field.name)
            found.append(field)
    if not found:
        raise RequestError("There are no fields yet: add one.", "fields")
    if len(found) > MOST_FIELDS:
        raise RequestError(
            f"The page takes up to {MOST_FIELDS} fields, and these are {len(found)}; "
            "`stationary lagrangian` takes any number.",
            "fields",
            len(given) - 1,
        )
    return found


def _line(line: str, row: int) -> tuple[Field, ...]:
    if not re.sub(r"#.*", "", line).strip():
        return ()
    if len(line) > 500 or re.search(r"\d{5}", line):
        raise RequestError("This is too long, or too large, for the page.", "fields", row)
    for size in re.findall(r"su\d\w*\s*=\s*-?(\d+)", line.lower()):
        if int(size) > MOST_COMPONENTS:
            raise RequestError(_too_large(size), "fields", row)
    try:
        return parse_fields(line)
    except ValueError as error:
        raise RequestError(str(error), "fields", row) from None


def _check(field: Field, group: GaugeGroup, row: int) -> None:
    for factor, rep in field.representations:
        if factor not in group.factors:
            raise RequestError(
                f"{field.name} has {factor}={rep}, and {factor} is not in the gauge group {group}.",
                "fields",
                row,
            )
    if field.dimension > MOST_COMPONENTS:
        raise RequestError(_too_large(field.dimension), "fields", row)
    if field.copies > MOST_COPIES:
        raise RequestError(f"The page takes up to {MOST_COPIES} copies of a field.", "fields", row)


def _too_large(size: object) -> str:
    return (
        f"The page takes fields of up to {MOST_COMPONENTS} components, and this one has {size}; "
        "`stationary lagrangian` takes any number."
    )
