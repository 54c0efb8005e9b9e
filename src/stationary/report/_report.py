"""A solve as one HTML file."""

import re
from typing import TYPE_CHECKING

import numpy as np

from .._status import Status
from ..plot import Markup, bars
from ..plot._markup import Child, join, tag
from ..plot._words import compact
from . import _charts
from ._environment import environment
from ._facts import Facts, facts, method_name, tightened
from ._log import SHOWN, iterations
from ._page import definitions, figure, fold, page, table
from ._text import seconds, summary

if TYPE_CHECKING:
    from .._solution import Solution


def as_page(solution: "Solution", resume: str = "") -> str:
    """The report as the text of an HTML page."""
    known = facts(solution)
    heading = known.statement[0] if known.statement else "a solve"
    title = f"{known.verdict}: {heading}"
    body = tag(
        "main",
        _head(solution, known),
        _certificate(known),
        _constraints(known),
        _convergence(solution),
        _log(solution),
        _answer(known),
        _cost(solution),
        _next(solution, known, resume),
        _environment(solution, known),
    )
    footer = tag("footer", "Written by stationary. This file is complete in itself.")
    return page(title, join(body, footer))


def _head(solution: "Solution", known: Facts) -> Markup:
    statement = known.statement or ["a solve"]
    verdict = known.verdict
    kind = {"✓": "good", "✗": "bad", "?": "unsure"}[known.mark]
    stopped = (
        tag("strong", "Why it stopped: "),
        f"{solution.status.word}: {solution.status.message}.",
    )
    stats = solution.stats
    tiles = {}
    if not np.isnan(solution.objective):
        tiles["Objective"] = compact(solution.objective, 7)
    if len(solution.trace):
        tiles["Residual"] = (
            compact(float(solution.trace.residual[-1])),
            tag("small", f"asked for {compact(stats.tol)}"),
        )
    tiles["Steps"] = (f"{stats.steps:,}", tag("small", breakable(method_name(stats.method))))
    tiles["Time"] = (
        seconds(stats.seconds),
        tag("small", f"{seconds(stats.compile_seconds)} to compile"),
    )
    return tag(
        "header",
        tag("h1", sentence(statement[0])),
        _parts(statement[1:]),
        tag(
            "div",
            tag(
                "p",
                tag("span", known.mark, aria_hidden="true"),
                " ",
                sentence(verdict),
                class_="word",
            ),
            tag("p", sentence(known.meaning), "."),
            tag("p", stopped),
            class_=f"verdict {kind}",
        ),
        definitions(tiles, "tiles"),
    )


def _parts(lines: list[str]) -> Markup | None:
    """The conditions of a statement; those of a long one are folded away but for a few."""
    if not lines:
        return None
    few = lines if len(lines) <= 12 else lines[:8]
    rest = lines[len(few) :]
    shown = tag("ul", [tag("li", line) for line in few], class_="statement")
    if not rest:
        return shown
    hidden = tag("ul", [tag("li", line) for line in rest], class_="statement")
    return join(shown, fold(f"and {len(rest)} more conditions", hidden))


def sentence(words: str) -> str:
    """Words with a capital first letter."""
    return words[:1].upper() + words[1:]


def breakable(name: str) -> Markup:
    """A name in CamelCase that may be broken before its capitals."""
    parts = re.findall(r"^[^A-Z]+|[A-Z][^A-Z]*", name)
    return join([part, tag("wbr")] for part in parts)


def passing(passed: bool) -> Markup:
    """Pass or fail by word, mark and colour."""
    mark, word = ("✓", "pass") if passed else ("✗", "FAIL")
    return tag("span", tag("span", mark, aria_hidden="true"), f" {word}", class_=word.lower())


def _certificate(known: Facts) -> Markup | None:
    certificate = known.certificate
    if certificate is None:
        return None
    sampled = any(check.error for check in certificate.checks)
    rows = [
        [
            _titled(check.kind, check.name),
            compact(check.absolute, 2),
            compact(check.scaled, 2) + (f" ± {compact(check.error, 2)}" if sampled else ""),
            passing(check.passed),
        ]
        for check in certificate.checks
    ]
    failed = tuple(i for i, check in enumerate(certificate.checks) if not check.passed)
    said: dict[str, Child] = {"Tolerance": compact(certificate.tol)}
    if known.limits:
        said["Multipliers"] = certificate.multipliers
    if isinstance(certificate.objective, float) and not np.isnan(certificate.objective):
        said["Objective there"] = compact(certificate.objective, 10)
    if certificate.gap is not None:
        said["Gap"] = f"at most {compact(certificate.gap)} from the optimum"
    if certificate.gap_reason:
        said["Bound"] = certificate.gap_reason
    for player, found in certificate.curvature.items():
        said[f"Curvature in {player}"] = found.reason
    if certificate.kink is not None:
        said["Kink"] = certificate.kink.reason
    if certificate.ray is not None:
        proved = "proved" if certificate.ray.proved else "not proved"
        said["Ray"] = f"{certificate.ray.kind} ({proved}): {certificate.ray.reason}"
    notes = [tag("li", note) for note in certificate.notes]
    errors = {name: f"± {compact(error, 2)}" for name, error in certificate.errors.items()}
    return tag(
        "section",
        tag("h2", "Certificate"),
        tag(
            "p",
            "Computed in float64 from the statement, the point and the data alone; the method "
            "had no part in it.",
            class_="quiet",
        ),
        table(
            "Each condition in its own units, and scaled to be free of them; the scaled number "
            "decides.",
            ["condition", "absolute", "scaled", "verdict"],
            rows,
            numbers=(1, 2),
            failed=failed,
        ),
        definitions(said),
        tag("ul", notes) if notes else None,
        (tag("h3", "Standard errors"), definitions(errors)) if errors else None,
    )


def _titled(name: str, below: str) -> Markup:
    return join(name, tag("br"), tag("span", below, class_="quiet")) if below else join(name)


def _constraints(known: Facts) -> Markup | None:
    certificate = known.certificate
    parts = []
    if known.limits:
        rows = [
            [
                _titled(limit.name, limit.words),
                compact(limit.multiplier, 5),
                compact(limit.violation),
                limit.activity,
            ]
            for limit in known.limits
        ]
        parts.append(
            table(
                "A multiplier says how fast the best objective improves as its constraint's "
                "bound is raised. Of several entries the largest in size is shown.",
                ["constraint", "multiplier", "violation", "active"],
                rows,
                numbers=(1, 2),
            )
        )
    if certificate and certificate.set_prices:
        prices = [[name, compact(price, 5)] for name, price in certificate.set_prices.items()]
        caption = "A price says how fast the best objective improves as a set is enlarged."
        parts.append(table(caption, ["set of", "price"], prices, numbers=(1,)))
    if certificate and certificate.weights:
        values = certificate.objective if isinstance(certificate.objective, dict) else {}
        weights = [
            [name, compact(values.get(name, float("nan")), 7), compact(weight, 5)]
            for name, weight in certificate.weights.items()
        ]
        caption = "Each objective, and its weight in the trade-off made at the answer."
        parts.append(table(caption, ["objective", "value", "weight"], weights, numbers=(1, 2)))
    return tag("section", tag("h2", "Multipliers and prices"), parts) if parts else None


def _convergence(solution: "Solution") -> Markup | None:
    if not len(solution.trace):
        return None
    return tag(
        "section",
        tag("h2", "How it went"),
        tag("input", type="radio", name="axis", id="by-step", class_="choice", checked=True),
        tag("label", "by step", for_="by-step"),
        tag("input", type="radio", name="axis", id="by-time", class_="choice"),
        tag("label", "by time", for_="by-time"),
        tag("div", _charts.convergence(solution), class_="charts"),
    )


def _log(solution: "Solution") -> Markup | None:
    """What the method told of its own steps, drawn, and as the table behind the drawing."""
    if not solution.trace.log:
        return None
    log = iterations(solution.trace, SHOWN)
    rows = list(zip(*(column.cells for column in log.columns), strict=True))
    said = ["inf: infeasibility, |d|: size of the move, lg: decimal logarithm", log.legend]
    if log.left_out:
        said.append(f"the last records and some before, {log.left_out} are left out")
    shown = table(
        "; ".join(filter(None, said)) + ".",
        [tag("abbr", column.short, title=column.heading) for column in log.columns],
        rows,
        numbers=tuple(range(len(log.columns))),
        most=len(rows),
    )
    return tag(
        "section",
        tag("h2", "Iteration log"),
        tag("div", _charts.steps(solution.trace), class_="charts"),
        fold(f"{len(rows)} iterations as a table", shown),
    )


def _answer(known: Facts) -> Markup:
    rows = [[leaf.where, leaf.shape, leaf.dtype, summary(leaf.values)] for leaf in known.leaves]
    pictures = [_charts.entries(leaf) for leaf in known.leaves[:6]]
    shown = [picture for picture in pictures if picture is not None]
    return tag(
        "section",
        tag("h2", "Answer"),
        table("The unknown, array by array.", ["array", "shape", "dtype", "values"], rows),
        tag("div", shown, class_="charts") if shown else None,
    )


def _cost(solution: "Solution") -> Markup:
    stats = solution.stats
    other = max(0.0, stats.seconds - stats.compile_seconds - stats.run_seconds)
    parts = {"compiling": stats.compile_seconds, "stepping": stats.run_seconds, "other": other}
    picture = bars(parts, title="Where the time went", spell=seconds)
    compiled = (
        "Every program was already compiled in this process."
        if stats.traces == 0
        else f"The solver was traced {'once' if stats.traces == 1 else f'{stats.traces} times'}."
    )
    said = {"Method": tag("code", stats.method), "Why": stats.reason}
    return tag(
        "section",
        tag("h2", "Method and cost"),
        definitions(said),
        tag("ul", [tag("li", notice) for notice in stats.notices]) if stats.notices else None,
        tag("div", figure("Where the time went", picture, compiled), class_="charts"),
    )


def _next(solution: "Solution", known: Facts, resume: str) -> Markup:
    stats = solution.stats
    dtype = known.leaves[0].dtype if known.leaves else "float64"
    smaller = tightened(stats.tol, dtype)
    method = "" if stats.reason != "asked for" else ", method"
    steps = []
    if smaller is not None:
        steps.append(
            (
                _why_tighten(solution, known),
                f"st.solve(problem, solution{method}, tol={smaller:.0e})",
            )
        )
    else:
        steps.append(
            (
                f"Tighten: {dtype} cannot certify less than it did; solve in float64.",
                'jax.config.update("jax_enable_x64", True)',
            )
        )
    if solution.status.is_limit:
        steps.append(
            (
                "Continue: take up exactly where it stopped, with more steps.",
                f"st.solve(problem, solution{method}, state=solution.state, "
                f"max_steps={_more(stats.steps)})",
            )
        )
    if resume:
        steps.append(("From the command line: continue from what was saved.", resume))
    steps.append(
        (
            "Survive an interruption: save as it runs, and resume from what was saved.",
            f'st.solve(problem, x0{method}, checkpoint="solve.ckpt", resume=True)',
        )
    )
    steps.append(
        (
            "Check again, second-order conditions included.",
            "st.certify(solution, second_order=True)",
        )
    )
    return tag(
        "section",
        tag("h2", "What next"),
        [(tag("p", words), tag("pre", tag("code", code), tabindex="0")) for words, code in steps],
    )


def _why_tighten(solution: "Solution", known: Facts) -> str:
    if solution.status is Status.CONVERGED and not known.passed:
        return (
            "Tighten: the method met its own tolerance, but the certificate asks for more. Start "
            "from this answer and its multipliers."
        )
    return "Tighten: start from this answer and its multipliers."


def _more(steps: int) -> str:
    """A limit at which a continued solve has as many steps again, rounded for typing."""
    power = 10 ** max(0, len(str(steps)) - 1)
    return f"{max(1000, 2 * power * -(-steps // power)):_}"


def _environment(solution: "Solution", known: Facts) -> Markup:
    dtypes = sorted({leaf.dtype for leaf in known.leaves})
    return tag(
        "section",
        tag("h2", "Environment"),
        definitions({"solved in": ", ".join(dtypes), **environment()}, "facts wide"),
    )
