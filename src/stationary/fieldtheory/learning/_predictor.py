"""A trained model that writes Lagrangians."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Int

from stationary.nn import AbstractConstraint, Ragged, Seq2Seq, greedy, load, save

from .._field import Field
from .._termset import TermSet
from ._grammar import LagrangianGrammar
from ._reading import Reading
from ._tokens import Tokens
from ._universe import Universe

_SOURCE_STEP = 32
_TARGET_STEP = 64
_ROOM = 8
"""How many tokens more than in training a model may write to come to an end."""

SHIPPED = Path(__file__).parent / "weights"
"""Where the weights are that come with the package."""


class OutOfReachError(ValueError):
    """Fields that a model cannot read, or an answer longer than it can write."""


@dataclass(frozen=True, eq=False)
class Predictor:
    """A trained model with the words it was trained on.

    **Arguments:**

    - `model`: the network.
    - `tokens`: how sequences are written.
    - `universe`: the field types it has seen.
    - `most_fields`: the most fields it has seen in one model.
    - `longest`: the longest target it was trained with, in tokens.
    - `about`: what is known of it, such as its training command and its scores.

    !!! example
        >>> from stationary.fieldtheory import parse_fields
        >>> from stationary.fieldtheory.learning import TINY, Recipe
        >>> predictor = Recipe(TINY, fields=(1, 2), positions="set").untrained()
        >>> predictor.check(parse_fields("H: scalar su2=2 y=1/2"))
        >>> predictor.check(parse_fields("H: scalar su2=2 y=1/7"))
        Traceback (most recent call last):
        ...
        stationary.fieldtheory.learning._predictor.OutOfReachError: This model was not trained on
        fields like H: scalar su2=2 u1=1/7.
    """

    model: Seq2Seq
    tokens: Tokens
    universe: Universe
    most_fields: int
    longest: int
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """What the model is, and how good where that is known, in a sentence or two."""
        size = sum(leaf.size for leaf in jax.tree.leaves(self.model))
        text = (
            f"A transformer with {size / 1e6:.1f} million parameters, trained on up to "
            f"{self.most_fields} fields."
        )
        who = ("the model, charges kept", "the model", "the usual terms")
        shares = [self.about.get(each, {}).get("exact") for each in who]
        if None not in shares:
            text += (
                " Of sets of fields that it has not seen, {:.0%} come out right when it is kept to "
                "charges that cancel, as it is unless told otherwise, and {:.0%} when it is not; "
                "to write only what every scalar has is right for {:.0%}."
            ).format(*shares)
        return text

    def check(self, fields: Sequence[Field]) -> None:
        """Refuse fields that the model was not made for.

        **Raises:** `OutOfReachError` for more fields than it has seen, for real fields or several
            copies, and for types of fields outside its universe, naming the field.
        """
        if len(fields) > self.most_fields:
            raise OutOfReachError(
                f"This model was trained on at most {self.most_fields} fields; these are "
                f"{len(fields)}."
            )
        for each in fields:
            if each.copies > 1:
                raise OutOfReachError(
                    f"{each.name} has {each.copies} copies, and this model knows single ones: give "
                    "each copy a name of its own."
                )
            if self.universe.type_of(each) is None:
                raise OutOfReachError(f"This model was not trained on fields like {each}.")

    def write(
        self,
        source: Ragged,
        *,
        longest: int | None = None,
        constraint: AbstractConstraint | None = None,
        batch: int = 64,
    ) -> Ragged:
        """Targets for many sources, in batches of sources of like length.

        **Arguments:**

        - `source`: token numbers of each list of fields.
        - `longest`: the most tokens to write; default a little beyond the longest target it was
            trained with. Learned positions end there.
        - `constraint`: which tokens may follow; see [`greedy`][stationary.nn.greedy].
        - `batch`: how many at once.

        **Returns:** what was written, without `begin`; where there was not enough room, without
            the token `end`.
        """
        limit = self._limit(longest)
        order = np.argsort(source.lengths, kind="stable")
        rows: list[np.ndarray] = [np.zeros(0, np.int32)] * len(source)
        for begin in range(0, len(source), batch):
            chosen = order[begin : begin + batch]
            padded = self._padded(source.take(chosen), batch)
            found = greedy(self.model, padded, max_length=limit, constraint=constraint)
            for row, sequence in zip(chosen, found.sequences(), strict=False):
                rows[row] = sequence
        return Ragged.of(rows)

    def _limit(self, longest: int | None) -> int:
        limit = self.longest + _ROOM if longest is None else longest
        limit = -(-limit // _TARGET_STEP) * _TARGET_STEP  # few lengths, few programs
        return limit if self.model.max_target is None else min(limit, self.model.max_target)

    def _padded(self, source: Ragged, batch: int) -> Int[np.ndarray, "b s"]:
        # Few shapes, few programs: lengths in steps, and rows repeated to a whole batch.
        length = -(-int(source.lengths.max()) // _SOURCE_STEP) * _SOURCE_STEP
        if self.model.max_source is not None:
            length = min(length, self.model.max_source)
        padded = source.padded(length=max(length, int(source.lengths.max())))
        return padded[np.arange(batch) % len(padded)]

    def answer(self, fields: Sequence[Field], *, level: str | None = "charges") -> Reading:
        """The Lagrangian that the model writes for some fields.

        **Arguments:**

        - `fields`: the fields, under any names.
        - `level`: what it is kept to while it writes, of
            [`LagrangianGrammar`][stationary.fieldtheory.learning.LagrangianGrammar]; `None` for
            nothing. Verbose sequences have no grammar, and are kept to nothing.

        **Returns:** a [`Reading`][stationary.fieldtheory.learning.Reading] of what it wrote.

        **Raises:** `OutOfReachError` as `check` does, and when the answer does not come to an end
            in the room that there is.
        """
        self.check(fields)
        source = Ragged.of([self.tokens.encode(fields)])
        rule = None
        if level is not None and self.tokens.style == "compact":
            rule = LagrangianGrammar(self.tokens, level, fields=self.most_fields)
        written = self.write(source, constraint=rule, batch=1)[0]
        reading = self.tokens.decode(written, fields)
        if not reading.ended:
            raise OutOfReachError(
                f"The model's answer is longer than the {self._limit(None)} tokens that it has "
                "room for."
            )
        return reading

    def __call__(self, terms: TermSet) -> str:
        """What the model writes for the fields of a Lagrangian, kept to charges, as text."""
        reading = self.answer(terms.fields)
        lines = [str(term) for term in reading.terms]
        return "\n".join(lines + [f"# {piece.text}: {piece.reason}" for piece in reading.broken])

    def save(self, folder: str | Path, *, dtype: Any = "float16") -> None:
        """Write the model to a folder, which `load_predictor` reads.

        **Arguments:**

        - `folder`: made if it is not there.
        - `dtype`: what parameters are stored in.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save(self.model, folder / "model.npz", dtype=dtype)
        words = {
            "universe": {
                "su3": list(self.universe.su3),
                "su2": list(self.universe.su2),
                "charges": [str(charge) for charge in self.universe.charges],
                "spins": list(self.universe.spins),
            },
            "tokens": {
                "style": self.tokens.style,
                "interactions_only": self.tokens.interactions_only,
            },
            "most_fields": self.most_fields,
            "longest": self.longest,
            "about": self.about,
        }
        (folder / "model.json").write_text(json.dumps(words, indent=1) + "\n", "utf-8")


def load_predictor(folder: str | Path | None = None) -> Predictor | None:
    """A model from a folder, or the one that comes with the package.

    **Arguments:**

    - `folder`: where `Predictor.save` wrote it; default the weights that come with the package.

    **Returns:** the [`Predictor`][stationary.fieldtheory.learning.Predictor]; `None` where no
        weights came with the package.

    **Raises:** `FileNotFoundError` when there is no model in `folder`.
    """
    if folder is None:
        return _shipped()
    folder = Path(folder)
    if not (folder / "model.json").exists():
        raise FileNotFoundError(f"There is no model in {folder}: model.json is not there.")
    words = json.loads((folder / "model.json").read_text("utf-8"))
    return Predictor(
        load(folder / "model.npz"),
        Tokens(**words["tokens"]),
        Universe(**words["universe"]),
        words["most_fields"],
        words["longest"],
        words["about"],
    )


@cache
def _shipped() -> Predictor | None:
    return load_predictor(SHIPPED) if (SHIPPED / "model.json").exists() else None
