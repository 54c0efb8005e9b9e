"""The atlas as a static site: an index, and a page per paper, from results of record."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ._paper import Paper
from ._registry import papers
from ._result import Result, Verdict, judge
from ._store import recorded
from ._text import ORIGINS, shown


def site(out: str | os.PathLike, scale: str = "laptop") -> Path:
    """Build the atlas into a folder of HTML files that need no network and no server.

    **Arguments:**

    - `out`: the folder; created when missing, and its pages replaced.
    - `scale`: which results of record to show.

    **Returns:** the path of `index.html`.

    !!! example
        >>> import tempfile
        >>> from stationary import atlas
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     index = atlas.site(folder)
        ...     (index.name, (index.parent / "097.html").exists())
        ('index.html', True)
    """
    from stationary.report._page import page, write

    folder = Path(out)
    entries = {paper.number: (paper, recorded(paper, scale)) for paper in papers()}
    for paper, result in entries.values():
        title = f"{paper.number:03d} {paper.title}"
        write(folder / _file(paper), page(title, _paper(paper, result)))
    return write(folder / "index.html", page("Atlas of papers", _index(entries)))


def _index(entries: Mapping[int, tuple[Paper, Result | None]]):
    from stationary.plot._markup import tag
    from stationary.report._page import definitions, table

    total: Counter[Verdict] = Counter()
    rows = []
    for paper, result in entries.values():
        counts = Counter(_verdicts(paper, result).values())
        total += counts
        link = tag("a", paper.title, href=_file(paper))
        numbers = [str(counts[verdict]) for verdict in Verdict]
        rows.append([f"{paper.number:03d}", link, paper.theme, *numbers])
    head = ["no.", "paper", "theme", *(f"{verdict.mark} {verdict}" for verdict in Verdict)]
    return tag(
        "main",
        tag("h1", "Atlas of papers"),
        tag(
            "p",
            "Papers whose claims were measured again with this library. Every number comes from "
            "a run; a claim that fails stays, with what was tried.",
        ),
        definitions(
            {"papers": str(len(entries)), **{v.value: str(total[v]) for v in Verdict}}, "tiles"
        ),
        table("Papers and their claims.", head, rows, (3, 4, 5), most=len(rows)),
    )


def _paper(paper: Paper, result: Result | None):
    from stationary.plot._markup import tag

    return tag(
        "main",
        tag("p", tag("a", "Atlas", href="index.html"), f" › {paper.theme}", class_="quiet small"),
        tag("h1", f"{paper.number:03d} {paper.title}"),
        tag("p", paper.summary),
        _link(paper),
        tag("h2", "Claims"),
        _claims(paper, result),
        _found(result),
        _tried(paper, result),
        _how(paper, result),
    )


def _link(paper: Paper):
    from stationary.plot._markup import tag

    if not paper.arxiv:
        return None
    return tag("p", tag("a", f"arXiv:{paper.arxiv}", href=f"https://arxiv.org/abs/{paper.arxiv}"))


def _claims(paper: Paper, result: Result | None):
    from stationary.plot._markup import tag
    from stationary.report._page import definitions, table

    verdicts = _verdicts(paper, result)
    failed = [i for i, v in enumerate(verdicts.values()) if v is Verdict.NOT_REPRODUCED]
    rows = []
    for claim in paper.claims:
        measured = "" if result is None else shown(result.measured.get(claim.id))
        rows.append([claim.id, measured, claim.rule.describe(), _word(verdicts[claim.id])])
    said = {
        claim.id: [
            tag("div", f"{ORIGINS[claim.source]}: {claim.statement}."),
            tag("div", f"Measured: {claim.measure}.", class_="quiet small"),
        ]
        for claim in paper.claims
    }
    head = ["claim", "measured", "holds when", "verdict"]
    caption = "What was measured, and whether the claim holds."
    return [
        table(caption, head, rows, failed=tuple(failed), most=len(rows)),
        tag("h3", "What is claimed"),
        definitions(said),
    ]


def _word(verdict: Verdict):
    from stationary.plot._markup import tag

    kind = {Verdict.HOLDS: "pass", Verdict.NOT_REPRODUCED: "fail"}.get(verdict, "quiet")
    return tag("span", f"{verdict.mark} {verdict}", class_=kind)


def _found(result: Result | None):
    from stationary.plot._markup import Markup, tag
    from stationary.report._page import figure, table

    if result is None or not (result.figures or result.tables):
        return None
    pictures = [figure(caption, Markup(svg)) for caption, svg in result.figures.items()]
    tables = []
    for caption, found in result.tables.items():
        numbers = tuple(
            i
            for i in range(1, len(found.columns))
            if not any(isinstance(r[i], str) for r in found.rows)
        )
        rows = [[_entry(value) for value in row] for row in found.rows]
        tables.append(table(f"{caption}.", found.columns, rows, numbers, most=len(rows)))
    return [tag("h2", "What was found"), tag("div", pictures, class_="charts"), tables]


def _entry(value: str | int | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _tried(paper: Paper, result: Result | None):
    from stationary.plot._markup import tag

    notes = [] if result is None else list(result.notes)
    notes += [f"{c.id}: {c.not_reproduced}" for c in paper.claims if c.not_reproduced]
    if not notes:
        return None
    heading = tag("h2", "How it was measured, and what was tried")
    return [heading, tag("ul", [tag("li", note) for note in notes])]


def _how(paper: Paper, result: Result | None):
    from stationary.plot._markup import tag
    from stationary.report._page import definitions

    scale, seed = ("laptop", 0) if result is None else (result.scale, result.seed)
    command = f"stationary atlas run {paper.number} --scale {scale} --seed {seed}"
    run = [tag("h2", "Run it again"), tag("pre", tag("code", command))]
    if result is None:
        return [*run, tag("p", "There is no result of record yet.")]
    took = {"seconds": f"{result.seconds:.0f}"}
    about = {name: str(value) for name, value in result.environment.items()}
    return [*run, definitions({**took, **about})]


def _verdicts(paper: Paper, result: Result | None) -> dict[str, Verdict]:
    measured = {} if result is None else result.measured
    return {claim.id: judge(claim, measured.get(claim.id)) for claim in paper.claims}


def _file(paper: Paper) -> str:
    return f"{paper.number:03d}.html"
