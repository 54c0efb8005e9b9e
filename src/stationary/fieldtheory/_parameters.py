"""The couplings of a Lagrangian, numbered by kind."""

from collections.abc import Mapping
from dataclasses import dataclass

from ._term import Contraction, Term
from ._termset import TermSet

_WORDS = {"linear": "kappa", "cubic": "mu", "yukawa": "y", "quartic": "lambda", "theta": "theta"}


@dataclass(frozen=True)
class Parameter:
    """The coupling of one contraction of a term.

    **Arguments:**

    - `word`: `kappa` of a linear term, `m2` of two scalars, `M` of two fermions, `mu` of three
        scalars, `y` of a Yukawa coupling, `lambda` of four scalars, `z` and `epsilon` of kinetic
        mixing, `theta`.
    - `number`: its place among those of its kind; `None` for the only one.
    - `term`: what it multiplies.
    - `contraction`: the way of contracting, where there are several.
    """

    word: str
    number: int | None
    term: Term
    contraction: Contraction | None = None

    @property
    def name(self) -> str:
        """The coupling in plain text, such as `lambda3`; `m2_3` is the square of a mass."""
        tail = "" if self.number is None else f"{self.number}"
        return f"{self.word}_{tail}" if self.word == "m2" and tail else self.word + tail

    @property
    def count(self) -> int:
        """How many numbers it stands for, one for each flavour structure."""
        return self.term.count if self.contraction is None else self.contraction.parameters

    @property
    def text(self) -> str:
        """What it multiplies, with the contraction in brackets where there are several."""
        return " ".join(self.term.letters) + (f" [{self.label}]" if self.label else "")

    @property
    def halved(self) -> bool:
        """Whether a factor 1/2 stands before it, as in kinetic terms of real fields."""
        return self.term.kind == "mass" and len(self.term.powers) == 1

    @property
    def label(self) -> str:
        """The label of the contraction; empty where there is no choice."""
        return "" if self.contraction is None else self.contraction.label


def parameters(terms: TermSet) -> tuple[Parameter, ...]:
    """The couplings of a Lagrangian, in the order of its terms and their contractions.

    **Arguments:**

    - `terms`: the Lagrangian.

    **Returns:** a tuple of [`Parameter`][stationary.fieldtheory.Parameter]; field strengths and
    kinetic terms have none.

    !!! example
        >>> from stationary.fieldtheory import lagrangian_terms, model, parameters
        >>> [coupling.name for coupling in parameters(lagrangian_terms(model()))]
        ['m2', 'y1', 'y2', 'y3', 'lambda']
    """
    drafts: list[tuple[str, Term, Contraction | None]] = []
    for term in terms:
        word = _word(term, terms)
        if word is None:
            continue
        ways: tuple[Contraction | None, ...] = (None,)
        if term.interaction and term.count > 1:
            ways = terms.contractions(term)
        drafts += [(word, term, way) for way in ways]
    words = [word for word, _, _ in drafts]
    seen: dict[str, int] = {}
    found = []
    for word, term, way in drafts:
        seen[word] = seen.get(word, 0) + 1
        alone = words.count(word) == 1 and word != "theta"
        found.append(Parameter(word, None if alone else seen[word], term, way))
    return tuple(found)


def by_term(terms: TermSet, values: Mapping[str, complex]) -> dict[str, complex]:
    """Couplings of the scalar potential by what they multiply, from couplings by name.

    **Arguments:**

    - `terms`: the Lagrangian.
    - `values`: numbers by name, such as `{"m2": -1, "lambda": 0.13}`.

    **Returns:** what `ScalarPotential.couplings` takes: the full factors of the products, the 1/2
    before masses of real fields included.

    **Raises:** `ValueError` for a name that is no coupling of scalars alone, and for scalars with
    several copies, whose couplings are many numbers.

    !!! example
        >>> from stationary.fieldtheory import lagrangian_terms, model
        >>> by_term(lagrangian_terms(model("real singlet")), {"m2_1": -1, "m2_2": 3})
        {'H H*': -1, 's s': 1.5}
    """
    known = {p.name: p for p in scalar_parameters(terms)}
    found = {}
    for name, value in values.items():
        if name not in known:
            raise ValueError(
                f"There is no coupling {name!r} of scalars; there are {', '.join(known) or 'none'}."
            )
        parameter = known[name]
        found[parameter.text] = value / 2 if parameter.halved else value
    return found


def scalar_parameters(terms: TermSet) -> tuple[Parameter, ...]:
    """The couplings of the scalar potential.

    **Raises:** `ValueError` for scalars with several copies.
    """
    several = [field.name for field in terms.fields if not field.fermion and field.copies > 1]
    if several:
        raise ValueError(
            f"{several[0]} has several copies, and its couplings several numbers each: give every "
            "copy a name of its own."
        )
    scalars = {field.name for field in terms.fields if not field.fermion}
    return tuple(
        parameter
        for parameter in parameters(terms)
        if parameter.term.interaction
        and all(letter.removesuffix("*") in scalars for letter in parameter.term.letters)
    )


def _word(term: Term, terms: TermSet) -> str | None:
    if term.kind == "mass":
        return "M" if terms.field(term.letters[0]).fermion else "m2"
    if term.kind == "mixing":
        return "epsilon" if term.letters[0].startswith("F(") else "z"
    return _WORDS.get(term.kind)
