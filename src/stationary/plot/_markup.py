"""Markup that is escaped unless it is known to be markup already."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

Child: TypeAlias = "str | Iterable[Child] | None"

# Elements without content: no closing tag in HTML, closed at once in SVG.
_EMPTY = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr", "circle", "path", "rect"})


class Markup(str):
    """Text that is markup, to be inserted as it is. Any other string is escaped by `tag`."""

    __slots__ = ()


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """One element of HTML or SVG.

    **Arguments:**

    - `name`: the element's name.
    - `children`: strings (escaped, unless they are `Markup`), nested lists of them, or None.
    - `attributes`: escaped; a trailing `_` is dropped and an inner one becomes `-`; None and
        False leave the attribute out, True writes its bare name; floats get one decimal.

    !!! example
        >>> tag("p", "1 < 2", class_="note")
        '<p class="note">1 &lt; 2</p>'
    """
    spelled = "".join(_attribute(key, value) for key, value in attributes.items())
    inside = "".join(_flat(children))
    if name in _EMPTY and not inside:
        return Markup(f"<{name}{spelled}/>")
    return Markup(f"<{name}{spelled}>{inside}</{name}>")


def join(*children: Child) -> Markup:
    """Children without an element around them."""
    return Markup("".join(_flat(children)))


def _flat(children: Child) -> Iterable[str]:
    if children is None:
        return
    if isinstance(children, Markup):
        yield children
    elif isinstance(children, str):
        yield escape(_printable(children), quote=False)
    else:
        for child in children:
            yield from _flat(child)


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    # viewBox and the like keep their capitals; the trailing underscore dodges Python's keywords.
    key = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {key}"
    if isinstance(value, float):
        value = f"{value:.1f}".removesuffix(".0")
    return f' {key}="{escape(_printable(str(value)))}"'


def _printable(content: str) -> str:
    """Control characters and lone surrogates, which no page can hold, become a visible mark."""
    return "".join(
        c
        if (c >= " " and not "\x7f" <= c <= "\x9f" and not "\ud800" <= c <= "\udfff") or c in "\t\n"
        else "�"
        for c in content
    )
