"""Sequences of different lengths in one array."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Integer


@dataclasses.dataclass(frozen=True, eq=False)
class Ragged:
    """Sequences of tokens, one after the other in a single array.

    **Arguments:**

    - `tokens`: all tokens.
    - `offsets`: where each sequence begins, and at last where the last one ends; sequence i is
        `tokens[offsets[i]:offsets[i + 1]]`.

    **Raises:** `TypeError` for anything but integers; `ValueError` for offsets that are not
    increasing from 0 to the number of tokens.

    !!! example
        >>> ragged = Ragged.of([[1, 5, 2], [1, 2]])
        >>> len(ragged), ragged[1].tolist(), ragged.lengths.tolist()
        (2, [1, 2], [3, 2])
        >>> ragged.padded(length=4).tolist()
        [[1, 5, 2, 0], [1, 2, 0, 0]]
    """

    tokens: Integer[np.ndarray, "tokens"]
    offsets: Integer[np.ndarray, "ends"]

    def __post_init__(self) -> None:
        for name in ("tokens", "offsets"):
            array = np.asarray(getattr(self, name))
            if array.ndim != 1 or array.dtype.kind not in "iu":
                raise TypeError(
                    f"{name} must be a one-dimensional array of integers, got shape {array.shape} "
                    f"of {array.dtype}."
                )
            object.__setattr__(self, name, array)
        ends, total = self.offsets, self.tokens.size
        wrong = ends.size == 0 or ends[0] != 0 or ends[-1] != total or np.any(ends[1:] < ends[:-1])
        if wrong:
            raise ValueError(
                f"offsets must rise from 0 to {total}, the number of tokens, with one entry more "
                "than there are sequences."
            )

    @classmethod
    def of(cls, sequences: Iterable[Sequence[Any] | np.ndarray]) -> "Ragged":
        """The same sequences, given one by one."""
        rows = [np.asarray(row) for row in sequences]
        rows = [row.astype(np.int32) if row.size == 0 else row for row in rows]
        ends = np.cumsum([0, *(row.size for row in rows)])
        tokens = np.concatenate(rows) if rows else np.zeros(0, np.int32)
        return cls(tokens, ends)

    @classmethod
    def joined(cls, parts: Sequence["Ragged"]) -> "Ragged":
        """The sequences of several, one after the other."""
        lengths = np.concatenate([part.lengths for part in parts])
        tokens = np.concatenate([part.tokens for part in parts])
        return cls(tokens, np.concatenate([[0], np.cumsum(lengths)]))

    def __len__(self) -> int:
        return self.offsets.size - 1

    def __getitem__(self, row: int) -> Integer[np.ndarray, "length"]:
        row = range(len(self))[row]
        return self.tokens[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> Integer[np.ndarray, "rows"]:
        """How long each sequence is."""
        return np.diff(self.offsets)

    def take(self, rows: Integer[np.ndarray, "chosen"]) -> "Ragged":
        """Some of the sequences, in the order of `rows`."""
        lengths = self.lengths[rows]
        ends = np.concatenate([[0], np.cumsum(lengths)])
        shift = np.repeat(self.offsets[:-1][rows] - ends[:-1], lengths)
        return Ragged(self.tokens[np.arange(ends[-1]) + shift], ends)

    def padded(self, *, length: int | None = None, padding: int = 0) -> Any:
        """All sequences as one array [rows length], filled up with `padding`.

        **Arguments:**

        - `length`: how long rows become; default the longest sequence.
        - `padding`: the token to fill up with.

        **Raises:** `ValueError` when a sequence is longer than that.
        """
        longest = int(np.max(self.lengths, initial=0))
        length = longest if length is None else length
        if longest > length:
            too_long = int(np.sum(self.lengths > length))
            raise ValueError(
                f"{too_long} of {len(self)} sequences are longer than {length} tokens; the longest "
                f"has {longest}."
            )
        table = np.full((len(self), length), padding, np.int32)
        table[np.arange(length) < self.lengths[:, None]] = self.tokens
        return table
