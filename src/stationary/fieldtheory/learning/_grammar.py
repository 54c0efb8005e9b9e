"""Decoding that writes only Lagrangians: grammar, and as much physics as is asked for."""

from functools import cache
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from stationary.nn import AbstractConstraint

from .._term import KINDS
from ._columns import LEFT, RIGHT, Columns, columns
from ._letters import Described, described, trialities
from ._tables import invariants
from ._tokens import Tokens
from ._universe import Universe
from ._vocabulary import CLASSES, FIELDS, VOCABULARY

LEVELS = ("grammar", "charges", "invariants")
_OPEN, _CLASS, _LETTERS, _LABEL, _CLOSED = range(5)
_LONGEST = 16  # tokens of a label
_LABEL_TOKENS = "0 1 2 3 4 5 6 7 8 9 - , ; # '"
_LABELS = VOCABULARY.numbers(_LABEL_TOKENS)
_MANY = 99  # contractions where nobody has counted


class Writing(NamedTuple):
    """How far a target has been written.

    **Arguments:**

    - `valid`: which candidates may be written at all.
    - `own`: which of them are their own hermitian conjugates.
    - `counts`: how many contractions they may have.
    - `fixed`: the tokens that come first whatever follows, and `steps` how many were written.
    - `stage`: what comes next.
    - `alive`: which candidates begin as the present term does.
    - `place`: how many letters, or label tokens, it has.
    - `last`: the last term, and `copies` how often it was written.
    """

    valid: Bool[Array, "c"]
    own: Bool[Array, "c"]
    counts: Int[Array, "c"]
    fixed: Int[Array, "f"]
    steps: Int[Array, ""]
    stage: Int[Array, ""]
    alive: Bool[Array, "c"]
    place: Int[Array, ""]
    last: Int[Array, ""]
    copies: Int[Array, ""]


class LagrangianGrammar(AbstractConstraint):
    """Only well-formed Lagrangians of the source's fields may be written.

    Classes with as many letters as they have, letters that do not fall, terms that rise in
    canonical order (so none comes twice, but for further contractions), and `HC` where it belongs.
    A letter is allowed only if some term that is allowed begins so: there is no dead end.

    **Arguments:**

    - `tokens`: how sequences are written; `"compact"` only.
    - `level`: `"grammar"`: two fermions are both left-handed letters, and no more. `"charges"`:
        hypercharges, trialities of SU(3) and parities of SU(2) cancel as well. `"invariants"`:
        there is an invariant, so whatever is written is a term.
    - `universe`: whose representations `"invariants"` knows; others are taken as in `"charges"`.
    - `fields`: the pointers from `F0` on that occur; fewer make it faster.

    **Raises:** `ValueError` for verbose sequences, another level, and `"invariants"` without a
    universe.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from stationary.fieldtheory import parse_fields
        >>> from stationary.fieldtheory.learning import VOCABULARY, LagrangianGrammar, Tokens
        >>> tokens = Tokens(interactions_only=True)
        >>> rule = LagrangianGrammar(tokens, fields=2)
        >>> source = tokens.encode(parse_fields("H: scalar su2=2 y=1/2; e: fermion left y=1"))
        >>> state = rule.init(jnp.array(source))
        >>> for token in VOCABULARY.numbers("+ MASS"):
        ...     state = rule.advance(state, jnp.array(token))
        >>> VOCABULARY.text(jnp.flatnonzero(rule.allowed(state)))
        'F0'
    """

    counts: Int[np.ndarray, "keys"] | None
    reps: Int[np.ndarray, "reps 2"] | None
    table: Columns = eqx.field(static=True)
    level: str = eqx.field(static=True)
    interactions_only: bool = eqx.field(static=True)
    fields: int = eqx.field(static=True)

    def __init__(
        self,
        tokens: Tokens,
        level: str = "charges",
        *,
        universe: Universe | None = None,
        fields: int = FIELDS,
    ) -> None:
        if tokens.style != "compact":
            raise ValueError("The grammar is of compact sequences.")
        if level not in LEVELS:
            raise ValueError(f"level is one of {', '.join(LEVELS)}, got {level!r}.")
        if not 1 <= fields <= FIELDS:
            raise ValueError(f"fields must lie in 1..{FIELDS}, got {fields}.")
        self.counts = self.reps = None
        if level == "invariants":
            if universe is None:
                raise ValueError("Which invariants there are is known for a universe only.")
            self.counts = invariants(universe).all().astype(np.int32)
            dims = [
                (a.dimension * (-1 if str(a)[0] == "-" else 1), b.dimension)
                for a, b in universe.reps
            ]
            self.reps = np.array(dims, np.int32)
        self.table = columns(fields)
        self.level = level
        self.interactions_only = tokens.interactions_only
        self.fields = fields

    def init(self, source: Int[Array, "s"]) -> Writing:
        """Nothing written yet, with all that may be."""
        found = described(source)
        valid, own, counts = self._candidates(found)
        none = jnp.int32(0)
        return Writing(
            valid=valid,
            own=own,
            counts=counts,
            fixed=self._fixed(found),
            steps=none,
            stage=none + _OPEN,
            alive=jnp.zeros_like(valid),
            place=none,
            last=none - 1,
            copies=none,
        )

    def allowed(self, state: Writing) -> Bool[Array, "v"]:
        """What may come next."""
        left = self._next(state)
        boundary = (_only("+") & jnp.any(left)) | _only("[EOS]")
        kinds = jnp.zeros(len(VOCABULARY), bool)
        for kind, word in CLASSES.items():
            here = jnp.any(left & (self.table.kind == KINDS.index(kind)))
            kinds = kinds | (_only(word) & here)
        term = state.alive & (self.table.sizes == state.place)
        several = jnp.any(term & (state.counts > 1))
        # Nothing that has come with a label comes without one.
        plain = (state.counts == 1) | (state.counts == _MANY)
        single = jnp.any(term & plain) & (state.copies == 0)
        close = jnp.where(jnp.any(state.alive & state.own), boundary, _only("HC"))
        written = (_only("CH") & several) | (close & single)
        label = _only(_LABEL_TOKENS) & (state.place < _LONGEST)
        by_stage = [
            boundary,
            kinds,
            jnp.where(jnp.any(term), written, self._letters(state)),
            label | (close & (state.place > 0)),
            boundary,
        ]
        forced = self._forced(state)
        tokens = np.arange(len(VOCABULARY))
        return jnp.where(forced >= 0, tokens == forced, jnp.stack(by_stage)[state.stage])

    def advance(self, state: Writing, token: Int[Array, ""]) -> Writing:
        """What has been written with one more token."""
        number, table = VOCABULARY.number, self.table
        token = jnp.asarray(token, jnp.int32)
        free = self._forced(state) < 0
        opens = free & (token == number["+"])
        names = free & (state.stage == _CLASS)
        kind = jnp.select(
            [token == number[word] for word in CLASSES.values()],
            [KINDS.index(name) for name in CLASSES],
            -1,
        )
        first, _ = VOCABULARY.pointers
        bar = token >= first + FIELDS
        code = 2 * (token - first - FIELDS * bar) + bar
        writes = free & (state.stage == _LETTERS) & (token >= first) & (token < first + 2 * FIELDS)
        labels = free & (token == number["CH"])
        spells = free & (state.stage == _LABEL) & jnp.isin(token, np.array(_LABELS))
        closes = free & (token == number["HC"])

        letters = table.letters[:, 0]
        for place in range(1, 4):
            letters = jnp.where(state.place == place, table.letters[:, place], letters)
        alive = jnp.where(names, self._next(state) & (table.kind == kind), state.alive)
        alive = alive & ~opens & (~writes | (letters == code))
        place = jnp.where(opens | labels, 0, state.place + (writes | spells))
        term = alive & (table.sizes == place)
        done = writes & jnp.any(term)
        last = jnp.where(done, jnp.argmax(term), state.last).astype(jnp.int32)
        copies = jnp.where(done & (last != state.last), 0, state.copies) + labels
        stage = jnp.select(
            [opens, names, labels, closes], [_CLASS, _LETTERS, _LABEL, _CLOSED], state.stage
        )
        return state._replace(
            steps=state.steps + ~free,
            stage=stage.astype(jnp.int32),
            alive=alive,
            place=place.astype(jnp.int32),
            last=last,
            copies=copies.astype(jnp.int32),
        )

    def _forced(self, state: Writing) -> Int[Array, ""]:
        """The token that must come next, -1 where there is a choice."""
        there = state.steps < state.fixed.size
        token = state.fixed[jnp.minimum(state.steps, state.fixed.size - 1)]
        return jnp.where(there, token, -1)

    def _next(self, state: Writing) -> Bool[Array, "c"]:
        """Which terms may follow the last one."""
        place = jnp.arange(state.valid.size)
        again = (place == state.last) & (state.copies > 0) & (state.copies < state.counts)
        return state.valid & ((place > state.last) | again)

    def _letters(self, state: Writing) -> Bool[Array, "v"]:
        """The letters with which a term goes on that may be written."""
        shown = _shown(self.fields)
        every = (state.alive.astype(jnp.float32) @ shown.reshape(len(shown), -1)) > 0
        here = every.reshape(4, -1)[jnp.minimum(state.place, 3)]
        first, _ = VOCABULARY.pointers
        allowed = jnp.zeros(len(VOCABULARY), bool)
        allowed = allowed.at[first + np.arange(self.fields)].set(here[0::2])
        return allowed.at[first + FIELDS + np.arange(self.fields)].set(here[1::2])

    def _candidates(
        self, found: Described
    ) -> tuple[Bool[Array, "c"], Bool[Array, "c"], Int[Array, "c"]]:
        table, n = self.table, self.fields
        used = np.arange(4) < table.sizes[:, None]

        def letters(values: Array, barred: Array) -> Array:
            """By candidate and place, from values of fields and of their conjugates."""
            both = jnp.stack([values[:n], barred[:n]], axis=1).reshape(-1)
            return jnp.where(used, both[table.letters], 0)

        hand = jnp.where(found.fermion, jnp.where(found.helicity < 0, LEFT, RIGHT), 0)
        flip = jnp.where(found.fermion, LEFT + RIGHT - hand, 0)
        there = letters(~found.there * 1, (~found.there | found.real) * 1)
        valid = (jnp.sum(there, 1) == 0) & (jnp.sum(letters(hand, flip), 1) == table.needed)
        # Of scalar classes the first of the two conjugates stands for both.
        own_letter = jnp.repeat(found.real[:n], 2)
        mirror = jnp.where(own_letter, np.arange(2 * n), np.arange(2 * n) ^ 1)
        codes = jnp.where(used, table.letters, 2 * n)
        mirrored = jnp.sort(jnp.where(used, mirror[table.letters], 2 * n), axis=1)
        packing = (2 * n + 1) ** np.arange(3, -1, -1)
        mine, theirs = (jnp.sum(c * packing, axis=1) for c in (codes, mirrored))
        scalar = table.needed == 0
        valid = valid & (~scalar | (mine <= theirs))
        own = scalar & (mine == theirs)
        counts = jnp.full(len(table.sizes), _MANY, jnp.int32)
        if self.level == "grammar":
            return valid, own, counts
        known = jnp.array(trialities())
        triality = known[jnp.minimum(jnp.abs(found.su3), known.size - 1)] * jnp.sign(found.su3)
        parity = (found.su2 - 1) % 2
        for values, barred, modulus in (
            (found.charge, -found.charge, 0),
            (triality, -triality, 3),
            (parity, parity, 2),
        ):
            total = jnp.sum(letters(values, barred), axis=1)
            valid = valid & ((total % modulus if modulus else total) == 0)
        if self.level == "invariants":
            counts = self._counted(found)
            valid = valid & (counts > 0)
        return valid, own, counts

    def _counted(self, found: Described) -> Int[Array, "c"]:
        """How many invariants candidates have; many where a representation is not known."""
        reps, known_counts = self.reps, self.counts
        assert reps is not None and known_counts is not None
        table, n = self.table, self.fields

        def place_of(su3: Array) -> Array:
            same = (reps[:, 0] == su3[:, None]) & (reps[:, 1] == found.su2[:, None])
            return jnp.where(jnp.any(same, 1), jnp.argmax(same, 1), -1)

        plain, barred = place_of(found.su3), place_of(-found.su3)
        barred = jnp.where(barred < 0, plain, barred)  # real ones have no conjugate of their own
        both = jnp.stack([plain[:n], barred[:n]], axis=1).reshape(-1)[table.letters]
        used = np.arange(4) < table.sizes[:, None]
        key = jnp.asarray(table.pattern)
        for place in range(4):
            key = jnp.where(used[:, place], key * len(reps) + both[:, place], key)
        sizes = [len(reps) ** size << (size - 1) for size in range(1, 4)]
        begins = np.cumsum([0, 0, *sizes])
        known = jnp.all(~used | (both >= 0), axis=1)
        at = jnp.clip(key + begins[table.sizes], 0, len(known_counts) - 1)
        return jnp.where(known, jnp.asarray(known_counts)[at], _MANY).astype(jnp.int32)

    def _fixed(self, found: Described) -> Int[Array, "f"]:
        """Field strengths and kinetic terms, which every model has."""
        if self.interactions_only:
            return jnp.full(1, -1, jnp.int32)
        strengths = VOCABULARY.numbers("+ GAUGE SU3 + GAUGE SU2 + GAUGE U1")
        first, _ = VOCABULARY.pointers
        pointers = jnp.sort(jnp.where(found.there, np.arange(FIELDS), FIELDS))
        plus, word = VOCABULARY.numbers("+ KIN")
        rows = jnp.stack([jnp.full(FIELDS, plus), jnp.full(FIELDS, word), pointers + first], axis=1)
        rows = jnp.where((pointers < FIELDS)[:, None], rows, -1)
        return jnp.concatenate([jnp.array(strengths), rows.reshape(-1)]).astype(jnp.int32)


@cache
def _shown(fields: int) -> Float[np.ndarray, "c 4 m"]:
    """By candidate and place, which letter is there."""
    table = columns(fields)
    shown = np.zeros((len(table.sizes), 4, 2 * fields), np.float32)
    for place in range(4):
        some = np.flatnonzero(place < table.sizes)
        shown[some, place, table.letters[some, place]] = 1
    return shown


def _only(words: str) -> Bool[np.ndarray, "v"]:
    return np.isin(np.arange(len(VOCABULARY)), VOCABULARY.numbers(words))
