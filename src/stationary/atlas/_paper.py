"""What a paper claims, and where its experiment is."""

import dataclasses
import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

from ._measurements import Measurements
from ._rules import AbstractRule

SCALES = ("smoke", "laptop", "full")
SOURCES = ("paper", "scaled", "ours")
Observe = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Claim:
    """One sentence of a paper that can turn out false.

    **Arguments:**

    - `id`: a few words, unique in the paper, by which `Measurements` name it.
    - `statement`: what the paper says, with its number where it has one.
    - `measure`: what is measured, in a sentence: the quantity, the problem and its size.
    - `rule`: which measured numbers confirm it.
    - `source`: `"paper"` for a figure or theorem of the paper itself, `"scaled"` for the same
        statement at a smaller size, `"ours"` for a consequence that the paper does not state.
    - `at`: the scales at which it is measured.
    - `not_reproduced`: for a claim that is known to fail, why, and what was tried. The claim is
        measured and shown all the same.

    **Raises:** `ValueError` for an unknown source or scale.

    !!! example
        >>> from stationary.atlas import Claim, Within
        >>> claim = Claim("rate", "falls like 1/t", "slope over a decade", Within(-1.1, -0.9))
        >>> claim.rule.describe()
        'from -1.1 to -0.9'
    """

    id: str
    statement: str
    measure: str
    rule: AbstractRule
    source: str = "paper"
    at: frozenset[str] | set[str] = frozenset({"smoke", "laptop"})
    not_reproduced: str = ""

    def __post_init__(self) -> None:
        _known(f"claim {self.id!r}: source", self.source, SOURCES)
        for scale in self.at:
            _known(f"claim {self.id!r}: at", scale, SCALES)


@dataclasses.dataclass(frozen=True)
class Paper:
    """A paper of the atlas.

    **Arguments:**

    - `number`: its number in the atlas.
    - `title`: the paper's title.
    - `arxiv`: its identifier there, `"1908.08465"`; `""` for none.
    - `theme`: the field it belongs to, in a few words.
    - `summary`: what it is about and who needs it, in one paragraph of our own.
    - `claims`: what is measured, in the order of the paper.
    - `module`: the package of this paper; always `__name__`.

    **Raises:** `ValueError` for two claims of one id, or none.

    !!! example
        >>> from stationary import atlas
        >>> atlas.paper(97).arxiv
        '1908.08465'
    """

    number: int
    title: str
    arxiv: str
    theme: str
    summary: str
    claims: tuple[Claim, ...]
    module: str

    def __post_init__(self) -> None:
        ids = [claim.id for claim in self.claims]
        if not ids or len(set(ids)) < len(ids):
            raise ValueError(f"paper {self.number} needs claims with ids of their own, got {ids}.")

    @property
    def scales(self) -> tuple[str, ...]:
        """The scales at which at least one claim is measured, smallest first."""
        return tuple(s for s in SCALES if any(s in claim.at for claim in self.claims))

    @property
    def folder(self) -> Path:
        """Where the paper's files and its results of record are."""
        spec = importlib.util.find_spec(self.module)
        if spec is None or not spec.submodule_search_locations:
            raise ImportError(f"paper {self.number}: {self.module} is not a package.")
        return Path(next(iter(spec.submodule_search_locations)))

    def measure(self, scale: str, seed: int, observe: Observe) -> Measurements:
        """Run the experiment: `measure` of the paper's `_measure.py`, imported only now."""
        return importlib.import_module(f"{self.module}._measure").measure(scale, seed, observe)


def _known(where: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{where} must be one of {', '.join(allowed)}; got {value!r}.")
