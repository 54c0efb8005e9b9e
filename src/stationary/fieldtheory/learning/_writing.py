"""Lagrangians of many models at once, written as tokens."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from stationary.nn import Ragged

from ._columns import LEFT, LORENTZ, RIGHT, Columns, columns
from ._tables import Pieces, invariants, pieces
from ._tokens import Tokens
from ._universe import Universe

_CELLS = 1 << 18  # sums that are looked at together


@dataclass(frozen=True, eq=False)
class Hits:
    """The terms of many models: which model, which candidate, and how many contractions.

    Sorted by model, and then in canonical order.
    """

    rows: Int[np.ndarray, "h"]
    columns: Int[np.ndarray, "h"]
    keys: Int[np.ndarray, "h"]
    counts: Int[np.ndarray, "h"]


def letter_types(universe: Universe, types: Int[np.ndarray, "b n"]) -> Int[np.ndarray, "b 2*n"]:
    """The types of all letters: fields and conjugates by turns."""
    both = np.stack([types, universe.conjugates[types]], axis=-1)
    return both.reshape(len(types), -1)


def hits(universe: Universe, types: Int[np.ndarray, "b n"]) -> Hits:
    """The interactions of models with equally many fields.

    **Arguments:**

    - `universe`: what types mean.
    - `types`: the types of each model's fields.
    """
    table, there = columns(types.shape[1]), invariants(universe)
    letters = letter_types(universe, types)
    spins = np.array([0, LEFT, RIGHT])[universe.spin_of]
    value = universe.charge_of * LORENTZ + spins
    rows, chosen = _right(value[letters], table)
    reps = universe.rep_of[letters][rows[:, None], table.letters[chosen]]
    keys = there.keys(table.sizes[chosen], table.pattern[chosen], reps)
    counts = there.count(keys)
    kept = counts > 0
    return Hits(rows[kept], chosen[kept], keys[kept], counts[kept].astype(np.int64))


def _right(
    values: Int[np.ndarray, "b m"], table: Columns
) -> tuple[Int[np.ndarray, "h"], Int[np.ndarray, "h"]]:
    """The models and candidates whose letters add up to what is needed."""
    # Sums of pairs first, then of two pairs: rows of small numbers that a core's cache holds.
    # A product of matrices is as quick, but its threads get in the way of other processes.
    small = 4 * np.max(np.abs(values), initial=0) <= np.iinfo(np.int16).max
    numbers = np.zeros((values.shape[1] + 1, len(values)), np.int16 if small else np.int64)
    numbers[:-1] = values.T
    first, second = table.halves
    needed = table.needed.astype(numbers.dtype)[:, None]
    step = max(16, _CELLS // needed.size)
    found = []
    for begin in range(0, len(values), step):
        some = numbers[:, begin : begin + step]
        pairs = some[table.products[0]] + some[table.products[1]]
        total = pairs[first]
        total += pairs[second]
        chosen, rows = np.divmod(np.flatnonzero(total == needed), some.shape[1])
        found.append(np.sort((rows + begin) * needed.size + chosen))
    places = np.concatenate(found) if found else np.zeros(0, np.int64)
    return np.divmod(places, needed.size)


def target_pieces(
    universe: Universe,
    tokens: Tokens,
    types: Int[np.ndarray, "b n"],
    pointers: Int[np.ndarray, "b n"],
    found: Hits,
) -> Ragged:
    """The targets of models, as rows of pieces.

    **Arguments:**

    - `universe`, `tokens`: what types mean, and how sequences are written.
    - `types`, `pointers`: the types of each model's fields and what points to them.
    - `found`: their interactions.
    """
    table, parts = columns(types.shape[1]), pieces(universe, tokens)
    count, fields = types.shape
    # One line for each contraction.
    order = np.repeat(np.arange(found.rows.size), found.counts)
    first = np.cumsum(found.counts) - found.counts
    copy = np.arange(order.size) - first[order]
    rows, chosen, several = found.rows[order], found.columns[order], found.counts[order] > 1
    sizes, closed = table.sizes[chosen], ~table.self_conjugate[chosen]
    lengths = 1 + sizes + several + closed

    head = 1 if tokens.interactions_only else 1 + fields
    before = np.cumsum(lengths) - lengths
    per_row = np.bincount(rows, lengths, count).astype(np.int64)
    ends = np.concatenate([[0], np.cumsum(per_row + head + 1)])
    begins = before + (rows + 1) * head + rows
    out = np.full(ends[-1], parts.end, np.int64)
    out[ends[:-1]] = parts.first
    if not tokens.interactions_only:
        out[ends[:-1, None] + 1 + np.arange(fields)] = parts.kinetic[types, pointers]
    _lines(out, begins, parts, table, chosen, _letters(universe, parts, types, pointers), rows)
    label = begins + 1 + sizes
    some = np.flatnonzero(several)
    out[label[some]] = parts.labels(found.keys[order[some]]) + copy[some]
    out[(label + several)[closed]] = parts.close
    return Ragged(out, ends)


def _letters(
    universe: Universe,
    parts: Pieces,
    types: Int[np.ndarray, "b n"],
    pointers: Int[np.ndarray, "b n"],
) -> Int[np.ndarray, "b 2*n"]:
    plain = parts.letter[0, types, pointers]
    barred = parts.letter[1, universe.conjugates[types], pointers]
    return np.stack([plain, barred], axis=-1).reshape(len(types), -1)


def _lines(
    out: Int[np.ndarray, "p"],
    begins: Int[np.ndarray, "l"],
    parts: Pieces,
    table: Columns,
    chosen: Int[np.ndarray, "l"],
    letters: Int[np.ndarray, "b m"],
    rows: Int[np.ndarray, "l"],
) -> None:
    out[begins] = parts.open[table.kind[chosen]]
    for place in range(4):
        some = np.flatnonzero(place < table.sizes[chosen])
        codes = table.letters[chosen[some], place]
        out[begins[some] + 1 + place] = letters[rows[some], codes]


def source_pieces(
    universe: Universe,
    tokens: Tokens,
    types: Int[np.ndarray, "b n"],
    pointers: Int[np.ndarray, "b n"],
) -> Ragged:
    """The sources of models, as rows of pieces."""
    parts = pieces(universe, tokens)
    elements = parts.element[types, pointers]
    if tokens.style == "verbose":
        edge = np.ones((len(types), 1), np.int64)
        elements = np.concatenate([parts.begin * edge, elements, parts.end * edge], axis=1)
    return Ragged(elements.ravel(), np.arange(len(types) + 1) * elements.shape[1])


def nontrivial(found: Hits, fields: int, models: int) -> Bool[np.ndarray, "b"]:
    """Which models have an interaction beyond f f* and f f f* f* of their scalars."""
    unusual = ~columns(fields).usual[found.columns]
    return np.bincount(found.rows[unusual], minlength=models) > 0


def interactions(found: Hits, models: int) -> Int[np.ndarray, "b"]:
    """How many interactions each model has, contractions counted."""
    return np.bincount(found.rows, found.counts, models).astype(np.int64)
