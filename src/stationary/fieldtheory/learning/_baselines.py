"""What Lagrangians are guessed without learning."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from .._field import Field
from .._generate import lagrangian_terms
from .._termset import TermSet
from ._dataset import Dataset
from ._encoded import is_usual

_CHUNK = 1 << 14


def usual_terms(data: Dataset) -> list[list[int]]:
    """What every model has: kinetic terms, and f f* and f f f* f* of each scalar.

    Field strengths too, unless the data set leaves them out; and all contractions of f f f* f*.

    **Arguments:**

    - `data`: models.

    **Returns:** token numbers, for [`evaluate`][stationary.fieldtheory.learning.evaluate].
    """
    found = []
    for row in range(len(data)):
        fields, pointers = data.tokens.decode_fields(data.source[row])
        terms = lagrangian_terms(fields)
        kept = TermSet(fields, terms.group, tuple(t for t in terms if is_usual(t)))
        found.append(data.tokens.encode(kept, pointers=pointers))
    return found


def nearest_terms(train: Dataset, data: Dataset) -> list[list[int]]:
    """The Lagrangian of the model seen in training that has most fields in common.

    Fields are the same when their quantum numbers are, up to conjugation. Of equally near models
    the one with fewer other fields counts, then the first. What it says of fields that are not
    there is left out.

    **Arguments:**

    - `train`: models with known Lagrangians.
    - `data`: models.

    **Returns:** token numbers, for [`evaluate`][stationary.fieldtheory.learning.evaluate].
    """
    _, first = np.unique(train.keys, return_index=True)
    first = np.sort(first)
    known = [_classes(train.fields_of(row)) for row in first.tolist()]
    asked = [_classes(data.fields_of(row)) for row in range(len(data))]
    places: dict[tuple[str, int], int] = {}
    for classes in (*known, *asked):
        for item in _numbered(classes):
            places.setdefault(item, len(places))
    wanted = _indicators(asked, places)
    best = np.full(len(asked), -np.inf)
    chosen = np.zeros(len(asked), np.int64)
    for begin in range(0, len(known), _CHUNK):
        some = _indicators(known[begin : begin + _CHUNK], places)
        score = wanted @ some.T - some.sum(axis=1) / (2 * len(places) + 1)
        top = np.argmax(score, axis=1)
        better = score[np.arange(len(asked)), top] > best
        best[better] = score[np.arange(len(asked)), top][better]
        chosen[better] = top[better] + begin
    found = []
    for row in range(len(data)):
        fields, pointers = data.tokens.decode_fields(data.source[row])
        left = Counter(known[chosen[row]])
        shared = []
        for place, name in enumerate(asked[row]):
            if left[name]:
                left[name] -= 1
                shared.append(place)
        # Terms of some fields do not depend on which others there are, so those that the known
        # model has of the shared ones, renamed, are the terms of these fields.
        some = tuple(fields[place] for place in shared) or fields[:1]
        terms = lagrangian_terms(some)
        kept = terms.terms if shared else terms.of_kind("gauge")
        pointing = [pointers[place] for place in shared] or pointers[:1]
        answer = TermSet(some, terms.group, kept)
        found.append(data.tokens.encode(answer, pointers=pointing))
    return found


def _classes(fields: Sequence[Field]) -> list[str]:
    own = [field.renamed("f") for field in fields]
    return [min(str(field), str(field.conjugate)) for field in own]


def _numbered(classes: Sequence[str]) -> list[tuple[str, int]]:
    seen: Counter[str] = Counter()
    found = []
    for name in classes:
        found.append((name, seen[name]))
        seen[name] += 1
    return found


def _indicators(
    models: Sequence[Sequence[str]], places: dict[tuple[str, int], int]
) -> Float[np.ndarray, "models places"]:
    """Which fields each model has, copies apart, so that products count what is shared."""
    table = np.zeros((len(models), len(places)), np.float32)
    for row, classes in enumerate(models):
        table[row, [places[item] for item in _numbered(classes)]] = 1
    return table
