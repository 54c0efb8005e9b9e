"""Text measured in the cells of a terminal, where some characters take two and some none."""

import unicodedata


def cells(text: str) -> int:
    """How many cells a line takes.

    !!! example
        >>> cells("ünï"), cells("制約"), cells("u\\u0308")
        (3, 4, 1)
    """
    return sum(_cells(character) for character in text)


def cut(text: str, room: int) -> str:
    """`text`, ended with an ellipsis when it takes more than `room` cells."""
    return text if cells(text) <= room else _head(text, room - 1) + "…"


def pad(text: str, room: int, align: str) -> str:
    """`text` filled with spaces to `room` cells; `align` is `"<"` or `">"`."""
    space = " " * max(0, room - cells(text))
    return text + space if align == "<" else space + text


def wrap(text: str, room: int, first: str = "", rest: str = "") -> list[str]:
    """Lines of at most `room` cells, broken at spaces, and within words only where one is too long.

    **Arguments:**

    - `text`: any text; runs of white space count as one space.
    - `room`: the width, indents included.
    - `first`, `rest`: indents of the first line and of the others.
    """
    lines, line, empty = [], first, True
    for word in text.split():
        space = "" if empty else " "
        if not empty and cells(line) + 1 + cells(word) > room:
            lines.append(line)
            line, space = rest, ""
        while cells(line) + len(space) + cells(word) > room:
            head = _head(word, room - cells(line)) or word[:1]
            lines.append(line + head)
            line, word = rest, word[len(head) :]
        line, empty = line + space + word, False
    return [*lines, line]


def _head(text: str, room: int) -> str:
    used = 0
    for place, character in enumerate(text):
        used += _cells(character)
        if used > room:
            return text[:place]
    return text


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
