"""Figures of the comparison on constrained nonlinear programs, from the rows of a run."""

import math
import statistics
from typing import Any

from ._figure import Figure

Rows = dict[str, dict[str, Any]]
"""Of one solver, by case."""

IPOPT = "cyipopt, the same derivatives"


def by_solver(rows: list[dict[str, Any]]) -> dict[str, Rows]:
    """Rows by solver and case."""
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(row["solver"], {})[row["case"]] = row
    return found


def on_cases(rows: list[dict[str, Any]], methods: list[str]) -> list[Figure]:
    """How many cases are solved, how truthfully, how well, and how fast once warm."""
    found, figures = by_solver(rows), []
    for name, own in found.items():
        ours = name in methods
        if ours and "ipopt" in found:
            figures += _against(name, own, found["ipopt"])
        solved = [case for case, row in own.items() if row["solved"]]
        detail: dict[str, Any] = {"cases": len(own), "solved": len(solved)}
        detail["not solved"] = {c: row["status"] for c, row in own.items() if not row["solved"]}
        figures.append(Figure(f"{name}: cases solved", len(solved), "none: a count", detail=detail))
        false = {
            case: {"residual": row.get("worst"), "check": row.get("check")}
            for case, row in own.items()
            if row["claims"] and not row["solved"]
        }
        target = 0 if ours else None
        detail = {"cases": false}
        figures.append(
            Figure(f"{name}: false convergences", len(false), "none", target, None, detail)
        )
    return figures


def _against(name: str, own: Rows, ipopt: Rows) -> list[Figure]:
    theirs = [case for case, row in ipopt.items() if row["solved"] and case in own]
    common = [case for case in theirs if own[case]["solved"]]
    if not common:
        return []
    lost = [case for case in theirs if not own[case]["solved"]]
    gained = [c for c in own if own[c]["solved"] and c in ipopt and not ipopt[c]["solved"]]
    worse = {case: [own[case]["objective"], ipopt[case]["objective"]] for case in common}
    worse = {case: pair for case, pair in worse.items() if not _as_good(*pair)}
    detail = {"IPOPT's": len(theirs), "lost": lost, "gained": gained}
    figures = [
        Figure(
            f"{name}: share solved of what IPOPT solves",
            len(common) / len(theirs),
            IPOPT,
            None,
            0.97,
            detail,
        ),
        Figure(
            f"{name}: objective not worse, share",
            1 - len(worse) / len(common),
            IPOPT,
            None,
            0.95,
            {"worse": worse},
        ),
    ]
    for what, key in (("solve() again", "warm"), ("run() in jit", "run")):
        timed = [c for c in common if key in own[c] and (key == "warm" or own[c]["run solved"])]
        if timed:
            pairs = {case: (own[case][key], ipopt[case]["warm"]) for case in timed}
            figures.append(_ratio(f"{name}: {what}, time ratio", pairs, IPOPT, 0.1))
    return figures


def first_answers(rows: list[dict[str, Any]], method: str) -> list[Figure]:
    """Time to a first answer: in a new process, and in one that finds compiled programs on disk."""
    found = {(row["solver"], row["process"], row["case"]): row for row in rows}

    def pairs(ours: str, theirs: str) -> dict[str, tuple[float, float]]:
        made = {}
        for solver, process, case in found:
            own, other = found[method, ours, case], found.get(("ipopt", theirs, case), {})
            if (solver, process) == (method, ours) and own.get("claims") and other.get("claims"):
                made[case] = own["first"], other["first"]
        return made

    figures = []
    for what, ours, theirs, target in (
        ("a first process", "first", "first", 1.5),
        ("a second process", "second", "first", 0.5),
        ("a second process, both from the cache", "second", "second", 0.5),
    ):
        timed = pairs(ours, theirs) if found else {}
        if timed:
            name = f"{method}: first answer in {what}, time ratio"
            figures.append(_ratio(name, timed, IPOPT, target))
    return figures


def on_batches(rows: list[dict[str, Any]]) -> list[Figure]:
    """Throughput in solved instances a second, over a loop of IPOPT's."""
    rows = [row for row in rows if row.get("ratio")]
    if not rows:
        return []
    ratios = {row["case"]: row["ratio"] for row in rows}
    name = f"{rows[0]['lanes']} instances, throughput ratio"
    peer = "a loop over cyipopt, compiled derivatives"
    detail = {row["case"]: {k: v for k, v in row.items() if k != "case"} for row in rows}
    return [
        Figure(f"{name}, median", statistics.median(ratios.values()), peer, None, 150, detail),
        Figure(f"{name}, least", min(ratios.values()), peer, None, 150, ratios),
    ]


def on_large(rows: list[dict[str, Any]]) -> list[Figure]:
    """Residuals, seconds and memory at many unknowns."""
    figures = []
    for row in rows:
        who = f"{row['case']}, {row['solver']}"
        if "worst" not in row:
            figures.append(Figure(f"{who}: residual", math.nan, row["status"], detail=row))
            continue
        target = 1e-6 if row["ours"] else None
        peer = f"n = {row['n']:,}, m = {row['m']:,}"
        figures.append(Figure(f"{who}: scaled residual", row["worst"], peer, target, None, row))
        figures.append(Figure(f"{who}: seconds", row["first"], peer))
        figures.append(Figure(f"{who}: memory, MB", row["megabytes"], peer))
    return figures


def _as_good(ours: float, theirs: float) -> bool:
    return ours <= theirs + 1e-6 * max(1.0, abs(theirs))


def _ratio(name: str, pairs: dict[str, tuple[float, float]], peer: str, target: float) -> Figure:
    """The median over cases of ours over theirs, with the cases behind it."""
    ratios = {case: a / b for case, (a, b) in pairs.items()}
    ours, theirs = zip(*pairs.values(), strict=True)
    detail = {
        "cases": len(pairs),
        "our median, s": statistics.median(ours),
        "their median, s": statistics.median(theirs),
        "ratios": {case: round(ratio, 4) for case, ratio in ratios.items()},
    }
    return Figure(name, statistics.median(ratios.values()), peer, target, None, detail)
