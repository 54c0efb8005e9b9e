"""The shell of every page: one file, its style inside, nothing fetched from anywhere."""

import os
import string
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path

from ..plot import Markup, stylesheet
from ..plot._markup import Child, join, tag


def page(title: str, body_html: Child) -> str:
    """A complete HTML page around some content.

    **Arguments:**

    - `title`: the page's title, as text.
    - `body_html`: the content: `Markup` as it is, other strings escaped.

    !!! example
        >>> from stationary.plot import Markup
        >>> text = page("a & b", Markup("<h1>hello</h1>"))
        >>> "<title>a &amp; b</title>" in text, "<h1>hello</h1>" in text
        (True, True)
    """
    shell = string.Template(_read("_page.html"))
    style = _read("_style.css") + stylesheet()
    return shell.substitute(title=escape(title), style=style, body=join(body_html))


def write(path: str | Path, content: str) -> Path:
    """Write a file so that it is there whole or not at all; folders are made.

    **Returns:** the path that was written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(content, encoding="utf-8", newline="\n")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def table(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[Child]],
    numbers: tuple[int, ...] = (),
    failed: tuple[int, ...] = (),
    most: int = 16,
) -> Markup:
    """A table that scrolls on its own when the page is narrow; the first column heads its rows.

    What is beyond `most` rows is folded away; rows that failed are then moved to the front.

    **Arguments:**

    - `caption`: says what the rows are.
    - `head`, `rows`: the cells.
    - `numbers`: the columns to align right.
    - `failed`: the rows to mark as failed.
    - `most`: how many rows to show at once.
    """
    if len(rows) > most + 4:
        order = [*failed, *(i for i in range(len(rows)) if i not in failed)]
        shown, folded = order[:most], order[most:]
        marks = tuple(i for i, place in enumerate(shown) if place in failed)
        kept = table(caption, head, [rows[i] for i in shown], numbers, marks)
        marks = tuple(i for i, place in enumerate(folded) if place in failed)
        left = len(folded)
        rest = table(
            f"{caption} The other {left}.", head, [rows[i] for i in folded], numbers, marks, left
        )
        return join(kept, fold(f"{left} more rows", rest))

    def kind(i: int) -> str | None:
        return "number" if i in numbers else None

    top = [tag("th", cell, scope="col", class_=kind(i)) for i, cell in enumerate(head)]
    body = [
        tag(
            "tr",
            [
                tag("th", cell, scope="row") if i == 0 else tag("td", cell, class_=kind(i))
                for i, cell in enumerate(row)
            ],
            class_="failed" if place in failed else None,
        )
        for place, row in enumerate(rows)
    ]
    inside = tag("table", tag("caption", caption), tag("thead", tag("tr", top)), tag("tbody", body))
    # Focusable, so that arrow keys can scroll it.
    return tag("div", inside, class_="scroll", tabindex="0", role="region", aria_label=caption)


def fold(summary: str, *content: Child) -> Markup:
    """Content that waits to be asked for."""
    return tag("details", tag("summary", summary), content)


def figure(caption: str, picture: Markup, note: str = "", class_: str | None = None) -> Markup:
    """A picture with its caption."""
    small = tag("small", note) if note else None
    return tag("figure", tag("figcaption", caption, small), picture, class_=class_)


def definitions(pairs: Mapping[str, Child], class_: str = "facts") -> Markup:
    """Terms and what is to be said of each."""
    if class_ == "tiles":
        rows = [tag("div", tag("dt", k), tag("dd", v)) for k, v in pairs.items()]
    else:
        rows = [(tag("dt", k), tag("dd", v)) for k, v in pairs.items()]
    return tag("dl", rows, class_=class_)


@cache
def _read(name: str) -> str:
    return resources.files("stationary.report").joinpath(name).read_text(encoding="utf-8")
