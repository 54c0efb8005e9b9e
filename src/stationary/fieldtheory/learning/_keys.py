"""Numbers for lists of fields up to order and conjugation, and the splits they decide."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations

import numpy as np
from jaxtyping import Int, UInt64

from .._field import Field
from .._models import EXTENSIONS, model
from ._universe import Universe

SPLITS = ("train", "validation", "test", "named", "held out")
"""The parts of a data set by number."""

_NAMED, _SHARES = 3, (18, 19)  # of twenty: 18 train, 1 validation, 1 test
_NAME = "f"


def key_of(fields: Iterable[Field]) -> int:
    """A number for a list of fields, the same in every order and for conjugate descriptions.

    The sum of a hash of each field modulo 2**64, so equal fields count as often as they occur.

    **Arguments:**

    - `fields`: the fields; names are ignored.
    """
    return sum(_hash(field) for field in fields) % 2**64


def split_of(fields: Sequence[Field]) -> str:
    """The split that a list of fields belongs to, whatever their order and description.

    **Arguments:**

    - `fields`: the fields; names are ignored.

    **Returns:** `"train"` (90%), `"validation"` or `"test"` (5% each); or `"named"` for the
    Standard Model with one generation, every selection of its fields, and its extensions in
    [`EXTENSIONS`][stationary.fieldtheory.EXTENSIONS]. Those are for tests only, in a part of their
    own: selections of few fields are drawn so often that they would be much of a test split.

    !!! example
        >>> from stationary.fieldtheory import model
        >>> from stationary.fieldtheory.learning import split_of
        >>> split_of(model("leptoquark S1")), split_of(model()[:3])
        ('named', 'named')
    """
    return SPLITS[int(splits_of_keys(np.array([key_of(fields)], np.uint64))[0])]


def splits_of_keys(keys: UInt64[np.ndarray, "rows"]) -> Int[np.ndarray, "rows"]:
    """The split of each key, as a place in `SPLITS`.

    **Arguments:**

    - `keys`: as `key_of` gives them.
    """
    share = _mixed(keys) % np.uint64(20)
    splits = np.searchsorted(_SHARES, share.astype(np.int64), side="right").astype(np.int8)
    splits[np.isin(keys, named_keys())] = _NAMED
    return splits


def keys_of_types(
    universe: Universe, types: Int[np.ndarray, "rows n"]
) -> UInt64[np.ndarray, "rows"]:
    """The keys of lists of types; -1 is no field."""
    table = np.concatenate([_hashes(universe), np.zeros(1, np.uint64)])
    return np.asarray(np.sum(table[types], axis=1, dtype=np.uint64))


@cache
def named_keys() -> UInt64[np.ndarray, "models"]:
    """The keys of models that have names, and of selections from the Standard Model."""
    fields = model()
    some = [c for n in range(1, len(fields) + 1) for c in combinations(fields, n)]
    return np.array([key_of(c) for c in [*some, *map(model, EXTENSIONS)]], np.uint64)


@cache
def _hashes(universe: Universe) -> UInt64[np.ndarray, "types"]:
    return np.array([_hash(universe.field(i, _NAME)) for i in range(len(universe))], np.uint64)


def _hash(field: Field) -> int:
    own = field.renamed(_NAME)
    text = min(str(own), str(own.conjugate))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _mixed(keys: UInt64[np.ndarray, "rows"]) -> UInt64[np.ndarray, "rows"]:
    # The end of splitmix64: every bit of a sum of hashes counts.
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
