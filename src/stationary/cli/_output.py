"""What `stationary solve` prints and writes when it is done."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from .._solution import Solution
from .._status import Status
from . import _saved
from ._arguments import DEFAULTS
from ._case import Case
from ._errors import explain
from ._exit import Exit, certificate_of, exit_of


def finish(args: argparse.Namespace, case: Case, solution: Solution) -> Exit:
    """Write the files, print the answer, and say how it went."""
    code, summary = exit_of(solution), _summary(case, solution)
    files: list[Path] = []
    document: dict[str, Any] = {}
    if args.json or args.out is not None:
        said = {name or "text": str(value) for name, value in summary.items()}
        document = {**_saved.as_document(solution), "summary": said, "exit_code": int(code)}
        if args.log:
            document["log"] = _saved.log_columns(solution)
    if args.out is not None:
        from ..report import report

        files = [args.out / "checkpoint", *_saved.write(solution, args.out, document)]
        files.append(report(solution, args.out / "report.html"))
    if args.json:
        print(_saved.dumps({**document, "files": [str(file) for file in files]}), end="")
        return code
    if args.log:
        from ..report import as_log

        print(as_log(solution), end="\n\n")
    if args.quiet:
        print(_one_line(solution))
    else:
        print(_in_full(solution, summary))
        if code is Exit.LIMIT:
            print(f"\n{_how_to_continue(args, solution)}")
        if code is Exit.FAILED and solution.status in (Status.INFEASIBLE, Status.UNBOUNDED):
            print(f"\n{_UNPROVED}")
        for line in ("", *files) if files else ():
            print(line)  # the report last, where it is found at once
    return code


_UNPROVED = (
    "The method gave up, but the certificate has no proof that there is no answer: try another\n"
    "start, or another --method (stationary methods)."
)


def _in_full(solution: Solution, summary: dict[str, Any]) -> str:
    parts = [str(solution)]
    if (certificate := certificate_of(solution)) is not None:
        parts.append(str(certificate))
    if summary:
        parts.append("\n".join(f"{n}: {v}" if n else str(v) for n, v in summary.items()))
    return "\n\n".join(parts)


def _one_line(solution: Solution) -> str:
    certificate = certificate_of(solution)
    verdict = "not certified" if certificate is None else certificate.verdict.word
    return f"{solution.status.word}, {verdict}: objective {solution.objective:.10g}"


def _how_to_continue(args: argparse.Namespace, solution: Solution) -> str:
    if args.out is None:
        return "Nothing was saved; with --out DIR a solve can be continued by --resume."
    limits = {}
    if solution.status is Status.MAX_STEPS:
        limits["max_steps"] = 10 * args.max_steps
    if solution.status is Status.MAX_SECONDS:
        limits["max_seconds"] = 10 * args.max_seconds
    return f"Continue with: {_command(args, resume=True, **limits)}"


def _command(args: argparse.Namespace, **changes: Any) -> str:
    """The command that `args` came from, with some of its options changed."""
    words = ["stationary", "solve", args.target]
    chosen = {**vars(args), **changes}
    for option in ("method", "tol", "max_steps", "max_seconds", "seed", "out", "resume", "float32"):
        value, flag = chosen[option], f"--{option.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif value not in (None, False) and (option in changes or value != DEFAULTS.get(option)):
            words += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join(words)


def _summary(case: Case, solution: Solution) -> dict[str, Any]:
    """What the file says about the answer; a mistake in it must not lose the answer."""
    if case.summary is None:
        return {}
    try:
        said = case.summary(solution)
    except Exception as error:
        return {"summary failed": explain(error, case.file)}
    return dict(said) if isinstance(said, dict) else {"": str(said)}
