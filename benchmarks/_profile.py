"""A performance profile (Dolan and Moré, 2002): which share of cases a solver does how fast."""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

# Ours in strong colours, others muted; all apart from one another in grey too.
_STYLES = {
    "InteriorPoint, compiled": ("#b2182b", "-", 2.2),
    "InteriorPoint": ("#b2182b", "--", 1.6),
    "default": ("#ef8a62", ":", 1.8),
    "ipopt": ("#2166ac", "-", 1.8),
    "slsqp": ("#4d4d4d", "--", 1.3),
    "trust-constr": ("#878787", "-.", 1.3),
}
_NAMES = {
    "InteriorPoint, compiled": "stationary, inside jit",
    "InteriorPoint": "stationary, solve()",
    "default": "stationary, solve() by default",
    "ipopt": "IPOPT (cyipopt)",
    "slsqp": "SciPy SLSQP",
    "trust-constr": "SciPy trust-constr",
}


def times(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Warm seconds by solver and case, infinite where the case was not solved."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        solver, case = row["solver"], row["case"]
        took = row["warm"] if row["solved"] else math.inf
        found.setdefault(solver, {})[case] = took
        if not solver.islower():  # one of our methods by name: also without a host around it
            took = row["run"] if row.get("run solved") else math.inf
            found.setdefault(f"{solver}, compiled", {})[case] = took
    return found


def profile(seconds: dict[str, dict[str, float]]) -> dict[str, tuple[np.ndarray, float]]:
    """Per solver, log2 of its time over the best of all, sorted, of the cases it solves.

    **Arguments:**

    - `seconds`: by solver and case, infinite for a failure.

    **Returns:** those numbers, and what each adds to the share of cases. A case counts when any
    solver solves it.
    """
    cases = sorted({case for own in seconds.values() for case in own})
    best = {case: min(own.get(case, math.inf) for own in seconds.values()) for case in cases}
    counted = [case for case in cases if math.isfinite(best[case])]
    share = 1 / max(len(counted), 1)
    made = {}
    for solver, own in seconds.items():
        ratios = np.array([own.get(case, math.inf) / best[case] for case in counted])
        made[solver] = np.sort(np.log2(ratios[np.isfinite(ratios)])), share
    return made


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the profile of all solvers in `rows` as SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    curves = profile(times(rows))
    limit = max((x[-1] for x, _ in curves.values() if x.size), default=1.0) * 1.05 + 0.5
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "stationary", "font.size": 10}):
        figure, axes = plt.subplots(figsize=(7.2, 4.8), layout="constrained")
        for solver in sorted(curves, key=lambda name: [*_STYLES, name].index(name)):
            x, share = curves[solver]
            colour, line, width = _STYLES.get(solver, ("#1b7837", "-", 1.3))
            steps = np.concatenate([[0.0], x, [limit]])
            heights = share * np.concatenate([[0], np.arange(1, x.size + 1), [x.size]])
            label = f"{_NAMES.get(solver, solver)} ({100 * share * x.size:.0f} %)"
            axes.step(steps, heights, line, where="post", color=colour, lw=width, label=label)
        axes.set(xlim=(0, limit), ylim=(0, 1.02))
        axes.set_xlabel("log₂ of the time, over the fastest solver's on the same case")
        axes.set_ylabel("share of cases solved")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
        plt.close(figure)


def main() -> None:
    """Draw the profile again from the results of a run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks._profile", description=main.__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    rows = json.loads(options.results.read_text())["rows"]["cases"]
    draw(list(rows.values()), options.picture)


if __name__ == "__main__":
    main()
