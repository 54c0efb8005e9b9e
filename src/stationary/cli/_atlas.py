"""`stationary atlas`."""

import argparse
import sys
import webbrowser
from pathlib import Path
from typing import Any

from ._arguments import add_common
from ._errors import UsageError
from ._exit import Exit
from ._settings import jax_settings


def add(commands: Any) -> None:
    """Declare the command and its four parts."""
    top = commands.add_parser(
        "atlas",
        help="papers whose claims are measured again",
        description="Papers whose claims are measured again, and whether they hold.",
    )
    parts = top.add_subparsers(metavar="list | show | run | report", required=True)

    parser = parts.add_parser("list", help="every paper, and what became of its claims")
    add_common(parser)
    parser.set_defaults(run=_list)

    parser = parts.add_parser("show", help="a paper's claims and its result of record")
    parser.add_argument("number", type=int)
    add_common(parser)
    parser.set_defaults(run=_show)

    parser = parts.add_parser("run", help="measure a paper's claims now")
    parser.add_argument("number", type=int)
    parser.add_argument("--scale", default="smoke", help="smoke (default), laptop or full")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write the result and figures there"
    )
    add_common(parser)
    parser.set_defaults(run=_run)

    parser = parts.add_parser("report", help="the whole atlas as a static site")
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("report/atlas"))
    parser.add_argument("--open", action="store_true", help="open it in a browser")
    add_common(parser)
    parser.set_defaults(run=_report)


def _list(args: argparse.Namespace) -> int:
    from ..atlas import papers, recorded

    listed = []
    for paper in papers():
        record = recorded(paper)
        verdicts = [] if record is None else [str(v) for v in record.verdicts.values()]
        listed.append(
            {
                "number": paper.number,
                "title": paper.title,
                "theme": paper.theme,
                "claims": len(paper.claims),
                "hold": verdicts.count("holds"),
                "not reproduced": verdicts.count("not reproduced"),
                "scales": list(paper.scales),
                "recorded": record is not None,
            }
        )
    if args.json:
        return _json(listed)
    for row in listed:
        found = f"{row['hold']} of {row['claims']} claims hold" if row["recorded"] else "no record"
        print(f"{row['number']:03d}  {row['title']}\n     {row['theme']}; {found}")
    return Exit.OK


def _show(args: argparse.Namespace) -> int:
    from ..atlas import recorded

    paper = _paper(args.number)
    record = recorded(paper)
    if args.json:
        return _json(_claims(paper, record))
    if record is not None:
        print(f"{paper.summary}\n\n{record}")
        return Exit.OK
    print(f"{paper.number:03d} {paper.title}\n\n{paper.summary}\n")
    for claim in paper.claims:
        print(f"{claim.id}: {claim.statement}\n    holds when {claim.rule.describe()}")
    print(f"\nNo record yet: stationary atlas run {paper.number} --scale laptop")
    return Exit.OK


def _run(args: argparse.Namespace) -> int:
    from ..atlas import run, save

    paper = _paper(args.number)
    with jax_settings():
        try:
            result = run(
                args.number,
                scale=args.scale,
                seed=args.seed,
                observe=lambda words: print(words, file=sys.stderr, flush=True),
            )
        except ValueError as error:
            raise UsageError(str(error)) from error
    saved = None if args.out is None else save(result, args.out)
    if args.json:
        _json(_claims(paper, result))
    else:
        print(result)
        if saved is not None:
            print(saved)
    failed = any(str(verdict) == "not reproduced" for verdict in result.verdicts.values())
    return Exit.NOT_CERTIFIED if failed else Exit.OK


def _report(args: argparse.Namespace) -> int:
    from ..atlas import site

    index = Path(site(args.out))
    if index.is_dir():
        index = index / "index.html"
    if args.open:
        webbrowser.open(index.resolve().as_uri())
    if args.json:
        return _json({"index": str(index)})
    print(index)
    return Exit.OK


def _paper(number: int) -> Any:
    from ..atlas import paper

    try:
        return paper(number)
    except ValueError as error:
        raise UsageError(f"{error} See `stationary atlas list`.") from None


def _claims(paper: Any, result: Any) -> dict[str, Any]:
    """A paper's claims with what was measured, as JSON-safe data."""
    claims = []
    for claim in paper.claims:
        measured = None if result is None else result.measured.get(claim.id)
        claims.append(
            {
                "id": claim.id,
                "statement": claim.statement,
                "measure": claim.measure,
                "holds_when": claim.rule.describe(),
                "source": claim.source,
                "measured": None if measured is None else str(measured),
                "verdict": None if result is None else str(result.verdicts[claim.id]),
                "not_reproduced": claim.not_reproduced or None,
            }
        )
    return {
        "number": paper.number,
        "title": paper.title,
        "arxiv": paper.arxiv,
        "theme": paper.theme,
        "summary": paper.summary,
        "scales": list(paper.scales),
        "scale": None if result is None else result.scale,
        "seed": None if result is None else result.seed,
        "claims": claims,
    }


def _json(document: Any) -> int:
    from ._saved import dumps

    print(dumps(document), end="")
    return Exit.OK
