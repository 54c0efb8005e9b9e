"""Show the doctest examples of docstrings as code: `>>>` alone is a quotation to Markdown."""

import griffe


class Doctests(griffe.Extension):
    """Fence every run of lines that begins with `>>>` and ends before a blank line."""

    def on_instance(self, *, obj: griffe.Object, **_) -> None:
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """`text` with its doctest examples between fences, at their own indent."""
    lines, indent = [], None
    for line in text.split("\n"):
        if indent is None and line.lstrip().startswith(">>> "):
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f"{indent}```pycon")
        elif indent is not None and not line.strip():
            lines.append(f"{indent}```")
            indent = None
        lines.append(line)
    if indent is not None:
        lines.append(f"{indent}```")
    return "\n".join(lines)
