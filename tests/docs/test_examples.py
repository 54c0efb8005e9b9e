"""Each block marked `python` in the README and under docs/ runs, page by page, top to bottom.

A block `text title="Output"` after it is what it prints; `...` there stands for anything.
"""

import contextlib
import doctest
import io
import re
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"^(?P<indent>[ ]*)```(?P<kind>python|text title=\"Output\")[^\n]*\n(?P<body>.*?)"
    r"^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)
SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """A block of a page: the line it starts on, its text, and whether it is output or code."""

    line: int
    text: str
    output: bool = False


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that are code to run or output to compare."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            text.count("\n", 0, m.start("body")), textwrap.dedent(m["body"]), m["kind"] != "python"
        )
        for m in BLOCK.finditer(text)
    ]


def pages() -> list[Path]:
    """The pages that have such blocks."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if page.exists() and blocks(page)]


def run(page: Path) -> list[str]:
    """Run a page. Returns what is printed otherwise than the page says, block by block."""
    names: dict = {"__name__": "__main__"}
    said, wrong = "", []
    for line, text, output in blocks(page):
        if output:
            if not doctest.OutputChecker().check_output(text, said, SAME):
                wrong.append(f"{page.name}, line {line}: the page says\n{text}but it is\n{said}")
            continue
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            # Blank lines above keep the page's own line numbers in a traceback.
            exec(compile("\n" * line + text, str(page), "exec"), names)
        said = printed.getvalue()
    return wrong


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_of_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATIONARY_CACHE_DIR", "off")
    assert not (wrong := run(page)), "\n\n".join(wrong)


PAGE = """
```python
x = 1
```

```text
not this
```

!!! tip
    ```python title="indented"
    y = x

    z = y
    print(z, 0.25)
    ```

    ```text title="Output"
    1 ...
    ```

```text title="Output"
2 0.25
```
"""


def test_blocks_are_found_with_their_lines(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    code = "y = x\n\nz = y\nprint(z, 0.25)\n"
    assert blocks(page)[:3] == [
        Block(2, "x = 1\n"),
        Block(11, code),
        Block(18, "1 ...\n", True),
    ]


def test_wrong_output_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    (only,) = run(page)
    assert "line 22: the page says\n2 0.25\nbut it is\n1 0.25\n" in only
