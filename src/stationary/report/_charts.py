"""The pictures of a solve."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..plot import Markup, line
from ..plot._markup import join
from ..plot._scales import Kind
from ._facts import Leaf
from ._page import figure

if TYPE_CHECKING:
    from .._solution import Solution, Trace

_SHOWN = 5
_ENTRIES = 4000


def convergence(solution: "Solution") -> Markup:
    """How the solve went, each picture once by step and once by seconds."""
    trace = solution.trace
    axes = (("step", trace.steps, "by-step"), ("seconds", trace.seconds, "by-time"))
    return join(
        _figures(trace, solution.stats.tol, label, np.asarray(at, float), class_)
        for label, at, class_ in axes
    )


def _figures(trace: "Trace", tol: float, label: str, at: np.ndarray, class_: str):
    common: dict[str, Any] = {"x_label": label, "x_scale": "auto"}
    if np.any(np.isfinite(trace.objective)):
        picture = line(
            {"objective": (at, trace.objective)},
            title=f"Objective by {label}",
            y_scale="auto",
            **common,
        )
        yield figure("Objective", picture, class_=class_)
    parts = {"stationarity": (at, trace.stationarity)}
    if trace.violations:
        parts["feasibility"] = (at, trace.feasibility)
    whole = (at, trace.residual)
    parts = {"residual": whole, **parts, "tolerance": (at, np.full(at.shape, tol))}
    picture = line(parts, title=f"Residual and its parts by {label}", y_scale="log", **common)
    note = "the largest of scaled stationarity, violation and complementarity"
    yield figure("Residual", picture, note, class_)
    if trace.violations:
        yield _per_constraint(
            "Violation", trace.violations, at, class_, common, "log", "how far each is broken"
        )
        yield _per_constraint(
            "Multipliers" if len(trace.duals) > 1 else "Multiplier",
            trace.duals,
            at,
            class_,
            common,
            "auto",
            "the price of each limit",
        )


def _per_constraint(what, columns, at, class_, common, scale, note) -> Markup:
    picture = line(
        {name: (at, values) for name, values in columns.items()},
        title=f"{what} of each constraint by {common['x_label']}",
        y_scale=scale,
        most=_SHOWN,
        **common,
    )
    if len(columns) == 1:
        note = f"of {next(iter(columns))}"
    elif len(columns) > _SHOWN:
        note += f"; the {_SHOWN} largest at the end are named"
    return figure(what, picture, note, class_)


def steps(trace: "Trace") -> Markup:
    """What a method told of its own steps, by iteration; numbers that never moved are left out."""
    at, log = np.asarray(trace.steps, float), dict(trace.log)
    still = log.pop("trials", np.ones(at.size)) == 0  # steps that only looked around
    restoring = int(np.sum(log.pop("restoring", np.zeros(0)) > 0))
    log.pop("corrections", None)
    told = {name: np.where(still, np.nan, values) for name, values in log.items()}
    positive = {name: np.where(values > 0, values, np.nan) for name, values in told.items()}
    driven = {"primal infeasibility": trace.feasibility, "dual infeasibility": trace.stationarity}
    driven |= {name: positive.pop(name) for name in ("barrier", "regularization") if name in told}
    lengths = {"primal step": told.get("step"), "dual step": told.get("dual step")}
    others = {name: values for name, values in told.items() if name not in _DRAWN}
    parts: list[tuple[str, Mapping[str, Any], Kind, str]] = [
        (
            "Infeasibilities and barrier" if "barrier" in driven else "Infeasibilities",
            driven,
            "log",
            f"restoring feasibility in {restoring} of them" if restoring else "",
        ),
        ("Step lengths", lengths, "linear", "1 is the whole Newton step"),
        ("Size of the move", {"move": positive.get("move")}, "log", ""),
        ("Other numbers of the method", others, "auto", ""),
    ]
    return join(
        figure(
            what,
            line(
                {name: (at, values) for name, values in moved.items()},
                title=f"{what} by iteration",
                x_label="iteration",
                x_scale="auto",
                y_scale=scale,
            ),
            note,
        )
        for what, named, scale, note in parts
        if (moved := {name: v for name, v in named.items() if v is not None and _moves(v)})
    )


_DRAWN = frozenset({"barrier", "regularization", "step", "dual step", "move"})


def _moves(values: np.ndarray) -> bool:
    return bool(np.any(np.isfinite(values) & (values != 0)))


def entries(leaf: Leaf) -> Markup | None:
    """The entries of an array in order of size; None where there is nothing to see."""
    flat = leaf.values.reshape(-1)
    if not 5 <= flat.size or not np.any(np.isfinite(flat)):
        return None
    ordered = np.sort(flat[np.isfinite(flat)])[::-1]
    place = np.arange(1, ordered.size + 1)
    if ordered.size > _ENTRIES:
        keep = np.unique(np.linspace(0, ordered.size - 1, _ENTRIES).round().astype(int))
        ordered, place = ordered[keep], place[keep]
    picture = line(
        {leaf.where: (place, ordered)},
        title=f"Entries of {leaf.where}, largest first",
        x_label="rank of the entry",
        y_scale="auto",
        step=True,
        size=(400, 210),
    )
    return figure(leaf.where, picture, "its entries, largest first")
