"""What the page shows of a Lagrangian."""

from itertools import groupby
from typing import Any

from ..algebra import Irrep
from ..fieldtheory import Contraction, Field, Term, TermSet, anomalies, to_json, to_latex, to_text
from ..fieldtheory._latex import defining_equations
from ..fieldtheory._typeset import Summand, Typesetter
from ._vacuum import describe_potential

_TITLES = {
    "gauge": "Gauge fields",
    "theta": "Topological terms",
    "kinetic": "Kinetic terms",
    "mixing": "Kinetic mixing",
    "linear": "Linear terms",
    "mass": "Masses",
    "cubic": "Cubic couplings",
    "yukawa": "Yukawa couplings",
    "quartic": "Quartic couplings",
}
MOST_SHOWN = 300  # a page of more formulas is slow to draw and of no use to read


def describe(terms: TermSet) -> dict[str, Any]:
    """A Lagrangian as the page shows it.

    **Arguments:**

    - `terms`: the Lagrangian.

    **Returns:** JSON-safe data: formulas in MathML by kind, what each of them is, anomalies, the
    number of parameters, and the whole as LaTeX, text and JSON.
    """
    typesetter = Typesetter(terms)
    every = list(typesetter.summands())
    # Terms of the same kind may stand apart in the canonical order.
    order = list(_TITLES)
    shown = sorted(every[:MOST_SHOWN], key=lambda summand: order.index(summand.term.kind))
    kinds = []
    for kind, group in groupby(shown, key=lambda summand: summand.term.kind):
        kinds.append(
            {
                "kind": kind,
                "title": _TITLES[kind],
                "summands": [_summand(summand, terms) for summand in group],
            }
        )
    return {
        "fields": [row(field) for field in terms.fields],
        "lines": [str(field) for field in terms.fields],
        "group": str(terms.group),
        "factors": list(terms.group.factors),
        "simple": [name for name, _ in terms.group.simple],
        "kinds": kinds,
        "hidden": max(0, len(every) - MOST_SHOWN),
        "definitions": [
            _math(f"{left.mathml}<mo>=</mo>{right.mathml}")
            for left, right in defining_equations(typesetter)
        ],
        "interactions": len(terms.interactions),
        "real_parameters": terms.real_parameters,
        "anomalies": [
            {"name": name, "value": str(value), "cancels": not value}
            for name, value in anomalies(terms.fields, terms.group).items()
        ],
        "potential": describe_potential(terms),
        "text": to_text(terms),
        "latex": to_latex(terms),
        "json": to_json(terms),
    }


def row(field: Field) -> dict[str, Any]:
    """A field as a row of the page's form."""
    kind = "real" if field.real else "scalar"
    if field.fermion:
        kind = "left" if field.left_handed else "right"
    return {
        "name": field.name,
        "kind": kind,
        "representations": {factor: str(rep) for factor, rep in field.representations},
        "copies": field.copies,
    }


def _summand(summand: Summand, terms: TermSet) -> dict[str, Any]:
    term, parameter = summand.term, summand.parameter
    sign = "−" if summand.negative else "+"
    found: dict[str, Any] = {
        "math": _math(f'<mo class="sign">{sign}</mo>' + summand.formula.mathml),
        "text": str(term),
        "dimension": _dimension(term, terms),
        "ways": term.count if term.interaction else 0,
    }
    if parameter is not None:
        found |= {
            "coupling": parameter.name,
            "count": parameter.count,
            "complex": not term.self_conjugate,
            "label": parameter.label,
        }
        if parameter.contraction is not None:
            found["steps"] = _steps(term, parameter.contraction)
    return found


def _dimension(term: Term, terms: TermSet) -> str:
    if not term.interaction:
        return "4"
    halves = sum(3 if terms.field(letter).fermion else 2 for letter in term.letters)
    return str(halves // 2)


def _steps(term: Term, way: Contraction) -> list[str]:
    """How the letters are coupled, in sentences."""
    steps = []
    groups = [" ".join([letter] * power) for letter, power in term.powers]
    for name, (rep, copy), shape in zip(groups, way.coupling.powers, way.shapes, strict=True):
        if sum(shape) > 1:
            flavours = "" if len(shape) == 1 else f", flavours as the Young diagram {_young(shape)}"
            steps.append(f"{name} is brought to {_name(rep, copy)}{flavours}")
    reached = groups[0]
    for name, (rep, copy) in zip(groups[1:], way.coupling.partial, strict=False):
        steps.append(f"{reached} with {name} makes {_name(rep, copy)}")
        reached = "this"
    if len(groups) == 2:
        steps.append(f"{groups[0]} with {groups[1]} makes the singlet")
    elif len(groups) > 2:
        steps.append(f"this with {groups[-1]} makes the singlet")
    return steps


def _young(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def _name(rep: tuple[Irrep, ...], copy: int) -> str:
    names = ", ".join(str(irrep).replace("-", "−") for irrep in rep)
    return (f"({names})" if len(rep) > 1 else names) + (f", copy {copy + 1}" if copy else "")


def _math(inside: str) -> str:
    return f"<math>{inside}</math>"
