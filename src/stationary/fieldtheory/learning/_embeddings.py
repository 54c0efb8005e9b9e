"""What a trained encoder makes of single fields."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from stationary.nn import Ragged

from ._predictor import Predictor
from ._universe import Universe

_LEVEL = 1e-3  # of the ridge, relative to the mean square of the embeddings


def field_embeddings(predictor: Predictor) -> Float[np.ndarray, "types width"]:
    """One vector for every field type: the mean of the encoder's states when it is alone.

    **Arguments:**

    - `predictor`: the model.

    **Returns:** vectors by type, in the order of the predictor's universe.
    """
    universe = predictor.universe
    fields = [universe.field(number, "f") for number in range(len(universe))]
    source = Ragged.of([predictor.tokens.encode([field]) for field in fields]).padded()
    states, mask = predictor.model.encode(source)
    weight = np.asarray(mask, np.float64)[..., None]
    return np.sum(np.asarray(states, np.float64) * weight, axis=1) / np.sum(weight, axis=1)


@dataclass(frozen=True)
class ConjugationAxis:
    """How much the steps from fields to their conjugates point the same way.

    **Arguments:**

    - `alignment`: the mean cosine between the steps of two pairs.
    - `null_mean`, `null_spread`: mean and standard deviation of the same after pairing fields at
        random.
    """

    alignment: float
    null_mean: float
    null_spread: float

    @property
    def deviations(self) -> float:
        """The alignment less what chance gives, in standard deviations of chance."""
        return (self.alignment - self.null_mean) / self.null_spread


def conjugation_axis(
    universe: Universe,
    embeddings: Float[np.ndarray, "types width"],
    *,
    permutations: int = 200,
    seed: int = 0,
) -> ConjugationAxis:
    """Whether conjugation is one direction in the space of embeddings.

    Each pair of conjugate fields gives a step, of fermions from left- to right-handed and of
    scalars from negative to positive charge (or from the smaller to the larger number, for equal
    charges). For comparison, the ends of the steps are dealt out anew at random.

    **Arguments:**

    - `universe`: the field types.
    - `embeddings`: a vector for each.
    - `permutations`: how often to deal anew.
    - `seed`: of the dealing.

    **Returns:** a [`ConjugationAxis`][stationary.fieldtheory.learning.ConjugationAxis].

    !!! example
        >>> import numpy as np
        >>> from stationary.fieldtheory.learning import TINY, conjugation_axis
        >>> noise = np.random.default_rng(0).normal(size=(len(TINY), 32))
        >>> abs(conjugation_axis(TINY, noise).deviations) < 3
        True
    """
    begin, end = conjugate_pairs(universe)
    rng = np.random.default_rng(seed)
    dealt = [
        _alignment(embeddings[rng.permutation(end)] - embeddings[begin])
        for _ in range(permutations)
    ]
    return ConjugationAxis(
        _alignment(embeddings[end] - embeddings[begin]),
        float(np.mean(dealt)),
        float(np.std(dealt, ddof=1)),
    )


def conjugate_pairs(
    universe: Universe,
) -> tuple[Int[np.ndarray, "pairs"], Int[np.ndarray, "pairs"]]:
    """The types that have another one as their conjugate, and these: oriented pairs."""
    fields = [universe.field(number, "f") for number in range(len(universe))]
    begin, end = [], []
    for number, other in enumerate(universe.conjugates.tolist()):
        if number >= other:
            continue
        pair = (number, other)
        keys = [(fields[p].helicity or 0, fields[p].charge("u1")) for p in pair]
        first, second = pair if keys[0] <= keys[1] else pair[::-1]
        begin.append(first)
        end.append(second)
    return np.array(begin), np.array(end)


def _alignment(steps: Float[np.ndarray, "pairs width"]) -> float:
    units = steps / np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1e-300)
    count = len(units)
    return float((np.sum(np.sum(units, axis=0) ** 2) - count) / (count * (count - 1)))


def probe_accuracy(
    embeddings: Float[np.ndarray, "rows width"],
    labels: Int[np.ndarray, "rows"],
    *,
    folds: int = 5,
    seed: int = 0,
) -> float:
    """How well a linear map reads a label off embeddings that it has not seen.

    Ridge regression to indicators, with cross-validation.

    **Arguments:**

    - `embeddings`: a vector for each row.
    - `labels`: a small number for each row.
    - `folds`: how many parts are left out in turn.
    - `seed`: which row goes to which part.

    **Returns:** the part of the rows whose label is found while they are left out.

    **Raises:** `ValueError` for fewer than two folds, or more than rows.
    """
    rows = len(labels)
    if not 2 <= folds <= rows:
        raise ValueError(f"folds must lie in 2..{rows} (the rows), got {folds}.")
    part = np.random.default_rng(seed).permutation(rows) % folds
    values = np.unique(labels)
    right = 0
    for fold in range(folds):
        train, test = part != fold, part == fold
        center = embeddings[train].mean(axis=0)
        x = embeddings[train] - center
        y = (labels[train][:, None] == values).astype(float)
        level = _LEVEL * np.mean(np.sum(x**2, axis=1))
        weights = np.linalg.solve(x.T @ x + level * np.eye(x.shape[1]), x.T @ (y - y.mean(axis=0)))
        scores = (embeddings[test] - center) @ weights + y.mean(axis=0)
        right += int(np.sum(values[np.argmax(scores, axis=1)] == labels[test]))
    return right / rows


def analogy_ranks(
    universe: Universe, embeddings: Float[np.ndarray, "types width"], *, most: int = 2000
) -> Int[np.ndarray, "analogies"]:
    """Whether changing one SU(2) representation into another is the same step for every field.

    For fields f, f' and g, g' that differ only in the same change of SU(2) representation: the
    place of f' among all types by distance to e(f) + e(g') - e(g), the three others left out.

    **Arguments:**

    - `universe`: the field types.
    - `embeddings`: a vector for each.
    - `most`: how many analogies to look at, chosen evenly.

    **Returns:** places; 1 is the nearest.
    """
    fields = [universe.field(number, "f") for number in range(len(universe))]
    weak = np.array([dict(f.representations).get("su2", 1) for f in fields], object).astype(str)
    numbers: dict[tuple, dict[str, int]] = {}
    for number, f in enumerate(fields):
        rest = tuple(pair for pair in f.representations if pair[0] != "su2")
        numbers.setdefault((f.helicity, rest), {})[weak[number]] = number
    changes: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for family in numbers.values():
        for one, first in family.items():
            for other, second in family.items():
                if one != other:
                    changes.setdefault((one, other), []).append((first, second))
    quadruples = [
        (f, f2, g, g2) for pairs in changes.values() for f, f2 in pairs for g, g2 in pairs if f != g
    ]
    chosen = quadruples[:: max(1, -(-len(quadruples) // most))]
    ranks = []
    for f, f2, g, g2 in chosen:
        distance = np.linalg.norm(
            embeddings - (embeddings[f] + embeddings[g2] - embeddings[g]), axis=1
        )
        distance[[f, g, g2]] = np.inf
        ranks.append(1 + int(np.sum(distance < distance[f2])))
    return np.array(ranks)
