"""Products of letters as somebody writes them, right or wrong."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PIECE = re.compile(
    r"""(?P<field>[DF]~?\(\s*[^\W\d][\w~']*\s*\*?\s*\)      # D(H), D(H*), F(su3), F~(su3)
      | [^\W\d][\w~']*)                                      # H
    (?P<star>\s*\*)?                                        # its conjugate
    (\s*\^\s*\{?(?P<power>\d+)\}?)?                          # to a power
    | \[(?P<label>\d+)\]
    | (?P<open>\() | (?P<close>\))(\s*\^\s*\{?(?P<times>\d+)\}?)?
    """,
    re.VERBOSE,
)
_HERMITIAN = re.compile(r"\+?\s*\(?\s*[hH]\.\s*[cC]\.\s*\)?")
_DAGGERS = re.compile(r"\s*\^\s*\{?(?:\\dagger|dagger|†|\*)\}?|†")
_BRACKETS = re.compile(r"\[([^\]\n]*)\]")
_SIGNS = re.compile(r"\+|(?:^|\s)[−-](?=\s)")
_MOST_LETTERS = 64


@dataclass(frozen=True)
class Monomial:
    """A product of letters with the contraction that somebody chose.

    **Arguments:**

    - `letters`: the letters in the order in which they were written: `H`, `H*`, `D(H)`, `F(su3)`.
    - `label`: the contraction, as in `Contraction.label`, along the letters as written.
    - `text`: what was written.
    """

    letters: tuple[str, ...]
    label: str = ""
    text: str = ""

    def __str__(self) -> str:
        return self.text or " ".join(self.letters) + (f" [{self.label}]" if self.label else "")


def parse_terms(text: str) -> tuple[Monomial, ...]:
    """The products in a Lagrangian that somebody has written.

    **Arguments:**

    - `text`: products separated by `+`, semicolons or line ends. A product is a list of letters:
        `H`, `H*` (or `H†`, `H^dagger`), `D(H)`, `F(su3)`, with powers such as `(H H*)^2`; then, if
        it can be contracted in several ways, the representations on the way in brackets: `[8,3]`.
        `+ h.c.` is understood for whatever is not its own conjugate. What follows a `#` is ignored.

    **Returns:** the products as written: nothing is checked against fields here.

    **Raises:** `ValueError` that quotes what cannot be read.

    !!! example
        >>> from stationary.fieldtheory import parse_terms
        >>> [product.letters for product in parse_terms("(H H*)^2 + Q u H + h.c.")]
        [('H', 'H*', 'H', 'H*'), ('Q', 'u', 'H')]
    """
    labels: list[str] = []

    def keep(match: re.Match[str]) -> str:
        # Brackets may contain any separator: only the number of a label is read from here on.
        labels.append(re.sub(r"\s+", "", match[1]))
        return f"[{len(labels) - 1}]"

    found = []
    plain = _DAGGERS.sub("*", _BRACKETS.sub(keep, text))
    for line in re.split(r"[;\n]", plain):
        line = _HERMITIAN.sub(" ", line.partition("#")[0])
        for product in _SIGNS.split(line):
            if product.strip():
                found.append(_read(product.strip(), labels))
    return tuple(found)


def _read(product: str, labels: list[str]) -> Monomial:
    text = _BRACKETS.sub(lambda match: f"[{labels[int(match[1])]}]", product)
    stack: list[list[str]] = [[]]
    chosen: list[str] = []
    for match in _pieces(product, text):
        if match["label"] is not None:
            chosen.append(labels[int(match["label"])])
        elif match["open"]:
            stack.append([])
        elif match["close"]:
            if len(stack) == 1:
                raise ValueError(f"{text!r} closes a parenthesis that was not opened.")
            inner = stack.pop()
            stack[-1] += inner * int(match["times"] or 1)
        else:
            letter = re.sub(r"\s+", "", match["field"]) + ("*" if match["star"] else "")
            stack[-1] += [letter] * min(int(match["power"] or 1), _MOST_LETTERS + 1)
        if len(stack[-1]) > _MOST_LETTERS:
            raise ValueError(f"{text!r} has more than {_MOST_LETTERS} letters.")
    if len(stack) > 1:
        raise ValueError(f"{text!r} opens a parenthesis that is not closed.")
    if len(chosen) > 1:
        raise ValueError(f"{text!r} has more than one contraction in brackets.")
    if not stack[0]:
        raise ValueError(f"{text!r} names no field.")
    return Monomial(tuple(stack[0]), chosen[0] if chosen else "", text)


def _pieces(product: str, text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(product):
        if product[at].isspace():
            at += 1
            continue
        match = _PIECE.match(product, at)
        if match is None:
            raise ValueError(
                f"{text!r} cannot be read at {product[at:]!r}: write letters such as H, H*, "
                "D(H) or F(su3), separated by spaces."
            )
        yield match
        at = match.end()
