"""`stationary lagrangian`."""

import argparse
import dataclasses
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._arguments import add_common
from ._errors import UsageError
from ._exit import Exit
from ._settings import jax_settings

if TYPE_CHECKING:
    from ..fieldtheory import Field, TermSet, Vacuum

_FIELDS = (
    "fields such as 'H: scalar su2=2 y=1/2; Q: fermion left su3=3 su2=2 y=1/6'; the name of a file "
    "of them, or - to read them from stdin"
)


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "lagrangian",
        help="every renormalisable term that a list of fields allows",
        description=(
            "Every gauge- and Lorentz-invariant term up to mass dimension four that a list of "
            "fields allows, in how many independent ways each can be contracted, and the number of "
            "real parameters. Exact, by group theory."
        ),
    )
    parser.add_argument("fields", nargs="*", metavar="FIELDS", help=_FIELDS)
    parser.add_argument(
        "--model", metavar="NAME", help="a model with a name, to which FIELDS are added"
    )
    parser.add_argument(
        "--generations", type=int, metavar="N", help="flavours of the model's fermions; default 1"
    )
    parser.add_argument("--list-models", action="store_true", help="the models that have names")
    parser.add_argument(
        "--group",
        metavar="GROUP",
        default="su3 x su2 x u1",
        help="such as 'su3 x su2_l x su2_r x u1_bl'; default su3 x su2 x u1",
    )
    parser.add_argument(
        "--format",
        choices=("table", "text", "latex", "json"),
        default="table",
        help="table (default); text: one contraction in each line; latex; json, as --json",
    )
    parser.add_argument(
        "--kinetic-mixing",
        action="store_true",
        help="with kinetic terms between fields alike, which a redefinition removes",
    )
    parser.add_argument("--theta", action="store_true", help="with topological terms")
    parser.add_argument("--anomalies", action="store_true", help="print all anomaly coefficients")
    parser.add_argument(
        "--grade",
        metavar="TERMS",
        help=(
            "compare terms such as 'H H* + (H H*)^2', or a file of them, with the exact ones; "
            "without derivatives in it, with the interactions only; exit code 1 when they differ"
        ),
    )
    parser.add_argument(
        "--vacuum",
        metavar="COUPLINGS",
        help=(
            "find the vacuum of the scalar potential for couplings such as 'm2=-1 lambda=0.13', "
            "by the names in the table, those left out being zero"
        ),
    )
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the Lagrangian."""
    style = "json" if args.json else args.format
    if args.list_models:
        return _models(style == "json")
    from ..fieldtheory import to_json, to_latex, to_text

    terms = _terms(args)
    if args.grade is not None:
        return _grade(args.grade, terms, style == "json")
    if args.vacuum is not None:
        return _vacuum(args.vacuum, terms, style == "json")
    if style == "table":
        print(_table(terms, args.anomalies))
    else:
        print({"text": to_text, "latex": to_latex, "json": to_json}[style](terms))
    return Exit.OK


def _models(as_json: bool) -> int:
    from ..fieldtheory import EXTENSIONS, model

    added = {"Standard Model": "; ".join(map(str, model()))} | dict(EXTENSIONS)
    if as_json:
        from ._saved import dumps

        print(dumps(added), end="")
        return Exit.OK
    width = max(map(len, added))
    for name, fields in added.items():
        print(f"{name:<{width}}  {fields if name == 'Standard Model' else f'+ {fields}'}")
    return Exit.OK


def _grade(given: str, terms: "TermSet", as_json: bool) -> int:
    from ..fieldtheory import grade

    text = _read(given) if given == "-" or os.path.isfile(given) else given
    only = not re.search(r"[DF]~?\(", text)
    try:
        result = grade(text, terms, interactions_only=only)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if as_json:
        from ._saved import dumps

        print(dumps({**dataclasses.asdict(result), "exact": result.exact}), end="")
    else:
        print(result)
    return Exit.OK if result.exact else Exit.NOT_CERTIFIED


def _vacuum(given: str, terms: "TermSet", as_json: bool) -> int:
    from ..fieldtheory import bounded_below, find_vacuum
    from ..fieldtheory._parameters import by_term

    with jax_settings():
        try:
            couplings = by_term(terms, _numbers(given))
            potential = terms.potential()
            bounded = bounded_below(potential, couplings)
            fallen = bounded.verdict == "unbounded"
            vacuum = None if fallen else find_vacuum(potential, couplings)
        except ValueError as error:
            raise UsageError(str(error)) from None
        if as_json:
            from ._saved import dumps

            about = {} if vacuum is None else _about(vacuum)
            print(dumps({"bounded": bounded.verdict, "reason": bounded.reason, **about}), end="")
        else:
            print(bounded if vacuum is None else f"{vacuum}\n{bounded}")
    return Exit.NO_ANSWER if fallen else Exit.OK


def _about(vacuum: "Vacuum") -> dict[str, Any]:
    """A vacuum as JSON-safe data."""
    return {
        "energy": vacuum.energy,
        "fields": {name: [str(x) for x in value] for name, value in vacuum.values.items()},
        "physical_masses_squared": vacuum.physical_masses_squared.tolist(),
        "broken": vacuum.broken,
        "unbroken": vacuum.unbroken,
        "others": [{"energy": other.energy, "lowest": other.lowest} for other in vacuum.others],
    }


def _numbers(given: str) -> dict[str, complex]:
    found: dict[str, complex] = {}
    for word in re.sub(r"\s*=\s*", "=", given.replace(",", " ")).split():
        name, _, value = word.partition("=")
        try:
            number = complex(value)
        except ValueError:
            raise UsageError(
                f"{word!r} is no coupling: write 'm2=-1 lambda=0.13', complex ones as 0.1+0.2j."
            ) from None
        if name in found:
            raise UsageError(f"{name} is given twice.")
        found[name] = number if number.imag else number.real
    return found


def _terms(args: argparse.Namespace) -> "TermSet":
    from ..fieldtheory import lagrangian_terms

    try:
        return lagrangian_terms(
            _fields(args), args.group, kinetic_mixing=args.kinetic_mixing, theta=args.theta
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _fields(args: argparse.Namespace) -> "tuple[Field, ...]":
    from ..fieldtheory import model, parse_fields

    found: tuple[Field, ...] = ()
    if args.model is None and args.generations is not None:
        raise UsageError("--generations belongs to --model; write copies=N behind a field.")
    if args.model is not None:
        generations = 1 if args.generations is None else args.generations
        if generations < 1:
            raise UsageError(f"--generations must be 1 or more, got {generations}.")
        found = model(args.model, generations=generations)
    if args.fields:
        found += parse_fields("\n".join(map(_read, args.fields)))
    if not found:
        raise UsageError(
            "There are no fields: give them as 'H: scalar su2=2 y=1/2', or a --model by name "
            "(--list-models)."
        )
    return found


def _read(given: str) -> str:
    """What is given, or what is in the file that it names."""
    if given == "-":
        return sys.stdin.read()
    if ":" in given and not os.path.isfile(given):
        return given
    try:
        return Path(given).read_text(encoding="utf-8")
    except OSError:
        raise UsageError(
            f"{given!r} is no file that can be read, and no field either: a field has a colon "
            "after its name, as in 'H: scalar su2=2 y=1/2'."
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{given}: this is no text in UTF-8.") from None


def _table(terms: "TermSet", with_anomalies: bool) -> str:
    from ..fieldtheory import anomalies, parameters

    lines = [f"gauge group  {terms.group}", *(f"field        {field}" for field in terms.fields)]
    head = ("kind", "term", "contraction", "coupling", "how many")
    rows: list[tuple[str, ...]] = [head]
    couplings: dict[Any, list[Any]] = {}
    for parameter in parameters(terms):
        couplings.setdefault(parameter.term, []).append(parameter)
    before = ""
    for term in terms:
        kind = term.kind if term.kind != before else ""
        before = term.kind
        for place, way in enumerate(couplings.get(term, [None])):
            cells = (kind, str(term)) if place == 0 else ("", "")
            if way is None:
                rows.append((*cells, "", "", ""))
                continue
            number = "real" if term.self_conjugate else "complex"
            label = f"[{way.label}]" if way.label else ""
            rows.append((*cells, label, way.name, f"{way.count} {number}"))
    lines += ["", *_aligned(rows), ""]
    shown = len(terms.interactions)
    lines.append(
        f"{shown} interaction{'s' * (shown != 1)}, {terms.real_parameters} real "
        f"parameter{'s' * (terms.real_parameters != 1)}"
    )
    found = anomalies(terms.fields, terms.group)
    if with_anomalies:
        table: list[tuple[str, ...]] = [(name, str(value)) for name, value in found.items()]
        lines += ["", *_aligned(table), ""]
    broken = [f"{name} = {value}" for name, value in found.items() if value]
    lines.append(f"anomalies: {', '.join(broken)}" if broken else "anomalies cancel")
    return "\n".join(lines)


def _aligned(rows: "list[tuple[str, ...]]") -> list[str]:
    """Rows of a table, its first the heading, without columns that are empty."""
    kept = [i for i in range(len(rows[0])) if any(row[i] for row in rows[1:])]
    widths = {i: max(len(row[i]) for row in rows) for i in kept}
    return ["  ".join(f"{row[i]:<{widths[i]}}" for i in kept).rstrip() for row in rows]
