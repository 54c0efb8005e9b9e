"""Reading sequences of tokens, which a model may have written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from .._field import Field
from .._group import STANDARD_MODEL
from .._text import WrittenTerm
from ._codes import canonical, kind_of
from ._vocabulary import CLASSES, VOCABULARY

_KINDS = {VOCABULARY.number[word]: kind for kind, word in CLASSES.items()}
_NUMBER = VOCABULARY.number
_LABEL = frozenset(VOCABULARY.numbers("0 1 2 3 4 5 6 7 8 9 - , ; # '"))


@dataclass(frozen=True)
class Broken:
    """A piece of a target that is no term.

    **Arguments:**

    - `text`: its tokens.
    - `reason`: why it is none.
    """

    text: str
    reason: str


@dataclass(frozen=True)
class Reading:
    """What a target says.

    **Arguments:**

    - `terms`: its terms in the order in which they come, in canonical form.
    - `broken`: the pieces that are no terms.
    - `ended`: whether it came to its end.
    """

    terms: tuple[WrittenTerm, ...]
    broken: tuple[Broken, ...]
    ended: bool


class _Garbled(Exception):
    """Why a piece is no term."""


def read_terms(
    tokens: Sequence[int],
    fields: tuple[Field, ...],
    letters: Mapping[tuple[int, ...], int],
    style: str,
) -> Reading:
    """The terms of a target.

    **Arguments:**

    - `tokens`: token numbers.
    - `fields`: the fields it is about.
    - `letters`: letters by their tokens: 2 i is field i, 2 i + 1 its conjugate.
    - `style`: how letters are written.
    """
    body = [token for token in tokens if token != VOCABULARY.padding]
    body = body[1:] if body[:1] == [VOCABULARY.begin] else body
    ended = VOCABULARY.end in body
    body = body[: body.index(VOCABULARY.end)] if ended else body
    pieces: list[list[int]] = []
    for token in body:
        if token == _NUMBER["+"] or not pieces:
            pieces.append([])
        pieces[-1].append(token)
    terms, broken = [], []
    for piece in pieces:
        try:
            terms.append(_term(piece, fields, letters, style))
        except _Garbled as error:
            broken.append(Broken(VOCABULARY.text(piece), str(error)))
    return Reading(tuple(terms), tuple(broken), ended)


def _term(
    piece: list[int], fields: tuple[Field, ...], letters: Mapping[tuple[int, ...], int], style: str
) -> WrittenTerm:
    if piece[0] != _NUMBER["+"]:
        raise _Garbled("it does not begin with +")
    if len(piece) < 2 or piece[1] not in _KINDS:
        raise _Garbled("no class follows the +")
    kind, rest = _KINDS[piece[1]], piece[2:]
    if kind == "gauge":
        return _field_strength(rest)
    if kind == "kinetic":
        return _kinetic(rest, fields, letters, style)
    self_conjugate = rest[-1:] != [_NUMBER["HC"]]
    rest = rest if self_conjugate else rest[:-1]
    label = ""
    if _NUMBER["CH"] in rest:
        place = rest.index(_NUMBER["CH"])
        spelled, rest = rest[place + 1 :], rest[:place]
        if not spelled or not set(spelled) <= _LABEL:
            raise _Garbled("its label is none")
        label = "".join(VOCABULARY.words[token] for token in spelled)
    codes = [_code(chunk, letters) for chunk in _chunks(rest, style)]
    if kind_of(codes, fields) != kind:
        raise _Garbled(f"such letters make no {kind} term")
    codes = canonical(codes, fields)
    names = tuple(_name(code, fields) for code in codes)
    return WrittenTerm(kind, names, label, self_conjugate)


def _field_strength(rest: list[int]) -> WrittenTerm:
    factors = {_NUMBER[factor.upper()]: factor for factor in STANDARD_MODEL.factors}
    if len(rest) != 1 or rest[0] not in factors:
        raise _Garbled("no factor of the gauge group follows")
    return WrittenTerm("gauge", (f"F({factors[rest[0]]})",) * 2)


def _kinetic(
    rest: list[int], fields: tuple[Field, ...], letters: Mapping[tuple[int, ...], int], style: str
) -> WrittenTerm:
    derivative = _NUMBER["DERIVATIVE"]
    expected: dict[tuple[int, ...], int] = {}
    words = {code: chunk for chunk, code in letters.items()}
    for i, field in enumerate(fields):
        if style == "compact":
            expected[words[2 * i]] = i
            continue
        second = words[2 * i + 1] if field.fermion else (derivative, *words[2 * i + 1])
        expected[(derivative, *words[2 * i], *second)] = i
    if tuple(rest) not in expected:
        raise _Garbled("it is no kinetic term of one of the fields")
    i = expected[tuple(rest)]
    bar = _name(2 * i + (not fields[i].real), fields)
    return WrittenTerm(
        "kinetic", (f"D({fields[i].name})", bar if fields[i].fermion else f"D({bar})")
    )


def _chunks(rest: list[int], style: str) -> list[tuple[int, ...]]:
    if style == "compact":
        return [(token,) for token in rest]
    chunks: list[list[int]] = []
    for token in rest:
        if token == _NUMBER["FIELD"] or not chunks:
            chunks.append([])
        chunks[-1].append(token)
    return [tuple(chunk) for chunk in chunks]


def _code(chunk: tuple[int, ...], letters: Mapping[tuple[int, ...], int]) -> int:
    if chunk not in letters:
        raise _Garbled(f"{VOCABULARY.text(chunk)!r} is no letter of these fields")
    return letters[chunk]


def _name(code: int, fields: tuple[Field, ...]) -> str:
    return fields[code // 2].name + ("*" if code % 2 else "")


def read_fields(tokens: Sequence[int], style: str) -> tuple[tuple[Field, ...], tuple[int, ...]]:
    """The fields that a source describes, called by their pointers, and these.

    **Raises:** `ValueError` when it is no source.
    """
    outside = (VOCABULARY.padding, VOCABULARY.begin, VOCABULARY.end)
    body = [token for token in tokens if token not in outside]
    (first, last), opening = VOCABULARY.pointers, _NUMBER["FIELD"]
    fields: list[Field] = []
    pointers: list[int] = []
    place = 0
    while place < len(body):
        opens = body[place] == opening or first <= body[place] <= last
        if not opens or (body[place] == opening) != (style == "verbose"):
            raise ValueError(f"no field begins with {VOCABULARY.text(body[place : place + 1])!r}")
        stop = place + 1
        while (
            stop < len(body) and body[stop] != _NUMBER["FIELD"] and not first <= body[stop] <= last
        ):
            stop += 1
        pointer = len(fields) if style == "verbose" else body[place] - first
        fields.append(_field(VOCABULARY.text(body[place + 1 : stop]), f"F{pointer}"))
        pointers.append(pointer)
        place = stop
    return tuple(fields), tuple(pointers)


@lru_cache(maxsize=8192)
def _field(description: str, name: str) -> Field:
    given: dict[str, str] = {}
    key = ""
    for word in description.split():
        if word in ("SPIN", "REAL", "SU3", "SU2", "U1", "HEL"):
            key = word
            if key in given:
                raise ValueError(f"{key} is there twice in {description!r}")
            given[key] = ""
        elif not key:
            raise ValueError(f"{description!r} does not begin with SPIN")
        else:
            given[key] += word
    options: dict[str, object] = {k.lower(): given[k] for k in ("SU3", "SU2") if k in given}
    if "U1" in given:
        options["u1"] = Fraction(given["U1"]) / 2
    if "HEL" in given:
        options["helicity"] = given["HEL"]
    return Field(name, given.get("SPIN", ""), real="REAL" in given, **options)  # type: ignore[arg-type]
