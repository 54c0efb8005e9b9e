"""How good Lagrangians are that a model wrote."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from dataclasses import fields as columns_of
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from stationary.nn import Ragged

from .._field import Field
from .._text import WrittenTerm
from ._dataset import Dataset
from ._reading import Reading
from ._validity import FAILURES, failures
from ._vocabulary import VOCABULARY, whole

TERM_CLASSES = (
    "gauge",
    "kinetic",
    "linear",
    "mass",
    "majorana",
    "dirac",
    "cubic",
    "yukawa",
    "quartic",
)
"""Classes of terms; `mass` is of scalars, `majorana` and `dirac` are of fermions."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of written Lagrangians, a row each.

    With T the terms that were written (pieces that are none count as terms that are wrong) and T*
    the true ones, both as sets:

    **Arguments:**

    - `exact`: whether T = T*.
    - `sequence`: whether the tokens are the same.
    - `precision`, `recall`, `f1`: |T ∩ T*| over |T|, over |T*|, and over their mean; 1 where both
        are empty, 0 where one is.
    - `letters`: as `f1`, of the terms' letters only.
    - `contraction`: of the terms whose letters are right, the part whose contraction is too; NaN
        where there are none.
    - `length`: 1 - ||T| - |T*|| / max(|T|, |T*|).
    - `valid`: the part of T that is invariant, whatever the truth; NaN where T is empty.
    - `failing`: how many of T break each of `FAILURES`; a term may break several.
    - `right`, `wrong`, `missed`: how many terms of each of `TERM_CLASSES` are in both, in T only
        and in T* only.
    - `fields`, `terms`, `nontrivial`: of the model, as in
        [`Dataset`][stationary.fieldtheory.learning.Dataset].
    """

    exact: Bool[np.ndarray, "rows"]
    sequence: Bool[np.ndarray, "rows"]
    precision: Float[np.ndarray, "rows"]
    recall: Float[np.ndarray, "rows"]
    f1: Float[np.ndarray, "rows"]
    letters: Float[np.ndarray, "rows"]
    contraction: Float[np.ndarray, "rows"]
    length: Float[np.ndarray, "rows"]
    valid: Float[np.ndarray, "rows"]
    failing: Int[np.ndarray, "rows failures"]
    right: Int[np.ndarray, "rows classes"]
    wrong: Int[np.ndarray, "rows classes"]
    missed: Int[np.ndarray, "rows classes"]
    fields: Int[np.ndarray, "rows"]
    terms: Int[np.ndarray, "rows"]
    nontrivial: Bool[np.ndarray, "rows"]

    def __len__(self) -> int:
        return len(self.exact)

    def take(self, rows: np.ndarray) -> "Scores":
        """The scores of some rows, given by number or by a mask."""
        return Scores(*(getattr(self, column.name)[rows] for column in columns_of(self)))

    def mean(self) -> dict[str, float]:
        """The mean of each score, NaN left out, and the number of rows as `count`."""
        names = (
            "exact",
            "sequence",
            "precision",
            "recall",
            "f1",
            "letters",
            "contraction",
            "length",
            "valid",
        )
        return {"count": len(self)} | {name: _mean(getattr(self, name)) for name in names}

    def by_fields(self) -> dict[int, dict[str, float]]:
        """Means by the number of fields."""
        return {int(n): self.take(self.fields == n).mean() for n in np.unique(self.fields)}

    def by_terms(self) -> dict[int, dict[str, float]]:
        """Means by the number of true interactions."""
        return {int(n): self.take(self.terms == n).mean() for n in np.unique(self.terms)}

    def by_class(self) -> dict[str, dict[str, float]]:
        """Precision, recall and f1 over all terms of each class that occurs."""
        found = {}
        for place, name in enumerate(TERM_CLASSES):
            right, wrong, missed = (
                int(column[:, place].sum()) for column in (self.right, self.wrong, self.missed)
            )
            if right + wrong + missed:
                found[name] = {
                    "count": right + missed,
                    "precision": _share(right, right + wrong),
                    "recall": _share(right, right + missed),
                    "f1": _share(2 * right, 2 * right + wrong + missed),
                }
        return found

    def by_failure(self) -> dict[str, int]:
        """How many terms break each of `FAILURES`."""
        return dict(zip(FAILURES, self.failing.sum(axis=0).tolist(), strict=True))


def evaluate(predicted: Sequence[Iterable[Any]] | Ragged, data: Dataset) -> Scores:
    """Score sequences that a model wrote.

    **Arguments:**

    - `predicted`: token numbers for each row of `data`, with or without begin and padding.
    - `data`: fields and true Lagrangians.

    **Returns:** [`Scores`][stationary.fieldtheory.learning.Scores].

    **Raises:** `ValueError` when there are not as many sequences as models.

    !!! example
        >>> from stationary.fieldtheory import model
        >>> from stationary.fieldtheory.learning import VOCABULARY, Tokens, encoded, evaluate
        >>> data = encoded([model()[:1]], Tokens(interactions_only=True))
        >>> scores = evaluate([VOCABULARY.numbers("+ MASS F0 F0* + CUB F0 F0 F0* [EOS]")], data)
        >>> bool(scores.exact[0]), float(scores.f1[0]), float(scores.valid[0])
        (False, 0.5, 0.5)
    """
    if len(predicted) != len(data):
        raise ValueError(f"There are {len(predicted)} sequences for {len(data)} models.")
    rows = []
    for row in range(len(data)):
        written, target = whole(predicted[row]), data.target[row].tolist()
        fields, pointers = data.tokens.decode_fields(data.source[row])
        reading, truth = (
            data.tokens.decode(tokens, fields, pointers=pointers) for tokens in (written, target)
        )
        same = _body(written) == _body(target)
        exact, *rest = _compare(reading, truth, fields)
        rows.append((exact, same, *rest))
    kinds: tuple[Callable, ...] = (bool, bool, *[float] * 7, *[int] * 4)
    columns = [
        np.array([row[place] for row in rows], dtype=kind).reshape(len(rows), *shape)
        for place, (kind, shape) in enumerate(zip(kinds, _SHAPES, strict=True))
    ]
    return Scores(*columns, data.fields, data.terms, data.nontrivial)  # type: ignore[call-arg]


_SHAPES = (*[()] * 9, (len(FAILURES),), *[(len(TERM_CLASSES),)] * 3)


def _compare(reading: Reading, truth: Reading, fields: Sequence[Field]) -> tuple:
    mine, true, broken = set(reading.terms), set(truth.terms), len(reading.broken)
    both = mine & true
    count = len(mine) + broken
    letters, true_letters = ({term.letters for term in terms} for terms in (mine, true))
    located = [term for term in mine if term.letters in true_letters]
    failing = dict.fromkeys(FAILURES, 0) | {"grammar": broken}
    valid = 0
    for term in mine:
        why = failures(term, fields)
        valid += not why
        for name in why:
            failing[name] += 1
    return (
        mine == true and not broken,
        _ratio(len(both), count, len(true)),
        _ratio(len(both), len(true), count),
        _f1(len(both), count, len(true)),
        _f1(len(letters & true_letters), len(letters) + broken, len(true_letters)),
        len(both) / len(located) if located else np.nan,
        1 - abs(count - len(true)) / max(count, len(true), 1),
        valid / count if count else np.nan,
        list(failing.values()),
        *(_by_class(terms, fields) for terms in (both, mine - true, true - mine)),
    )


def _by_class(terms: Iterable[WrittenTerm], fields: Sequence[Field]) -> list[int]:
    counts = [0] * len(TERM_CLASSES)
    fermions = {letter for f in fields if f.fermion for letter in (f.name, f"{f.name}*")}
    for term in terms:
        name = term.kind
        if name == "mass" and term.letters[0] in fermions:
            name = "majorana" if len(set(term.letters)) == 1 else "dirac"
        counts[TERM_CLASSES.index(name)] += 1
    return counts


def _body(tokens: list[int]) -> list[int]:
    """Tokens from the first to the end."""
    kept = [token for token in tokens if token not in (VOCABULARY.padding, VOCABULARY.begin)]
    return kept[: kept.index(VOCABULARY.end) + 1] if VOCABULARY.end in kept else kept


def _ratio(part: int, whole: int, other: int) -> float:
    return part / whole if whole else float(other == 0)


def _f1(both: int, one: int, other: int) -> float:
    return 2 * both / (one + other) if one + other else 1.0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _mean(values: np.ndarray) -> float:
    kept = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return float(np.mean(kept)) if kept.size else float("nan")
