"""`stationary report`."""

import argparse
from pathlib import Path
from typing import Any

from . import _saved
from ._arguments import add_common, add_target
from ._case import load
from ._exit import Exit
from ._settings import jax_settings


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "report",
        help="draw the report of a saved solve anew",
        description="Draw the report of a saved solve anew, with a fresh certificate.",
    )
    add_target(parser)
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="what `solve --out DIR` wrote: its json and npz"
    )
    parser.add_argument(
        "--out", type=Path, metavar="HTML", help="the file to write; default DIR/report.html"
    )
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the report, and print its path."""
    from ..report import report

    with jax_settings():
        case = load(args.target)
        solution = _saved.read_solution(args.folder, case.problem, case.x0)
        path = report(solution, args.out or args.folder / "report.html")
    print(_saved.dumps({"report": str(path)}) if args.json else path)
    return Exit.OK
