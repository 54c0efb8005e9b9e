"""Pages of the atlas, from its declarations and its results of record.

`atlas/index.md` gets the table of papers where it says `{{ papers }}`; every paper gets a page.
Nothing is run: the numbers are those that were committed beside the paper.
"""

from html import escape

from mkdocs.structure.files import File

from stationary import atlas
from stationary.atlas._text import ORIGINS, shown  # how the command line words the same facts


def on_files(files, config):
    """Add a page per paper."""
    for paper in atlas.papers():
        page = File.generated(config, _path(paper), content=_page(paper))
        page.inclusion = page.inclusion.NOT_IN_NAV  # the table of the index leads there
        files.append(page)
    return files


def on_page_markdown(markdown, page, **_):
    """Fill in the table of papers."""
    if page.file.src_uri == "atlas/index.md":
        return markdown.replace("{{ papers }}", _index())
    return markdown


def _index() -> str:
    rows = ["| no. | paper | field | claims that hold |", "| --- | --- | --- | --- |"]
    for paper in atlas.papers():
        record = atlas.recorded(paper)
        held = "not measured yet"
        if record is not None:
            verdicts = list(record.verdicts.values())
            held = f"{verdicts.count(atlas.Verdict.HOLDS)} of {len(verdicts)}"
        link = f"[{_cell(paper.title)}]({_path(paper).removeprefix('atlas/')})"
        rows.append(f"| {paper.number} | {link} | {_cell(paper.theme)} | {held} |")
    return "\n".join(rows)


def _page(paper: atlas.Paper) -> str:
    record = atlas.recorded(paper)
    source = f" [arXiv:{paper.arxiv}](https://arxiv.org/abs/{paper.arxiv})" if paper.arxiv else ""
    parts = [f"# {escape(paper.title)}", f"{escape(paper.summary)}{source}", _claims(paper, record)]
    if record is not None:
        for caption, svg in record.figures.items():
            parts += [f"## {escape(caption)}", f"<div class='figure'>{_inline(svg)}</div>"]
        for caption, table in record.tables.items():
            parts += [f"## {escape(caption)}", _table(table.columns, table.rows)]
    tried = [] if record is None else list(record.notes)
    tried += [f"{c.id}: {c.not_reproduced}" for c in paper.claims if c.not_reproduced]
    if tried:
        notes = [f"- {_cell(note)}" for note in tried]
        parts += ["## How it was measured, and what was tried", "\n".join(notes)]
    return "\n\n".join([*parts, _again(paper, record)])


def _claims(paper, record) -> str:
    rows = []
    for claim in paper.claims:
        measured = None if record is None else record.measured.get(claim.id)
        verdict = atlas.Verdict.NOT_MEASURED if record is None else record.verdicts[claim.id]
        said = (
            f"**{_cell(claim.id)}**, {ORIGINS[claim.source]}: {_cell(claim.statement)}. "
            f"*Measured:* {_cell(claim.measure)}."
        )
        number = "" if measured is None else _cell(shown(measured))
        rows.append((said, number, _cell(claim.rule.describe()), f"{verdict.mark} {verdict}"))
    return _rows(("claim", "measured", "holds when", "verdict"), rows)


def _again(paper, record) -> str:
    scale, seed = ("laptop", 0) if record is None else (record.scale, record.seed)
    lines = ["## Run it again", "", "```console"]
    lines += [f"$ stationary atlas run {paper.number} --scale {scale} --seed {seed}", "```", ""]
    if record is None:
        return "\n".join([*lines, "There is no result of record yet."])
    about = ", ".join(f"{_cell(k)} {_cell(str(v))}" for k, v in record.environment.items())
    return "\n".join([*lines, f"It took {record.seconds:.0f} s with {about}."])


def _table(columns, rows) -> str:
    cells = [[f"{v:.6g}" if isinstance(v, float) else _cell(str(v)) for v in row] for row in rows]
    return _rows([_cell(column) for column in columns], cells)


def _rows(head, rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    """Words as they are: nothing in them is Markdown or ends a cell."""
    text = escape(text, quote=False)
    for sign in "\\|*_`[]":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _inline(svg: str) -> str:
    return "".join(line.strip() + " " for line in svg.splitlines())


def _path(paper) -> str:
    return f"atlas/{paper.number:03d}.md"
