"""Whether a term that somebody wrote is invariant, and if not, what it breaks."""

from collections.abc import Sequence
from functools import lru_cache

from stationary.algebra import count_invariants

from .._alphabet import Alphabet, alphabet
from .._field import Field
from .._group import STANDARD_MODEL
from .._invariants import count
from .._text import WrittenTerm

FAILURES = ("grammar", "lorentz", *STANDARD_MODEL.factors, "statistics")
"""What can be wrong with a term: it is none; it is no scalar of the Lorentz group, or no singlet of
a factor of the gauge group; or it vanishes because its letters commute or anticommute."""


def failures(term: WrittenTerm, fields: Sequence[Field]) -> tuple[str, ...]:
    """What a term breaks; empty for terms that may be in a Lagrangian.

    **Arguments:**

    - `term`: a term of `fields`.
    - `fields`: the fields.

    **Returns:** words of `FAILURES`: each factor that no product of such letters is a singlet of;
    `"statistics"` where only the symmetry of equal letters is at fault.

    !!! example
        >>> from stationary.fieldtheory import model
        >>> from stationary.fieldtheory.learning import WrittenTerm, failures
        >>> failures(WrittenTerm("yukawa", ("H", "Q", "d")), model())
        ('u1',)
        >>> failures(WrittenTerm("quartic", ("H", "H", "H", "Q")), model()[:2])
        ('lorentz', 'su3', 'u1')
    """
    if term.kind in ("gauge", "kinetic"):
        return ()
    letters = _alphabet(tuple(fields))
    codes = [letters.names.index(name) for name in term.letters]
    found = set()
    handed = [fields[c // 2].left_handed == (c % 2 == 0) for c in codes if fields[c // 2].fermion]
    if len(handed) not in (0, 2) or len(set(handed)) > 1:
        found.add("lorentz")
    for place, (name, _) in enumerate(STANDARD_MODEL.simple):
        # Letters are taken as different ones, whatever they are.
        single = tuple(sorted(((letters.reps[c][place],), (1,)) for c in codes))
        if not count_invariants(single):
            found.add(name)
    if sum(letters.charges[c] for c in codes):
        found.update(STANDARD_MODEL.abelian)
    powers: dict[int, int] = {}
    for c in codes:
        powers[c] = powers.get(c, 0) + 1
    key = tuple(sorted(8 * letters.numbers[c] + k for c, k in powers.items()))
    if not found and not count(key):
        found.add("statistics")
    return tuple(word for word in FAILURES if word in found)


@lru_cache(maxsize=256)
def _alphabet(fields: tuple[Field, ...]) -> Alphabet:
    return alphabet(fields, STANDARD_MODEL)
