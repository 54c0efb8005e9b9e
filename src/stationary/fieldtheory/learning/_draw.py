"""Drawing lists of field types."""

import numpy as np
from jaxtyping import Bool, Int

from ._tables import invariants
from ._universe import Universe

COMPLETED = 0.7
"""How often a field beyond the second is chosen to complete a term of three letters."""

_ATTEMPTS = 8  # pairs of letters that are tried; many have no third


def uniform(
    universe: Universe, rng: np.random.Generator, count: int, fields: int, repetition: bool
) -> Int[np.ndarray, "count fields"]:
    """Field types one after the other, each as likely as the others that are left.

    **Arguments:**

    - `universe`: what types there are.
    - `rng`: where randomness comes from.
    - `count`, `fields`: how many lists, and how many fields in each.
    - `repetition`: whether a type (or its conjugate) may come again.
    """
    types = np.zeros((count, fields), np.int64)
    for place in range(fields):
        _fill(universe, rng, types, place, np.ones(count, bool), repetition)
    return types


def enriched(
    universe: Universe, rng: np.random.Generator, count: int, fields: int, repetition: bool
) -> Int[np.ndarray, "count fields"]:
    """Field types of which many make terms of three letters.

    The first two are uniform. Then, with probability 0.7, two letters of fields that are there
    are chosen, and a field is added that completes a term with them, any of the possible ones.
    Where there is none for eight such pairs, and otherwise, the next field is uniform again.

    **Arguments:** as for `uniform`.
    """
    types = np.zeros((count, fields), np.int64)
    for place in range(fields):
        done = np.zeros(count, bool)
        left = np.flatnonzero((rng.random(count) < COMPLETED) & (place >= 2))
        for _ in range(_ATTEMPTS):
            if not left.size:
                break
            new = _completion(universe, rng, types[left, :place], repetition)
            types[left[new >= 0], place] = new[new >= 0]
            done[left[new >= 0]] = True
            left = left[new < 0]
        _fill(universe, rng, types, place, ~done, repetition)
    return types


def mixed(
    universe: Universe, rng: np.random.Generator, count: int, fields: int, repetition: bool
) -> Int[np.ndarray, "count fields"]:
    """Field types that are uniform in one half of the lists and enriched in the other.

    **Arguments:** as for `uniform`.
    """
    half = rng.random(count) < 0.5
    one = uniform(universe, rng, count, fields, repetition)
    other = enriched(universe, rng, count, fields, repetition)
    return np.where(half[:, None], one, other)


DISTRIBUTIONS = {"uniform": uniform, "enriched": enriched, "mixed": mixed}


def present(
    universe: Universe, rng: np.random.Generator, types: Int[np.ndarray, "b n"]
) -> Int[np.ndarray, "b n"]:
    """The same models in a random order, and each field as it is or as its conjugate."""
    types = rng.permuted(types, axis=1)
    flipped = rng.random(types.shape) < 0.5
    return np.where(flipped, universe.conjugates[types], types)


def _fill(
    universe: Universe,
    rng: np.random.Generator,
    types: Int[np.ndarray, "b n"],
    place: int,
    wanted: Bool[np.ndarray, "b"],
    repetition: bool,
) -> None:
    rows = np.flatnonzero(wanted)
    while rows.size:
        types[rows, place] = rng.integers(len(universe), size=rows.size)
        if repetition:
            return
        rows = rows[_there(universe, types[rows, :place], types[rows, place])]


def _there(
    universe: Universe, types: Int[np.ndarray, "b k"], new: Int[np.ndarray, "*b"]
) -> Bool[np.ndarray, "*b"]:
    """Whether a list has a type already, or its conjugate."""
    own = universe.classes[types].reshape(*types.shape[:1], *(1,) * (new.ndim - 1), -1)
    return np.any(own == universe.classes[new][..., None], axis=-1)


def _completion(
    universe: Universe,
    rng: np.random.Generator,
    types: Int[np.ndarray, "b k"],
    repetition: bool,
) -> Int[np.ndarray, "b"]:
    """A type that completes a term with two letters at random; -1 where none does."""
    count, fields = types.shape
    rows = np.arange(count)
    codes = np.sort(rng.integers(2 * fields, size=(count, 2)), axis=1)
    chosen = types[rows[:, None], codes // 2]
    a, b = np.where(codes % 2 == 0, chosen, universe.conjugates[chosen]).T
    spin = _completing_spin(universe, universe.spin_of[a], universe.spin_of[b])
    charge = -(universe.charge_of[a] + universe.charge_of[b])
    charges = universe.charge_of[: len(universe.charges)]
    slot = np.argmax(charges == charge[:, None], axis=1)
    possible = (spin >= 0) & (charges[slot] == charge)
    reps = len(universe.reps)
    triples = np.zeros((count, reps, 4), np.int64)
    triples[..., 0] = universe.rep_of[a][:, None]
    triples[..., 1] = universe.rep_of[b][:, None]
    triples[..., 2] = np.arange(reps)
    pattern = np.repeat((codes[:, 0] == codes[:, 1]).astype(np.int64), reps)
    there = invariants(universe)
    keys = there.keys(np.full(pattern.size, 3), pattern, triples.reshape(-1, 4))
    fits = (there.count(keys).reshape(count, reps) > 0) & possible[:, None]
    kinds = (spin[:, None] * reps + np.arange(reps)) * len(charges) + slot[:, None]
    if not repetition:
        fits &= ~_there(universe, types, np.where(fits, kinds, 0))
    score = np.where(fits, rng.random(fits.shape), -1.0)
    best = np.argmax(score, axis=1)
    return np.where(score[rows, best] >= 0, kinds[rows, best], -1)


def _completing_spin(
    universe: Universe, a: Int[np.ndarray, "b"], b: Int[np.ndarray, "b"]
) -> Int[np.ndarray, "b"]:
    """The place in `spins` of what makes a Lorentz scalar with two letters; -1 for nothing."""
    # By spins of the two letters, 0 scalar, 1 left and 2 right: a term has two alike fermions.
    third = np.array([[0, 1, 2], [1, 0, -1], [2, -1, 0]])[a, b]
    words = ("scalar", "left", "right")
    places = [universe.spins.index(w) if w in universe.spins else -1 for w in words]
    return np.array([*places, -1])[third]
