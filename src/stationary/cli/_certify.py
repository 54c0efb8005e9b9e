"""`stationary certify`."""

import argparse
from pathlib import Path
from typing import Any

from . import _saved
from ._arguments import add_common, add_target, positive
from ._case import load
from ._errors import UsageError, explain
from ._exit import Exit, has_no_answer
from ._settings import jax_settings


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "certify",
        help="check an answer against its problem, whoever computed it",
        description=(
            "Check an answer against its problem, in float64 and from the problem alone. Without "
            "multipliers in the file they are estimated. Exit code 0 when the certificate passes."
        ),
    )
    add_target(parser)
    parser.add_argument(
        "solution",
        type=Path,
        metavar="SOLUTION",
        help='solution.json or solution.npz; or JSON of your own: {"value": ..., "duals": ...}',
    )
    parser.add_argument("--tol", type=positive(float), default=1e-6, help="default 1e-6")
    parser.add_argument(
        "--first-order", action="store_true", help="leave out the curvature (second-order) check"
    )
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Certify, and print the certificate."""
    from ..certify import certify

    with jax_settings():
        case = load(args.target)
        saved = _saved.read(args.solution, case.x0)
        try:
            certificate = certify(
                case.problem,
                saved.primal,
                duals=saved.duals,
                tol=args.tol,
                second_order=False if args.first_order else "auto",
            )
        except (TypeError, ValueError) as error:
            raise UsageError(explain(error, case.file)) from error
    if args.json:
        print(_saved.dumps(certificate.to_dict()), end="")
    else:
        print(certificate)
    if has_no_answer(certificate):
        return Exit.NO_ANSWER
    return Exit.OK if certificate.passed else Exit.NOT_CERTIFIED
