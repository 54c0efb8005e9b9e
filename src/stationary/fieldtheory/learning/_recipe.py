"""How a model of Lagrangians is made: which data, which network, how long."""

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool

from stationary.nn import Ragged, Seq2Seq, train

from ._keys import SPLITS, splits_of_keys
from ._predictor import Predictor
from ._sampler import BLOCK, Examples, Sampler
from ._tokens import Tokens
from ._universe import TINY, Universe
from ._vocabulary import VOCABULARY

_LONGEST_FIELD = 24  # tokens; the longest description in any universe here has fewer


@dataclass(frozen=True)
class Recipe:
    """Everything that decides which model training ends with.

    **Arguments:**

    - `universe`, `distribution`, `fields`, `repetition`, `random_pointers`: of the
        [`Sampler`][stationary.fieldtheory.learning.Sampler].
    - `examples`: how many to train on; fields that belong to another split are drawn and left out.
    - `longest`: leave out targets with more tokens; default none.
    - `preset`, `positions`: of [`Seq2Seq.preset`][stationary.nn.Seq2Seq].
    - `compute_dtype`: what products are computed in; default float32.
    - `steps`, `batch`, `lengths`, `learning_rate`: of [`train`][stationary.nn.train].
    - `seed`: of the data, the initial parameters and the order of batches.

    !!! example
        >>> from stationary.fieldtheory.learning import TINY, Recipe
        >>> recipe = Recipe(TINY, fields=(1, 2), examples=500)
        >>> source, target = recipe.sequences("train")
        >>> len(source), len(target)
        (500, 500)
    """

    universe: Universe = TINY
    distribution: str = "uniform"
    fields: tuple[int, int] = (1, 3)
    repetition: bool = False
    random_pointers: bool = False
    tokens: Tokens = field(default_factory=lambda: Tokens(interactions_only=True))
    examples: int = 60_000
    longest: int | None = None
    preset: str = "nano"
    positions: str = "learned"
    compute_dtype: Any = None
    steps: int = 1300
    batch: int = 64
    lengths: int = 3
    learning_rate: float = 2e-3
    seed: int = 0

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

    def part(self, split: str, count: int) -> Examples:
        """Examples of one split, the first ones that the sampler draws.

        **Arguments:**

        - `split`: `"train"`, `"validation"` or `"test"`.
        - `count`: how many.
        """
        return first_examples(self.sampler, split, count, self._kept)

    def _kept(self, examples: Examples) -> Bool[np.ndarray, "rows"]:
        if self.longest is None:
            return np.ones(len(examples), bool)
        return examples.target.lengths <= self.longest

    def sequences(self, split: str, count: int | None = None) -> tuple[Ragged, Ragged]:
        """Sources and targets of one split; as many as there are to train on by default."""
        examples = self.part(split, self.examples if count is None else count)
        return examples.source, examples.target

    def network(self, target: Ragged) -> Seq2Seq:
        """The untrained model; learned positions go as far as the longest sequence."""
        given: dict[str, Any] = {}
        if self.positions == "set":
            given = {"element_tokens": VOCABULARY.pointers, "element_length": _LONGEST_FIELD}
        if self.positions == "learned":
            given = {
                "max_source": _LONGEST_FIELD * self.fields[1],
                "max_target": int(target.lengths.max()),
            }
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
        source, target = self.sequences("train")
        trained, _ = train(
            self.network(target),
            (source, target),
            steps=self.steps,
            batch=self.batch,
            lengths=self.lengths,
            learning_rate=self.learning_rate,
            seed=self.seed,
            **options,
        )
        return Predictor(
            trained, self.tokens, self.universe, self.fields[1], int(target.lengths.max())
        )

    def untrained(self) -> Predictor:
        """The same with the initial parameters."""
        _, target = self.sequences("train", BLOCK)
        longest = int(target.lengths.max())
        network = self.network(target)
        return Predictor(network, self.tokens, self.universe, self.fields[1], longest)


def first_examples(sampler: Sampler, split: str, count: int, kept: Any) -> Examples:
    """The first examples that belong to a split and are kept."""
    if split not in SPLITS:
        raise ValueError(f"split is one of {', '.join(SPLITS)}, got {split!r}.")
    parts, total, index = [], 0, 0
    while total < count:
        block = sampler.block(index)
        chosen = splits_of_keys(block.keys) == SPLITS.index(split)
        rows = np.flatnonzero(chosen & kept(block))[: count - total]
        parts.append(take(block, rows))
        total, index = total + rows.size, index + 1
        if index > 100 and total == 0:
            raise ValueError(f"{sampler} draws nothing that belongs to {split}.")
    return joined(parts)


def take(examples: Examples, rows: np.ndarray) -> Examples:
    """Some of the examples."""
    found: dict[str, Any] = {}
    for name, value in vars(examples).items():
        found[name] = value.take(rows) if isinstance(value, Ragged) else value[rows]
    return Examples(**found)


def joined(parts: list[Examples]) -> Examples:
    """Examples one part after the other."""

    def join(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        if not isinstance(values[0], Ragged):
            return np.concatenate(values)
        lengths = np.concatenate([value.lengths for value in values])
        tokens = np.concatenate([value.tokens for value in values])
        return Ragged(tokens, np.concatenate([[0], np.cumsum(lengths)]))

    found: dict[str, Any] = {name: join(name) for name in vars(parts[0])}
    return Examples(**found)
