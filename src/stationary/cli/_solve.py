"""`stationary solve`."""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

from .._solution import Solution
from ._arguments import DEFAULTS, add_common, add_target, positive
from ._case import Case, load
from ._errors import UsageError, explain, happened_in
from ._exit import table
from ._settings import jax_settings

_EPILOG = f"""FILE is one of

  a Python file that defines `problem` (a statement) and `x0` (a start). `FILE:NAME` takes another
  statement of the file, with NAME_x0 (or x0) as its start, or a function NAME() that returns
  (problem, x0). The file may also define `method`, and `summary(solution)`, which returns text or
  a dict to print with the answer.

  a linear or quadratic problem in MPS or LP format (.mps, .lp, .mps.gz, .lp.gz), which needs
  `pip install 'stationary[files]'`.

exit codes:
{table()}
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "solve",
        help="solve the problem in a file, and certify the answer",
        description="Solve the problem in a file, and certify the answer.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_target(parser)
    parser.add_argument(
        "--method",
        metavar="NAME",
        help="a method by name, such as AugmentedLagrangian or 'from_optax(adam(1e-2))'",
    )
    parser.add_argument("--tol", type=positive(float), help="the scaled residual to reach")
    parser.add_argument(
        "--max-steps", type=positive(int), metavar="N", help="steps in all (default 100000)"
    )
    parser.add_argument(
        "--max-seconds", type=positive(float), metavar="S", help="seconds of stepping in all"
    )
    parser.add_argument("--seed", type=int, help="of a randomised method (default 0)")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write report.html, solution.json, solution.npz and a checkpoint there",
    )
    parser.add_argument("--resume", action="store_true", help="continue from DIR's checkpoint")
    parser.add_argument("--float32", action="store_true", help="solve in float32")
    parser.add_argument("--quiet", action="store_true", help="print one line")
    parser.add_argument(
        "--log", action="store_true", help="print the iteration log: a row per recorded step"
    )
    add_common(parser)
    parser.set_defaults(run=run, **DEFAULTS)


def run(args: argparse.Namespace) -> int:
    """Solve, say what came out, write the files."""
    from ._output import finish

    if args.resume and args.out is None:
        raise UsageError("--resume needs --out DIR, where the checkpoint is.")
    with jax_settings(float32=args.float32):
        case = load(args.target)
        if not args.quiet:
            print(f"solving {args.target}", file=sys.stderr, flush=True)
            for note in case.notes:
                print(f"note: {note}", file=sys.stderr)
        return finish(args, case, _solve(args, case))


def _solve(args: argparse.Namespace, case: Case) -> Solution:
    from ..driver import solve
    from ._method import parse_method

    method = parse_method(args.method) if args.method else case.method
    if args.out is not None:
        try:
            args.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--out {args.out}: cannot be created ({error.strerror}).") from None
    try:
        with warnings.catch_warnings():
            # Also among the notices of the solution, which are printed with it.
            warnings.filterwarnings("ignore", "x0 lay outside")
            return solve(
                case.problem,
                case.x0,
                method,
                tol=args.tol,
                max_steps=args.max_steps,
                max_seconds=args.max_seconds,
                progress=not args.quiet,
                checkpoint=None if args.out is None else args.out / "checkpoint",
                resume=args.resume,
                seed=args.seed,
            )
    except (TypeError, ValueError) as error:
        raise UsageError(explain(error, case.file)) from error
    except Exception as error:
        if happened_in(error, case.file):
            raise UsageError(explain(error, case.file)) from error
        raise
