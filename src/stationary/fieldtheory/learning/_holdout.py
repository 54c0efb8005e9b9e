"""Field types that training is not to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Int

from ._universe import Universe


@dataclass(frozen=True, init=False)
class HoldOut:
    """Which models are kept for tests outside what training covers: those with certain fields.

    **Arguments:**

    - `charges`: hypercharges u1 (Q = T3 + Y), of either sign.
    - `representations`: pairs of the dimensions of SU(3) and SU(2) representations.

    !!! example
        >>> from stationary.fieldtheory.learning import FULL, HoldOut
        >>> rule = HoldOut(charges=["5/6"], representations=[(3, 3)])
        >>> int(rule.types(FULL).sum())
        120
    """

    charges: tuple[Fraction, ...]
    representations: tuple[tuple[int, int], ...]

    def __init__(
        self,
        *,
        charges: Sequence[int | str | Fraction] = (),
        representations: Sequence[tuple[int, int]] = (),
    ) -> None:
        object.__setattr__(self, "charges", tuple(abs(Fraction(q)) for q in charges))
        object.__setattr__(self, "representations", tuple((a, b) for a, b in representations))

    def types(self, universe: Universe) -> Bool[np.ndarray, "types"]:
        """Which types of a universe are held out.

        **Raises:** `ValueError` for a rule that none of them meets.
        """
        n = len(universe.charges)
        charge = np.array([abs(universe.charges[i % n]) for i in range(len(universe))], object)
        dims = [(a.dimension, b.dimension) for a, b in universe.reps]
        rules = [charge == q for q in self.charges]
        for pair in self.representations:
            rules.append(np.array([d == pair for d in dims])[universe.rep_of])
        wanted = [*self.charges, *self.representations]
        for rule, asked in zip(rules, wanted, strict=True):
            if not np.any(rule):
                raise ValueError(f"no field of the universe is held out by {asked}")
        return np.any([np.zeros(len(universe), bool), *rules], axis=0)

    def rows(
        self, universe: Universe, types: Int[np.ndarray, "rows n"]
    ) -> Bool[np.ndarray, "rows"]:
        """Which lists of types (-1 is none) have a type that is held out."""
        return np.any(np.append(self.types(universe), False)[types], axis=1)
