"""Models that are given, as sequences."""

from collections.abc import Iterable, Sequence

import numpy as np

from stationary.nn import Ragged

from .._field import Field
from .._generate import lagrangian_terms
from .._term import Term
from .._text import written
from ._dataset import Dataset
from ._keys import key_of, splits_of_keys
from ._tokens import Tokens


def encoded(models: Iterable[Sequence[Field]], tokens: Tokens) -> Dataset:
    """Sequences for models that are given, such as those that have names.

    **Arguments:**

    - `models`: lists of fields.
    - `tokens`: how they are written.

    **Returns:** a [`Dataset`][stationary.fieldtheory.learning.Dataset].

    !!! example
        >>> from stationary.fieldtheory import EXTENSIONS, model
        >>> from stationary.fieldtheory.learning import Tokens, encoded
        >>> len(encoded([model(name) for name in EXTENSIONS], Tokens()))
        32
    """
    sets = [lagrangian_terms(fields) for fields in models]
    lines = [written(terms, interactions_only=True) for terms in sets]
    keys = np.array([key_of(terms.fields) for terms in sets], np.uint64)
    return Dataset(
        tokens,
        Ragged.of([tokens.encode(terms.fields) for terms in sets]),
        Ragged.of([tokens.encode(terms) for terms in sets]),
        np.array([len(terms.fields) for terms in sets], np.int32),
        np.array([len(own) for own in lines], np.int32),
        np.array([not all(map(is_usual, terms)) for terms in sets], bool),
        keys,
        splits_of_keys(keys).astype(np.int32),
    )


def is_usual(term: Term) -> bool:
    """Whether every model with such fields has a term: f f* and f f f* f* of scalars, kinetic terms
    and field strengths."""
    names = {letter.removesuffix("*") for letter in term.letters}
    own = term.self_conjugate and len(names) == 1 and len(term.letters) in (2, 4)
    return own or not term.interaction
