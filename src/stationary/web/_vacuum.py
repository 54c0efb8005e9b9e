"""The vacuum of the potential that a request brings couplings for."""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..fieldtheory import (
    GaugeGroup,
    Parameter,
    ScalarPotential,
    TermSet,
    Vacuum,
    bounded_below,
    find_vacuum,
    lagrangian_terms,
    parse_fields,
)
from ..fieldtheory._parameters import by_term, scalar_parameters
from ..fieldtheory._typeset import coupling_symbol
from ._errors import RequestError
from ._request import TABLES, read_terms
from ._turns import Turns

MOST_COMPONENTS = (
    40  # real ones of all scalars: a search beyond it is no longer a matter of seconds
)
MOST_COUPLINGS = 40
_STARTS = 24
_LARGEST = 1e6  # of a coupling
# Searches are long: one of each kind at a time, while the rest of the page goes on.
_TURNS, _BOUNDS = Turns(), Turns()


def describe_potential(terms: TermSet) -> dict[str, Any] | None:
    """The couplings of a potential, with values to begin with; `None` without scalars.

    **Arguments:**

    - `terms`: the Lagrangian.
    """
    scalars = [field for field in terms.fields if not field.fermion]
    if not scalars:
        return None
    try:
        couplings = scalar_parameters(terms)
    except ValueError as error:
        return {"reason": str(error)}
    size = sum(field.dimension * (1 if field.real else 2) for field in scalars)
    if size > MOST_COMPONENTS or len(couplings) > MOST_COUPLINGS:
        return {
            "reason": (
                f"The page takes scalars of up to {MOST_COMPONENTS} real components and "
                f"{MOST_COUPLINGS} couplings; these have {size} and {len(couplings)}. "
                "`stationary lagrangian --vacuum` takes any number."
            )
        }
    return {
        "couplings": [
            {
                "name": parameter.name,
                "math": f"<math>{coupling_symbol(parameter).mathml}</math>",
                "text": parameter.text,
                "value": _first_value(parameter, scalars[0].name),
            }
            for parameter in couplings
        ]
    }


def vacuum_answer(request: dict[str, Any]) -> dict[str, Any]:
    """The vacuum for the couplings of a request.

    **Arguments:**

    - `request`: as for `read_terms`, and `couplings`, numbers by name.
    """
    potential, couplings = _read(request)
    with _TURNS.turn() as wanted, _double_precision():
        if not wanted:
            return {"superseded": True}
        try:
            found = find_vacuum(potential, couplings, starts=_STARTS)
        except ValueError as error:
            return {"reason": str(error)}
        return _vacuum(found)


def bounded_answer(request: dict[str, Any]) -> dict[str, Any]:
    """Whether the potential of a request is bounded below.

    **Arguments:**

    - `request`: as for `vacuum_answer`.
    """
    potential, couplings = _read(request)
    with _BOUNDS.turn() as wanted, _double_precision():
        if not wanted:
            return {"superseded": True}
        found = bounded_below(potential, couplings, starts=_STARTS)
    return {"verdict": found.verdict, "reason": found.reason}


def _vacuum(found: Vacuum) -> dict[str, Any]:
    line = found.potential.along(found.potential.zeros(), found.point, found.couplings)
    physical = found.physical_masses_squared
    return {
        "energy": found.energy,
        "verdict": str(found.certificate.verdict),
        "origin": bool(found.is_origin),
        "fields": [
            {"name": name, "size": float(np.linalg.norm(value))}
            for name, value in found.values.items()
        ],
        "masses": [math.copysign(math.sqrt(abs(m)), m) for m in physical.tolist()],
        "goldstones": found.broken,
        "broken": found.broken,
        "unbroken": found.unbroken,
        "line": line.tolist(),
        "others": [
            {"energy": other.energy, "saddle": bool(other.lowest < 0)} for other in found.others
        ],
    }


def _read(request: dict[str, Any]) -> tuple[ScalarPotential, dict[str, complex]]:
    terms = read_terms(request)
    about = describe_potential(terms)
    if about is None:
        raise RequestError("There are no scalars, and so there is no potential.", "fields")
    if "reason" in about:
        raise RequestError(about["reason"], "fields")
    given = request.get("couplings")
    if not isinstance(given, dict):
        raise RequestError("couplings must be numbers by name.", "couplings")
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not abs(value) <= _LARGEST:
            raise RequestError(
                f"{name} must be a number of at most {_LARGEST:g}, got {value!r}.", "couplings"
            )
    try:
        couplings = by_term(terms, given)
    except ValueError as error:
        raise RequestError(str(error), "couplings") from None
    with TABLES, _double_precision():
        return _potential("\n".join(map(str, terms.fields)), str(terms.group)), couplings


@lru_cache(maxsize=16)
def _potential(fields: str, group: str) -> ScalarPotential:
    # The same object for the same fields, for which programs are then compiled only once.
    return lagrangian_terms(parse_fields(fields), GaugeGroup(group)).potential()


def _double_precision() -> Any:
    import jax

    return jax.enable_x64(True)


def _first_value(parameter: Parameter, first: str) -> float:
    """A value that gives the first scalar a vacuum of its own, and keeps the rest near zero."""
    letters = {letter.removesuffix("*") for letter in parameter.term.letters}
    if not parameter.term.self_conjugate or parameter.term.kind in ("linear", "cubic"):
        return 0.0
    if parameter.term.kind == "mass":
        return -1.0 if letters == {first} else 1.0
    return 0.25 if len(letters) == 1 else 0.1
