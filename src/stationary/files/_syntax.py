"""The line at which an MPS file stops making sense.

HiGHS says that a file is malformed but not where, and reads `4.x` as 4. This looks at the outline
and the numbers only; names and meaning stay with HiGHS.
"""

import math
from typing import NamedTuple


class Fault(NamedTuple):
    """A line, counted from 1, and what is wrong there."""

    line: int
    message: str


_SECTIONS = frozenset(
    "NAME OBJSENSE OBJSENS OBJSENSEMAX OBJSENSEMIN OBJNAME ROWS USERCUTS LAZYCONS COLUMNS RHS "
    "RANGES BOUNDS SOS SOS1 SOS2 SETS QUADOBJ QMATRIX QSECTION QCMATRIX CSECTION INDICATORS "
    "ENDATA MAX MIN DELAYEDROWS MODELCUTS".split()
)
_NUMERIC = frozenset({"COLUMNS", "RHS", "RANGES", "QUADOBJ", "QMATRIX", "QSECTION"})
_WITH_BOUND = frozenset({"UP", "LO", "FX", "UI", "LI", "SC", "SI"})
_WITHOUT_BOUND = frozenset({"FR", "MI", "PL", "BV"})
_ROWS = frozenset({"N", "L", "G", "E"})


def check_mps(text: str) -> Fault | None:
    """The first fault in the outline or the numbers of an MPS file; `None` when there is none."""
    section, number = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or line.startswith("*"):
            continue
        if not line[0].isspace():
            section = fields[0].upper()
            if section not in _SECTIONS:
                return Fault(number, f"{fields[0]!r} is no section of an MPS file.")
            if section == "ENDATA":
                return None
            continue
        if fault := _fault(section, fields):
            return Fault(number, fault)
    return Fault(number, "the file ends without ENDATA; it may have been cut off.")


def _fault(section: str, fields: list[str]) -> str | None:
    kind = fields[0].upper()
    if section == "":
        return f"{fields[0]!r} comes before any section."
    if section == "ROWS" and kind not in _ROWS:
        return f"{fields[0]!r} is no kind of row; expected N, L, G or E."
    if section == "BOUNDS":
        if kind in _WITHOUT_BOUND:
            return None
        if kind not in _WITH_BOUND:
            return f"{fields[0]!r} is no kind of bound."
        return _number(fields[-1])
    if section in _NUMERIC and "'MARKER'" not in fields:
        if len(fields) < 2:
            return f"{' '.join(fields)!r} has a name but no number."
        pairs = len(fields) >= 4 and section in ("COLUMNS", "RHS", "RANGES")
        # A name of the set may be left out, so the first number's place depends on the count.
        return (pairs and _number(fields[-3])) or _number(fields[-1])
    return None


def _number(field: str) -> str | None:
    try:
        value = float(field)
    except ValueError:
        return f"{field!r} is not a number."
    return f"{field!r} is not a number." if math.isnan(value) or "_" in field else None
