"""Constrained nonlinear programs of CUTEst: this library against IPOPT and SciPy.

`python -m benchmarks nlp --cases FILE.csv` measures everything, writes rows as they are made (so
that `--resume` goes on where a run ended) and draws the performance profile.
`python -m benchmarks.nlp --only HS71,HS100 --methods InteriorPoint --no-peers` prints a line per
case, for whoever works on a method.
"""

import argparse
import csv
import math
import tempfile
from pathlib import Path
from typing import Any

from . import _comparison, _profile
from ._figure import Figure
from ._record import Record
from ._workers import Worker

HERE = Path(__file__).parent
CASES = HERE / "cases" / "nlp.csv"
RESULTS = HERE / "results" / "nlp.json"
PICTURE = HERE.parent / "docs" / "assets" / "nlp-profile.svg"
SECONDS = 40.0
COMPILING = 240.0
"""What compiling, judging and timing may take beyond the time limit, before a process is killed."""
PEERS = ("ipopt", "slsqp", "trust-constr")
METHODS = ("default", "InteriorPoint")
STAGES = ("cases", "first", "batch", "large")
SAMPLE = 10
"""How many cases are started in processes of their own, and how many are solved in batches."""
LARGE = {
    "torsion": ("default", "l-bfgs-b", "trust-constr"),
    "control": ("default", "trust-constr"),
}


def run(arguments: list[str] | None = None) -> list[Figure]:
    """Measure what `--stages` names, and make figures of all rows in the file of results."""
    options = parser().parse_args(arguments or [])
    cases = read_cases(options.cases)
    if options.only:
        cases = {name: cases[name] for name in options.only.split(",")}
    settings = {"cases": list(cases), "seconds": options.seconds, "tol": options.tol}
    record = Record(options.results, settings, options.resume)
    methods = options.methods.split(",")
    stages = options.stages.split(",")
    if "cases" in stages:
        on_cases(record, cases, options)
        if not options.no_warm:
            _profile.draw(record.rows("cases"), options.picture)
    if "first" in stages:
        first_answers(record, evenly(solved(cases), SAMPLE), methods[-1], options)
    if "batch" in stages:
        named = [name for name in solved(cases) if name.startswith("HS")]
        on_batches(record, evenly(named, SAMPLE), methods[-1], options)
    if "large" in stages:
        on_large(record, options)
    figures = [
        *_comparison.on_cases(record.rows("cases"), methods),
        *_comparison.first_answers(record.rows("first"), methods[-1]),
        *_comparison.on_batches(record.rows("batch")),
        *_comparison.on_large(record.rows("large")),
    ]
    shown = [
        {"name": f.name, "measured": f.measured, "target": f.target, "met": f.met, "peer": f.peer}
        for f in figures
    ]
    from .__main__ import machine

    where = machine()
    record.put(figures=shown, machine=where)
    options.results.with_suffix(".md").write_text(as_markdown(figures, where, len(cases)))
    return figures


def as_markdown(figures: list[Figure], where: dict[str, Any], cases: int) -> str:
    """What a page of the documentation shows of a run: every figure, missed targets included."""
    lines = ["| figure | measured | asked for | met | against |", "| --- | --- | --- | --- | --- |"]
    for figure in figures:
        met = {True: "yes", False: "**no**", None: ""}[figure.met]
        number = f"{figure.measured:.3g}"
        lines.append(f"| {figure.name} | {number} | {figure.target} | {met} | {figure.peer} |")
    packages = ", ".join(f"{name} {version}" for name, version in where["packages"].items())
    lines += [
        "",
        f"{cases} cases; {where['processor']}, {where['cores']} cores; {packages}; "
        f"{str(where['date'])[:10]}.",
    ]
    return "\n".join(lines) + "\n"


def on_cases(record: Record, cases: dict[str, dict[str, str]], options: argparse.Namespace) -> None:
    """Every solver on every case, each within its time limit."""
    worker, done = Worker(options.cache), 0
    for case, known in cases.items():
        for solver, peer in _solvers(options):
            task = _task("case", case, solver, peer, options)

            def make(task=task, known=known):
                row = worker.do(task, options.seconds + COMPILING)
                print(line(row, known), flush=True)
                return row

            record.row("cases", (case, solver), make)
        done += 1
        if done % 10 == 0:
            worker.close()  # a new one starts without the memory of many compilations
    worker.close()


def first_answers(
    record: Record, cases: list[str], method: str, options: argparse.Namespace
) -> None:
    """The first answer of a process, and of a second that finds its programs compiled."""
    for case in cases:
        for solver, peer in ((method, False), ("ipopt", True)):
            task = _task("first", case, solver, peer, options)
            with tempfile.TemporaryDirectory() as folder:
                for process in ("first", "second"):

                    def make(task=task, process=process, folder=folder):
                        # One after the other: the first leaves its programs to the second.
                        row = {
                            **_alone(task, folder, options.seconds + COMPILING),
                            "process": process,
                        }
                        print(
                            {k: row.get(k) for k in ("case", "solver", "process", "first")},
                            flush=True,
                        )
                        return row

                    record.row("first", (case, solver, process), make)


def on_batches(record: Record, cases: list[str], method: str, options: argparse.Namespace) -> None:
    """Many instances of a case: a batch of ours against a loop of IPOPT's."""
    for case in cases:
        task = {**_task("batch", case, method, False, options), "lanes": options.lanes}

        def make(task=task):
            row = _alone(task, options.cache, 3600.0)
            print(row, flush=True)
            return row

        record.row("batch", (case, method), make)


def on_large(record: Record, options: argparse.Namespace) -> None:
    """Problems of many unknowns, each solver in a process whose memory is its own."""
    for case, solvers in LARGE.items():
        for solver in solvers:
            task = _task("large", case, solver, solver not in METHODS, options)
            task |= {"seconds": options.large_seconds, "size": options.size}

            def make(task=task):
                row = _alone(task, None, 2 * options.large_seconds + COMPILING)
                print(row, flush=True)
                return row

            record.row("large", (case, solver), make)


def read_cases(path: Path) -> dict[str, dict[str, str]]:
    """A file of cases by name: n, m, ipopt_status, ipopt_objective, ipopt_violation."""
    with path.open(newline="") as lines:
        return {row["name"]: row for row in csv.DictReader(lines)}


def solved(cases: dict[str, dict[str, str]]) -> list[str]:
    """The names of cases of which the file says that IPOPT solves them."""
    return [name for name, known in cases.items() if known["ipopt_status"] == "0"]


def evenly(names: list[str], count: int) -> list[str]:
    """`count` of them at even distances, so that nobody picks."""
    if len(names) <= count:
        return names
    return [names[i * len(names) // count] for i in range(count)]


def line(row: dict[str, Any], known: dict[str, str]) -> str:
    """A result as one line of text."""
    if "worst" not in row:
        said = row.get("error", "").splitlines()
        return (
            f"{row['case']:<10} {row['solver']:<14} {row['status']:<12} {said[0] if said else ''}"
        )
    objective = known.get("ipopt_objective") or "nan"
    return (
        f"{row['case']:<10} {row['solver']:<14} n={row['n']:<4d} m={row['m']:<4d} "
        f"{row['status'][:16]:<16} {row['steps']:>6d} {'ok  ' if row['solved'] else 'FAIL'} "
        f"{row['verdict']:<17} {row['worst']:8.1e} {'' if row['solved'] else row['check']:<28} "
        f"f={row['objective']:.9g} (ipopt {float(objective):.9g}, {known.get('ipopt_status', '')}) "
        f"first {row['first']:.2f} s warm {1e3 * row.get('warm', math.nan):.2f} ms "
        f"run {1e3 * row.get('run', math.nan):.3f} ms"
    )


def develop(options: argparse.Namespace) -> None:
    """Print a line per case and solver, and how many were solved."""
    cases = read_cases(options.cases)
    names = options.only.split(",") if options.only else list(cases)
    record = Record(None, {}, False)
    on_cases(record, {name: cases.get(name, {}) for name in names}, options)
    for solver, rows in _comparison.by_solver(record.rows("cases")).items():
        good = sum(row["solved"] for row in rows.values())
        false = [case for case, row in rows.items() if row["claims"] and not row["solved"]]
        print(f"{solver}: {good} of {len(rows)} solved; falsely converged: {false or 'none'}")


def parser() -> argparse.ArgumentParser:
    """The options of a run, and of a look at a few cases."""
    made = argparse.ArgumentParser(prog="python -m benchmarks nlp", description=__doc__)
    made.add_argument("--cases", type=Path, default=CASES, help="a CSV file of cases")
    made.add_argument("--only", help="names, separated by commas; default every case of the file")
    made.add_argument("--methods", default=",".join(METHODS), help="names in stationary.methods")
    made.add_argument("--peers", default=",".join(PEERS), help=f"of {', '.join(PEERS)}")
    made.add_argument("--no-peers", action="store_true", help="only this library's methods")
    made.add_argument("--no-warm", action="store_true", help="solve once, without timing again")
    made.add_argument("--tol", type=float, help="for our methods; default theirs")
    made.add_argument("--seconds", type=float, default=SECONDS, help="limit for each solve")
    made.add_argument("--cache", type=Path, help="a folder to keep compiled programs in")
    made.add_argument("--stages", default=",".join(STAGES), help=f"of {', '.join(STAGES)}")
    made.add_argument("--lanes", type=int, default=1000, help="instances in a batch")
    made.add_argument("--size", type=int, default=100_000, help="unknowns of the large problems")
    made.add_argument("--large-seconds", type=float, default=300.0, help="limit for each of them")
    made.add_argument("--results", type=Path, default=RESULTS, help="the file of rows")
    made.add_argument("--picture", type=Path, default=PICTURE, help="where the profile goes")
    made.add_argument("--resume", action="store_true", help="keep the rows of that file")
    return made


def _solvers(options: argparse.Namespace) -> list[tuple[str, bool]]:
    peers = [] if options.no_peers else options.peers.split(",")
    return [(name, False) for name in options.methods.split(",")] + [(p, True) for p in peers]


def _task(
    kind: str, case: str, solver: str, peer: bool, options: argparse.Namespace
) -> dict[str, Any]:
    task = {"kind": kind, "case": case, "solver": solver, "peer": peer}
    return task | {"warm": not options.no_warm, "seconds": options.seconds, "tol": options.tol}


def _alone(task: dict[str, Any], cache: Any, limit: float) -> dict[str, Any]:
    """A task's row from a process of its own, killed after `limit` seconds."""
    worker = Worker(cache)
    row = worker.do(task, limit)
    worker.close()
    return row


if __name__ == "__main__":
    develop(parser().parse_args())
