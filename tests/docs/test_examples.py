"""Each block marked `python` in the README and under docs/ runs, page by page, top to bottom."""

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^([ ]*)```python[^\n]*\n(.*?)^\1```[ ]*$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[int, str]]:
    """The `python` blocks of a page, each with the line it starts on."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start(2)), textwrap.dedent(m[2])) for m in BLOCK.finditer(text)]


def pages() -> list[Path]:
    """The pages that have such blocks."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if page.exists() and blocks(page)]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_of_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {"__name__": "__main__"}
    for line, source in blocks(page):
        # Blank lines above keep the page's own line numbers in a traceback.
        exec(compile("\n" * line + source, str(page), "exec"), names)


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
    ```
"""


def test_blocks_are_found_with_their_lines(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    assert blocks(page) == [(2, "x = 1\n"), (11, "y = x\n\nz = y\n")]
