"""How names of fields are typeset."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ._formula import Accent, Formula, Symbol, operator, word

_SMALL = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega"
)
_GREEK = dict(zip(_SMALL.split(), "αβγδϵζηθικλμνξπρστυϕχψω", strict=True))
_GREEK |= {"varphi": "φ", "vartheta": "ϑ", "varepsilon": "ε"}
_LARGE = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
_GREEK |= dict(zip(_LARGE.split(), "ΓΔΘΛΞΠΣΥΦΨΩ", strict=True))
_LETTERS = {text: rf"\{name}" for name, text in _GREEK.items()}


@dataclass(frozen=True)
class Name:
    """A name in parts.

    **Arguments:**

    - `base`: the letter, with its accents.
    - `below`, `above`: subscripts, and primes and the like.
    """

    base: Formula
    below: tuple[Formula, ...] = ()
    above: tuple[Formula, ...] = ()


def typeset_names(names: Sequence[str]) -> dict[str, Name]:
    """Names as one would write them by hand: `S1~` is a tilde over an S with subscript 1.

    **Arguments:**

    - `names`: the names of all fields.

    **Returns:** the typeset names. Where two would look alike they are set upright, as they are.
    """
    found = {name: _split(name) for name in names}
    looks = list(found.values())
    return {
        name: look if looks.count(look) == 1 else Name(word(name, _LETTERS))
        for name, look in found.items()
    }


def _split(name: str) -> Name:
    tildes, primes = name.count("~"), name.count("'")
    head, *parts = [part for part in re.sub("[~']", "", name).split("_") if part]
    match = re.fullmatch(r"(?P<letters>\D+?)(?P<number>\d*)(?P<bar>(bar)?)", head)
    letters, digits, bar = match.group("letters", "number", "bar") if match else (head, "", "")
    above: tuple[Formula, ...] = ()
    base = symbol(letters)
    if base is None and len(letters) > 1 and letters[-1] == "c":
        base = symbol(letters[:-1])  # the second half of a Dirac fermion: Uc
        above = (Symbol("c", "c"),) if base is not None else ()
    base = base or word(letters, _LETTERS)
    if bar:
        base = Accent(base, "bar")
    if tildes:
        base = Accent(base, "tilde")
    below = [Symbol(digits, digits, "n")] if digits else []
    for part in parts:
        below.append(
            Symbol(part, part, "n") if part.isdigit() else symbol(part) or word(part, _LETTERS)
        )
    primed = tuple(operator(r"\prime", "′") for _ in range(primes))
    return Name(base, tuple(below), primed + above)


def symbol(text: str) -> Symbol | None:
    """One letter, Greek ones by name or as they are; `None` for a longer word."""
    if text in _GREEK:
        return Symbol(rf"\{text}", _GREEK[text])
    if text in _LETTERS:
        return Symbol(_LETTERS[text], text)
    return Symbol(text, text) if len(text) == 1 and text.isascii() else None
