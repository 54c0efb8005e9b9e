"""Constrained nonlinear programs of CUTEst: this library against IPOPT and SciPy.

`python -m benchmarks.nlp --only HS71,HS100 --methods InteriorPoint --no-peers` prints a line per
case, for whoever works on a method.
"""

import argparse
import csv
import math
from pathlib import Path
from typing import Any

from ._workers import Worker

CASES = Path(__file__).with_name("cases") / "nlp.csv"
SECONDS = 40.0
COMPILING = 80.0
"""What a case may take beyond its solver's time limit, before its process is killed."""
PEERS = ("ipopt", "slsqp", "trust-constr")
METHODS = ("default", "InteriorPoint")


def read_cases(path: Path) -> dict[str, dict[str, str]]:
    """A file of cases by name: n, m, ipopt_status, ipopt_objective, ipopt_violation."""
    with path.open(newline="") as lines:
        return {row["name"]: row for row in csv.DictReader(lines)}


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
        f"{row['status']:<12} {row['steps']:>6d} {'ok  ' if row['solved'] else 'FAIL'} "
        f"{row['verdict']:<17} {row['worst']:8.1e} {'' if row['solved'] else row['check']:<28}"
        f"f={row['objective']:.9g} (ipopt {float(objective):.9g}, {known.get('ipopt_status', '')}) "
        f"first {row['first']:.2f} s warm {1e3 * row.get('warm', math.nan):.2f} ms "
        f"run {1e3 * row.get('run', math.nan):.3f} ms"
    )


def develop(options: argparse.Namespace) -> None:
    """Print a line per case and solver as they are done."""
    cases = read_cases(options.cases)
    names = options.only.split(",") if options.only else list(cases)
    solvers = [(name, False) for name in options.methods.split(",")]
    if not options.no_peers:
        solvers += [(name, True) for name in options.peers.split(",")]
    worker, solved = Worker(options.cache), dict.fromkeys((name for name, _ in solvers), 0)
    for case in names:
        for solver, peer in solvers:
            task = {"case": case, "solver": solver, "peer": peer, "warm": not options.no_warm}
            task |= {"seconds": options.seconds, "tol": options.tol}
            row = worker.do(task, options.seconds + COMPILING)
            solved[solver] += row["solved"]
            print(line(row, cases.get(case, {})), flush=True)
    worker.close()
    print(
        ", ".join(f"{solver}: {count} of {len(names)} solved" for solver, count in solved.items())
    )


def parser() -> argparse.ArgumentParser:
    """Options for a look at a few cases."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.nlp", description=__doc__)
    made.add_argument("--cases", type=Path, default=CASES, help="a CSV file of cases")
    made.add_argument("--only", help="names, separated by commas; default every case of the file")
    made.add_argument("--methods", default=",".join(METHODS), help="names in stationary.methods")
    made.add_argument("--peers", default=",".join(PEERS), help=f"of {', '.join(PEERS)}")
    made.add_argument("--no-peers", action="store_true", help="only this library's methods")
    made.add_argument("--no-warm", action="store_true", help="solve once, without timing again")
    made.add_argument("--tol", type=float, help="for our methods; default theirs")
    made.add_argument("--seconds", type=float, default=SECONDS, help="limit for each solve")
    made.add_argument("--cache", type=Path, help="a folder to keep compiled programs in")
    return made


if __name__ == "__main__":
    develop(parser().parse_args())
