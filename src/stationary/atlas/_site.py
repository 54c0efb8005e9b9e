"""The atlas as a static site: an index, and a page per paper, from results of record."""

import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ._paper import Claim, Paper
from ._registry import papers
from ._result import Result, Verdict, judge
from ._store import recorded


def site(out: str | os.PathLike, scale: Any = "laptop") -> Path:
    """Build the atlas into a folder of HTML files that need no network and no server.

    **Arguments:**

    - `out`: the folder; created when missing, and its pages replaced.
    - `scale`: which results of record to show.

    **Returns:** the path of `index.html`.

    !!! example
        >>> import tempfile
        >>> from stationary import atlas
        >>> atlas.site(tempfile.mkdtemp()).name
        'index.html'
    """
    from stationary.report._page import page

    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    entries = [(paper, recorded(paper, scale)) for paper in papers()]
    for paper, result in entries:
        html = page(f"{paper.number:03d} {paper.title}", _paper(paper, result))
        (folder / _file(paper)).write_text(html, encoding="utf-8")
    index = folder / "index.html"
    index.write_text(page("Atlas of papers", _index(entries)), encoding="utf-8")
    return index


def _file(paper: Paper) -> str:
    return f"{paper.number:03d}.html"


def _index(entries: Sequence[tuple[Paper, Result | None]]) -> str:
    counts = dict.fromkeys(Verdict, 0)
    rows = []
    for paper, result in entries:
        verdicts = _verdicts(paper, result)
        for verdict in verdicts.values():
            counts[verdict] += 1
        rows.append(
            (
                f"{paper.number:03d}",
                _Html(f'<a href="{_file(paper)}">{escape(paper.title)}</a>'),
                paper.theme,
                *(sum(found is verdict for found in verdicts.values()) for verdict in Verdict),
            )
        )
    total = sum(counts.values())
    head = (
        f"<p>{len(entries)} papers, {total} claims measured again: "
        + ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
        + ". A claim that fails stays here, with what was tried.</p>"
    )
    columns = ("No.", "paper", "theme", *(f"{v.mark} {v}" for v in Verdict))
    return head + _table("Papers and their claims", columns, rows)


def _paper(paper: Paper, result: Result | None) -> str:
    parts = ['<p><a href="index.html">All papers</a></p>', f"<p>{escape(paper.summary)}</p>"]
    if paper.arxiv:
        link = f"https://arxiv.org/abs/{paper.arxiv}"
        parts.append(f'<p>Paper: <a href="{escape(link)}">arXiv:{escape(paper.arxiv)}</a></p>')
    verdicts = _verdicts(paper, result)
    columns = (
        "claim",
        "what the paper says",
        "what we measure",
        "measured",
        "holds when",
        "verdict",
    )
    rows = [(*_claim(claim, result), _badge(verdicts[claim.id])) for claim in paper.claims]
    parts.append(_table("Claims", columns, rows))
    if result is not None:
        for caption, svg in result.figures.items():
            parts.append(f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>")
        for caption, table in result.tables.items():
            parts.append(_table(caption, table.columns, table.rows))
    parts.append(_tried(paper, result))
    parts.append(_how(paper, result))
    return "\n".join(parts)


def _claim(claim: Claim, result: Result | None) -> tuple[Any, ...]:
    measured = None if result is None else result.measured.get(claim.id)
    origin = {"paper": "", "scaled": " (scaled down)", "ours": " (ours, not the paper's)"}
    return (
        claim.id,
        claim.statement + origin[claim.source],
        claim.measure,
        "" if measured is None else str(measured),
        claim.rule.describe(),
    )


def _tried(paper: Paper, result: Result | None) -> str:
    notes = [] if result is None else list(result.notes)
    notes += [f"{c.id}: {c.not_reproduced}" for c in paper.claims if c.not_reproduced]
    if not notes:
        return ""
    return "<h2>How it was measured, and what was tried</h2>" + _list(notes)


def _how(paper: Paper, result: Result | None) -> str:
    scale, seed = ("laptop", 0) if result is None else (result.scale, result.seed)
    command = f"stationary atlas run {paper.number} --scale {scale} --seed {seed}"
    text = f"<h2>Run it</h2><pre><code>{escape(command)}</code></pre>"
    if result is None:
        return text + "<p>No result of record yet.</p>"
    versions = [f"{name}: {value}" for name, value in _flat(result.environment)]
    return text + f"<p>This record took {result.seconds:.0f} s.</p>" + _list(versions)


def _verdicts(paper: Paper, result: Result | None) -> dict[str, Verdict]:
    measured = {} if result is None else result.measured
    return {claim.id: judge(claim, measured.get(claim.id)) for claim in paper.claims}


def _badge(verdict: Verdict) -> "_Html":
    return _Html(f"<strong>{verdict.mark} {escape(verdict)}</strong>")


def _flat(tree: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name} ")
        else:
            yield prefix + name, value


class _Html(str):
    """Text that is markup already."""


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: Any) -> str:
    if isinstance(value, _Html):
        return f"<td>{value}</td>"
    if isinstance(value, float):
        value = f"{value:.4g}"
    return f"<td>{escape(str(value))}</td>"
