"""Lagrangians as JSON, and back."""

import json
from collections.abc import Mapping
from typing import Any

from ._anomalies import anomalies
from ._field import Field
from ._group import GaugeGroup
from ._parameters import Parameter, parameters
from ._term import KINDS, Term
from ._termset import TermSet


def to_json(terms: TermSet, *, indent: int | None = 2) -> str:
    """A Lagrangian as one JSON document.

    **Arguments:**

    - `terms`: the Lagrangian.
    - `indent`: as in `json.dumps`.

    **Returns:** an object with `group` (its factors), `fields` (name, spin, helicity, real, copies,
    representations), `terms` (kind, letters, count, self_conjugate, real_parameters, and the
    couplings, one for each contraction with its label), `real_parameters` and `anomalies`. Numbers
    that may be fractions are strings.

    !!! example
        >>> import json
        >>> from stationary.fieldtheory import from_json, lagrangian_terms, model, to_json
        >>> terms = lagrangian_terms(model())
        >>> json.loads(to_json(terms))["real_parameters"], from_json(to_json(terms)) == terms
        (8, True)
    """
    return json.dumps(document(terms), indent=indent, ensure_ascii=False)


def document(terms: TermSet) -> dict[str, Any]:
    """What [`to_json`][stationary.fieldtheory.to_json] writes, as plain data."""
    couplings: dict[Term, list[Parameter]] = {}
    for parameter in parameters(terms):
        couplings.setdefault(parameter.term, []).append(parameter)
    return {
        "group": list(terms.group.factors),
        "fields": [_field(field) for field in terms.fields],
        "terms": [
            {
                "kind": term.kind,
                "letters": list(term.letters),
                "count": term.count,
                "self_conjugate": term.self_conjugate,
                "real_parameters": term.real_parameters if term.interaction else 0,
                "couplings": [
                    {"name": p.name, "count": p.count, "label": p.label}
                    for p in couplings.get(term, [])
                ],
            }
            for term in terms
        ],
        "real_parameters": terms.real_parameters,
        "anomalies": {k: str(v) for k, v in anomalies(terms.fields, terms.group).items()},
    }


def from_json(text: str) -> TermSet:
    """A Lagrangian from the JSON that [`to_json`][stationary.fieldtheory.to_json] writes.

    **Arguments:**

    - `text`: the document; of it `group`, `fields` and of each term `kind`, `letters`, `count` and
        `self_conjugate` are read, and all else follows from these.

    **Returns:** a [`TermSet`][stationary.fieldtheory.TermSet]. That its terms are all that the
    fields allow is not checked.

    **Raises:** `ValueError` when it is no such document.
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"This is no JSON: {error}.") from None
    group = _entry(found, "group", list, "the document")
    fields = tuple(
        _read_field(entry, place)
        for place, entry in enumerate(_entry(found, "fields", list, "the document"))
    )
    known = {letter for f in fields for letter in (f.name, f"{f.name}*")}
    terms = []
    for place, entry in enumerate(_entry(found, "terms", list, "the document")):
        where = f"terms[{place}]"
        kind, letters = _entry(entry, "kind", str, where), _entry(entry, "letters", list, where)
        if kind not in KINDS:
            raise ValueError(f"{where} has the kind {kind!r}; there are {', '.join(KINDS)}.")
        for letter in letters:
            if not isinstance(letter, str):
                raise ValueError(f"{where} has the letter {letter!r}; letters are strings.")
            if letter.removeprefix("D(").removesuffix(")") not in known and letter[:1] != "F":
                raise ValueError(f"{where} has the letter {letter!r}, and no such field is listed.")
        count = _entry(entry, "count", int, where)
        own = _entry(entry, "self_conjugate", bool, where)
        terms.append(Term(kind, tuple(letters), count, own))
    return TermSet(fields, GaugeGroup(" x ".join(map(str, group))), tuple(terms))


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "spin": str(field.spin),
        "helicity": None if field.helicity is None else str(field.helicity),
        "real": field.real,
        "copies": field.copies,
        "representations": {factor: str(rep) for factor, rep in field.representations},
    }


def _read_field(entry: Any, place: int) -> Field:
    where = f"fields[{place}]"
    return Field(
        _entry(entry, "name", str, where),
        _entry(entry, "spin", str, where),
        helicity=_entry(entry, "helicity", (str, type(None)), where),
        real=_entry(entry, "real", bool, where),
        copies=_entry(entry, "copies", int, where),
        **_entry(entry, "representations", dict, where),
    )


def _entry(container: Any, key: str, kind: Any, where: str) -> Any:
    if not isinstance(container, Mapping):
        raise ValueError(f"Expected an object for {where}, got {container!r}.")
    if key not in container:
        raise ValueError(f"{where} has no {key!r}.")
    value = container[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{key!r} of {where} cannot be {value!r}.")
    return value
