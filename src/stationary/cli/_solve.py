"""`stationary solve`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from .._solution import Solution
from .._status import Status
from ._arguments import add_common, add_target, positive
from ._case import Case, load
from ._errors import UsageError, explain, happened_in
from ._exit import Exit, certificate_of, exit_of, table
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
    parser.add_argument("--max-steps", type=positive(int), default=100_000, metavar="N")
    parser.add_argument("--max-seconds", type=positive(float), metavar="S")
    parser.add_argument("--seed", type=int, default=0, help="of a randomised method (default 0)")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write report.html, solution.json, solution.npz and a checkpoint there",
    )
    parser.add_argument("--resume", action="store_true", help="continue from DIR's checkpoint")
    parser.add_argument("--float32", action="store_true", help="solve in float32")
    parser.add_argument("--quiet", action="store_true", help="print one line")
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Solve, say what came out, write the files."""
    if args.resume and args.out is None:
        raise UsageError("--resume needs --out DIR, where the checkpoint is.")
    with jax_settings(float32=args.float32):
        case = load(args.target)
        _say_before(args, case)
        solution = _solve(args, case)
        return _finish(args, case, solution)


def _say_before(args: argparse.Namespace, case: Case) -> None:
    if not args.quiet:
        for note in case.notes:
            print(f"note: {note}", file=sys.stderr)


def _solve(args: argparse.Namespace, case: Case) -> Solution:
    import warnings

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


def _finish(args: argparse.Namespace, case: Case, solution: Solution) -> int:
    from . import _saved

    code = exit_of(solution)
    document = files = None
    if args.json or args.out is not None:
        document = _saved.as_document(solution)
        summary = _summary(case, solution)
        if summary:
            document["summary"] = {name: str(value) for name, value in summary.items()}
        document["exit_code"] = int(code)
    if args.out is not None:
        from ..report import report

        assert document is not None
        files = [*_saved.write(solution, args.out, document), args.out / "checkpoint"]
        files.append(report(solution, args.out / "report.html"))
    if args.json:
        assert document is not None
        document["files"] = [str(file) for file in files or ()]
        print(_saved.dumps(document), end="")
    elif args.quiet:
        print(_one_line(solution))
    else:
        _print(args, case, solution, code, files)
    return code


def _one_line(solution: Solution) -> str:
    certificate = certificate_of(solution)
    verdict = "not certified" if certificate is None else certificate.verdict.word
    return f"{solution.status.word}, {verdict}: objective {solution.objective:.10g}"


def _print(
    args: argparse.Namespace, case: Case, solution: Solution, code: Exit, files: Any
) -> None:
    print(solution)
    if (certificate := certificate_of(solution)) is not None:
        print(f"\n{certificate}")
    if summary := _summary(case, solution):
        print()
        for name, value in summary.items():
            print(f"{name}: {value}" if name else value)
    if code is Exit.LIMIT:
        print(f"\n{_how_to_resume(args, solution)}")
    if files:
        print()
        for file in files:
            print(file)


def _how_to_resume(args: argparse.Namespace, solution: Solution) -> str:
    if args.out is None:
        return "Nothing was saved; give --out DIR to be able to continue a solve with --resume."
    extra = ""
    if solution.status is Status.MAX_STEPS:
        extra = f" --max-steps {10 * args.max_steps}"
    if solution.status is Status.MAX_SECONDS:
        extra = f" --max-seconds {10 * args.max_seconds:g}"
    return f"Continue with: stationary solve {args.target} --out {args.out} --resume{extra}"


def _summary(case: Case, solution: Solution) -> dict[str, Any]:
    """What the file says about the answer; a mistake in it must not lose the answer."""
    if case.summary is None:
        return {}
    try:
        said = case.summary(solution)
    except Exception as error:
        return {"summary": f"failed: {explain(error, case.file)}"}
    return dict(said) if isinstance(said, dict) else {"": str(said)}
