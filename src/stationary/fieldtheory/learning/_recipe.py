"""How a model of Lagrangians is made: which data, which network, how long."""

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Int

from stationary.nn import Ragged, Seq2Seq, train

from ._dataset import Dataset
from ._holdout import HoldOut
from ._keys import SPLITS, splits_of_keys
from ._predictor import Predictor
from ._sampler import BLOCK, Examples, Sampler
from ._tokens import Tokens
from ._universe import TINY, Universe
from ._vocabulary import FIELDS, VOCABULARY

_LONGEST_FIELD = 24  # tokens; the longest description in any universe here has fewer
_LONGEST_TARGET = 512  # positions of a learned table; what training does not reach stays random
_PATIENCE = 200  # blocks


@dataclass(frozen=True)
class Recipe:
    """Everything that decides which model training ends with.

    **Arguments:**

    - `universe`, `distribution`, `fields`, `repetition`, `random_pointers`: of the
        [`Sampler`][stationary.fieldtheory.learning.Sampler].
    - `examples`: how many to train on; fields that belong to another split are drawn and left out.
    - `unusual`: what part of the examples to train on have a term other than f f* and f f f* f* of
        a scalar, whatever the number of fields; others are left out until it is so. Default: as
        many as are drawn.
    - `longest`: leave out targets with more tokens; default none.
    - `hold_out`: what training is not to see; a
        [`HoldOut`][stationary.fieldtheory.learning.HoldOut].
    - `preset`, `positions`: of [`Seq2Seq.preset`][stationary.nn.Seq2Seq].
    - `compute_dtype`: what products are computed in; default float32.
    - `rule`, `learning_rate`, `steps`, `batch`, `lengths`, `source_lengths`: of
        [`train`][stationary.nn.train].
    - `seed`: of the data, the initial parameters and the order of batches.

    **Raises:** `ValueError` for an `unusual` that is not between 0 and 1.

    !!! example
        >>> from stationary.fieldtheory.learning import TINY, Recipe
        >>> recipe = Recipe(TINY, fields=(1, 2), examples=500)
        >>> len(recipe.part("train")), len(recipe.part("test", 50))
        (500, 50)
    """

    universe: Universe = TINY
    distribution: str = "uniform"
    fields: tuple[int, int] = (1, 3)
    repetition: bool = False
    random_pointers: bool = False
    tokens: Tokens = field(default_factory=lambda: Tokens(interactions_only=True))
    examples: int = 60_000
    unusual: float | None = None
    longest: int | None = None
    hold_out: HoldOut | None = None
    preset: str = "nano"
    positions: str = "learned"
    compute_dtype: Any = None
    rule: str = "adamw"
    steps: int = 1300
    batch: int = 64
    lengths: int = 3
    source_lengths: int = 2
    learning_rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.unusual is not None and not 0 < self.unusual < 1:
            raise ValueError(f"unusual must lie between 0 and 1, got {self.unusual}.")

    @property
    def sampler(self) -> Sampler:
        """Where the data come from."""
        return Sampler(
            self.universe,
            distribution=self.distribution,
            fields=self.fields,
            repetition=self.repetition,
            tokens=self.tokens,
            random_pointers=self.random_pointers,
            seed=self.seed,
        )

    def part(self, split: str, count: int | None = None) -> Dataset:
        """Examples of one split, the first ones that the sampler draws.

        **Arguments:**

        - `split`: `"train"`, `"validation"`, `"test"` or `"held out"`.
        - `count`: how many; default as many as there are to train on.

        **Returns:** a [`Dataset`][stationary.fieldtheory.learning.Dataset].

        **Raises:** `ValueError` for another split, and when hardly anything belongs to it.
        """
        if split not in SPLITS:
            raise ValueError(f"The splits are {', '.join(SPLITS)}, got {split!r}.")
        count = self.examples if count is None else count
        parts: list[Dataset] = []
        total = index = 0
        while total < count:
            block = self.sampler.block(index)
            splits = self._splits(block)
            rows = np.flatnonzero(splits == SPLITS.index(split))
            if split == "train" and self.unusual is not None:
                rows = _rows_with(self.unusual, rows, block.fields[rows], block.nontrivial[rows])
                # Evenly spaced where they are too many, for usual ones come first in a block.
                wanted = min(rows.size, count - total)
                rows = rows[np.arange(wanted) * rows.size // max(wanted, 1)]
            rows = rows[: count - total]
            parts.append(_as_dataset(self.tokens, block, splits).take(rows))
            total, index = total + rows.size, index + 1
            if index == _PATIENCE and total < index:
                raise ValueError(f"Next to nothing of {self.sampler} belongs to {split!r}.")
        return _joined(parts)

    def _splits(self, block: Examples) -> Int[np.ndarray, "rows"]:
        splits = splits_of_keys(block.keys).astype(np.int32)
        if self.hold_out is not None:
            splits[self.hold_out.rows(self.universe, block.types)] = SPLITS.index("held out")
        if self.longest is not None:
            splits[block.target.lengths > self.longest] = -1
        return splits

    def network(self) -> Seq2Seq:
        """The untrained model."""
        given: dict[str, Any] = {}
        if self.positions == "set":
            given = {"element_tokens": VOCABULARY.pointers, "element_length": _LONGEST_FIELD}
        if self.positions == "learned":
            given = {"max_source": _LONGEST_FIELD * FIELDS, "max_target": _LONGEST_TARGET}
        return Seq2Seq.preset(
            self.preset,
            len(VOCABULARY),
            positions=self.positions,
            compute_dtype=self.compute_dtype,
            key=jax.random.key(self.seed),
            **given,
        )

    def train(self, **options: Any) -> Predictor:
        """Train the model.

        **Arguments:**

        - `options`: progress, checkpoints and limits, as for [`train`][stationary.nn.train].

        **Returns:** a [`Predictor`][stationary.fieldtheory.learning.Predictor].
        """
        data = self.part("train")
        trained, _ = train(
            self.network(),
            (data.source, data.target),
            steps=self.steps,
            batch=self.batch,
            lengths=self.lengths,
            source_lengths=self.source_lengths,
            rule=self.rule,
            learning_rate=self.learning_rate,
            seed=self.seed,
            **options,
        )
        return Predictor(
            trained, self.tokens, self.universe, self.fields[1], int(data.target.lengths.max())
        )

    def untrained(self) -> Predictor:
        """The same with the initial parameters."""
        data = self.part("train", BLOCK)
        longest = int(data.target.lengths.max())
        return Predictor(self.network(), self.tokens, self.universe, self.fields[1], longest)


def _rows_with(
    part: float,
    rows: Int[np.ndarray, "rows"],
    fields: Int[np.ndarray, "rows"],
    unusual: Bool[np.ndarray, "rows"],
) -> Int[np.ndarray, "kept"]:
    """As many rows as there can be so that `part` of those with so many fields are unusual."""
    kept = np.zeros(rows.size, bool)
    for count in np.unique(fields):
        one, other = (np.flatnonzero((fields == count) & (unusual == is_so)) for is_so in (1, 0))
        whole = min(one.size / part, other.size / (1 - part))
        kept[one[: round(part * whole)]] = True
        kept[other[: round((1 - part) * whole)]] = True
    return rows[kept]


def _as_dataset(tokens: Tokens, examples: Examples, splits: Int[np.ndarray, "rows"]) -> Dataset:
    return Dataset(
        tokens,
        examples.source,
        examples.target,
        examples.fields.astype(np.int32),
        examples.terms.astype(np.int32),
        examples.nontrivial,
        examples.keys,
        splits,
    )


def _joined(parts: list[Dataset]) -> Dataset:
    """Data sets one after the other."""

    def ragged(name: str) -> Ragged:
        return Ragged.joined([getattr(part, name) for part in parts])

    def flat(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    columns = [flat(name) for name in ("fields", "terms", "nontrivial", "keys", "splits")]
    return Dataset(parts[0].tokens, ragged("source"), ragged("target"), *columns)
