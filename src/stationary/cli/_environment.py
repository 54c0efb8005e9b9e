"""`stationary env`."""

import argparse
from typing import Any

from ._arguments import add_common
from ._exit import Exit
from ._settings import cache_folder, jax_settings


def add(commands: Any) -> None:
    """Declare the command, under both names that people try."""
    parser = commands.add_parser(
        "env",
        aliases=["version"],
        help="versions, device and precision, for a bug report",
        description="Versions, device and precision, for a bug report.",
    )
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the environment."""
    from ..report import environment

    with jax_settings():
        found = dict(environment())
    found["compiled programs"] = "not kept" if cache_folder() is None else "kept"
    if args.json:
        from ._saved import dumps

        print(dumps(found), end="")
        return Exit.OK
    for name, value in _lines(found):
        print(f"{name:<20} {value}")
    return Exit.OK


def _lines(found: dict[str, Any]) -> list[tuple[str, Any]]:
    """One line per entry; a nested table of versions is spread out."""
    lines = []
    for name, value in found.items():
        lines += list(value.items()) if isinstance(value, dict) else [(name, value)]
    return lines
