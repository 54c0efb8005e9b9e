"""The terms of a Lagrangian as formulas."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ._field import Field
from ._formula import (
    COMMA,
    DAGGER,
    HALF,
    HERMITIAN_CONJUGATE,
    IMAGINARY,
    MU,
    MU_NU,
    PLUS,
    SIGMA,
    STAR,
    THIN_SPACE,
    Accent,
    Fenced,
    Formula,
    Quotient,
    Row,
    Scripts,
    Symbol,
    number,
    operator,
    row,
)
from ._gauge_fields import abelian, coupling, covariant_derivative, field_strength
from ._names import symbol, typeset_names
from ._parameters import Parameter, parameters
from ._term import Term
from ._termset import TermSet

_FLAVOURS = "prst"


@dataclass(frozen=True)
class Summand:
    """A term of a Lagrangian, or one contraction of it, as a formula.

    **Arguments:**

    - `term`: the term.
    - `negative`: whether it is subtracted.
    - `formula`: the formula, without its sign.
    - `parameter`: its coupling; `None` for field strengths and kinetic terms.
    """

    term: Term
    negative: bool
    formula: Formula
    parameter: Parameter | None


class Typesetter:
    """Writes the terms of one Lagrangian.

    **Arguments:**

    - `terms`: the Lagrangian.
    """

    def __init__(self, terms: TermSet) -> None:
        self.terms = terms
        self.names = typeset_names(terms.names)
        self.fields = {field.name: field for field in terms.fields}

    def summands(self) -> Iterator[Summand]:
        """Every contraction of every term, in order."""
        couplings: dict[Term, list[Parameter]] = {}
        for parameter in parameters(self.terms):
            couplings.setdefault(parameter.term, []).append(parameter)
        for term in self.terms:
            for parameter in couplings.get(term, [None]):
                yield self._summand(term, parameter)

    def field(self, name: str, below: tuple[Formula, ...] = ()) -> Formula:
        """A field, with indices."""
        return self._letter(name, below)

    def _summand(self, term: Term, parameter: Parameter | None) -> Summand:
        if term.letters[0].startswith("F("):
            return Summand(term, term.kind != "theta", self._strengths(term, parameter), parameter)
        if term.kind in ("kinetic", "mixing"):
            body: Formula = self._kinetic(term, parameter)
        else:
            assert parameter is not None
            body = self._interaction(term, parameter)
        if not term.self_conjugate:
            body = Fenced(row(body, PLUS, HERMITIAN_CONJUGATE))
        return Summand(term, term.interaction, body, parameter)

    def _letter(self, letter: str, below: tuple[Formula, ...] = (), power: int = 1) -> Formula:
        name = self.names[letter.removesuffix("*")]
        conjugate = self._conjugation(self.fields[letter[:-1]]) if letter.endswith("*") else ()
        subscripts = _with_commas(*name.below, *below)
        if power == 1:
            return _scripts(name.base, subscripts, name.above + conjugate)
        if name.above or conjugate:
            whole = Fenced(_scripts(name.base, subscripts, name.above + conjugate))
            return Scripts(whole, (), (number(power),))
        return Scripts(name.base, subscripts, (number(power),))

    def _conjugation(self, field: Field) -> tuple[Formula, ...]:
        return (STAR,) if self._single(field) else (DAGGER,)

    def _single(self, field: Field) -> bool:
        return not field.fermion and field.dimension == field.copies == 1

    def _strengths(self, term: Term, parameter: Parameter | None) -> Formula:
        first, second = (re.sub(r"F~?\((.*)\)", r"\1", letter) for letter in term.letters)
        above = field_strength(second, (), MU_NU, term.kind == "theta")
        product = (field_strength(first, MU_NU, ()), above)
        if term.kind == "theta":
            assert parameter is not None
            g = coupling(first)
            square = Scripts(g.base, g.below, (number(2),)) if isinstance(g, Scripts) else g
            top = row(coupling_symbol(parameter), square)
            pi = Scripts(Symbol(r"\pi", "π"), (), (number(2),))
            factor = 16 if abelian(first) else 32
            return row(Quotient(top, row(number(factor), pi)), *product)
        if term.kind == "mixing":
            assert parameter is not None
            return row(Quotient(coupling_symbol(parameter), number(2)), *product)
        return row(Quotient(number(1), number(4)), *product)

    def _kinetic(self, term: Term, parameter: Parameter | None) -> Formula:
        first, second = (letter.removeprefix("D(").removesuffix(")") for letter in term.letters)
        left, right = (self.terms.field(letter) for letter in (first, second))
        places = iter(_FLAVOURS)
        one = next(places) if left.copies > 1 else ""
        # A kinetic term is a sum over one flavour; mixing is a matrix of two.
        two = "" if right.copies == 1 else next(places) if parameter else one
        parts: list[Formula] = []
        if parameter is not None:
            parts += [coupling_symbol(parameter, one + two), THIN_SPACE]
        a, b = self._letter(first, _flavour(one)), self._letter(second, _flavour(two))
        charged = bool(left.representations)
        down, up = covariant_derivative(charged, below=True), covariant_derivative(charged)
        if left.fermion:
            sigma = Scripts(Accent(SIGMA, "bar") if left.left_handed else SIGMA, (), (MU,))
            return row(*parts, IMAGINARY, b, sigma, down, a)
        if left.real and right.real and parameter is None:
            parts.append(HALF)
        if second.endswith("*"):
            plain = self._letter(second[:-1], _flavour(two))
            b = Scripts(Fenced(row(down, plain)), (), self._conjugation(right))
        else:
            b = Fenced(row(down, b))
        return row(*parts, b, Fenced(row(up, a)))

    def _interaction(self, term: Term, parameter: Parameter) -> Formula:
        indices = iter(_FLAVOURS)
        used = ""
        factors: list[Formula] = []
        powers = list(term.powers)
        while powers:
            letter, power = powers.pop(0)
            field = self.terms.field(letter)
            if field.copies > 1:
                for _ in range(power):
                    used += (index := next(indices))
                    factors.append(self._letter(letter, _flavour(index)))
                continue
            # Labels of contractions follow the canonical order, so there nothing is moved.
            if not parameter.label and powers and powers[0][0] == f"{letter}*":
                other = powers.pop(0)[1]
                plain = [self._letter(letter, (), 1 if other == power > 1 else power)]
                starred = [self._letter(f"{letter}*", (), 1 if other == power > 1 else other)]
                pair = row(*starred, *plain)
                equal = other == power > 1
                factors.append(Scripts(Fenced(pair), (), (number(power),)) if equal else pair)
                continue
            factors.append(self._letter(letter, (), power))
        body = row(*factors)
        if parameter.label:
            body = Scripts(Fenced(body, "[]"), contraction_label(parameter.label))
        half = (HALF,) if parameter.halved else ()
        return row(*half, coupling_symbol(parameter, used), THIN_SPACE, body)


def contraction_label(label: str) -> tuple[Formula, ...]:
    """The steps of a contraction: bold dimensions, bars over conjugates, primes for copies."""
    parts: list[Formula] = []
    for step in label.split(";"):
        if parts:
            parts.append(operator(";", ";"))
        step, _, young = step.partition("|")
        step, _, copy = step.partition("#")
        copy = copy or (young.partition("#")[2])
        irreps = _with_commas(*(_irrep(text) for text in step.split(",")))
        above: list[Formula] = [operator(r"\prime", "′") for _ in range(int(copy or 0))]
        if young:
            rows = young.partition("#")[0].split(".")
            above.append(Fenced(Row(_with_commas(*(number(int(r)) for r in rows))), "[]"))
        several = len(irreps) > 1
        body = Fenced(Row(irreps)) if several and (above or ";" in label) else Row(irreps)
        parts.append(_scripts(body, (), tuple(above)))
    return tuple(parts)


def _irrep(text: str) -> Formula:
    digits = text.removeprefix("-").rstrip("'")
    bold: Formula = Symbol(rf"\mathbf{{{digits}}}", digits, "n", "bold")
    bold = Accent(bold, "bar") if text.startswith("-") else bold
    primes = tuple(operator(r"\prime", "′") for _ in range(text.count("'")))
    return _scripts(bold, (), primes)


def coupling_symbol(parameter: Parameter, flavours: str = "") -> Formula:
    """The symbol of a coupling, with flavour indices."""
    words = {"m2": "m"}
    base = symbol(words.get(parameter.word, parameter.word))
    assert base is not None
    below: list[Formula] = [] if parameter.number is None else [number(parameter.number)]
    above = (number(2),) if parameter.word == "m2" else ()
    return _scripts(base, _with_commas(*below, *_flavour(flavours)), above)


def _flavour(indices: str) -> tuple[Formula, ...]:
    return (Row(tuple(Symbol(i, i) for i in indices)),) if indices else ()


def _with_commas(*items: Formula) -> tuple[Formula, ...]:
    spread: list[Formula] = []
    for item in items:
        spread += [COMMA, item] if spread else [item]
    return tuple(spread)


def _scripts(base: Formula, below: tuple[Formula, ...], above: tuple[Formula, ...] = ()) -> Formula:
    return Scripts(base, below, above) if below or above else base
