"""`stationary methods`."""

import argparse
import inspect
import textwrap
from typing import Any

from ._arguments import add_common
from ._exit import Exit


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "methods",
        help="the methods there are, and what each needs",
        description="The methods there are, and what each needs of a problem.",
    )
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List the public methods."""
    listed = describe_methods()
    if args.json:
        from ._saved import dumps

        print(dumps(listed), end="")
        return Exit.OK
    for method in listed:
        print(f"{method['name']}{method['signature']}")
        print(textwrap.fill(method["summary"], 96, initial_indent="    ", subsequent_indent="    "))
        constraints = "yes" if method["constraints"] else "no"
        print(f"    constraints: {constraints}   needs: {', '.join(method['needs'])}\n")
    print("Use one by name: stationary solve FILE --method 'NAME(argument=value)'")
    return Exit.OK


def describe_methods() -> list[dict[str, Any]]:
    """What each public method is and needs, as JSON-safe data."""
    from ._method import public_methods

    listed = []
    for name, value in public_methods().items():
        kind: Any = value if inspect.isclass(value) else inspect.get_annotations(value)["return"]
        listed.append(
            {
                "name": name,
                "signature": _signature(value),
                "summary": kind.summary if kind is value else _first_sentence(value),
                "constraints": kind.handles_constraints,
                "needs": sorted(oracle.value for oracle in kind.needs),
            }
        )
    return listed


def _signature(value: Any) -> str:
    """Names and literal defaults, as one would type them."""
    parts = []
    for name, parameter in inspect.signature(value).parameters.items():
        literal = isinstance(parameter.default, bool | int | float | str | type(None))
        parts.append(f"{name}={parameter.default!r}" if literal else name)
    return f"({', '.join(parts)})"


def _first_sentence(value: Any) -> str:
    return " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
