"""Gauge fields as formulas: field strengths and covariant derivatives."""

from fractions import Fraction

from stationary.algebra import Irrep

from ._field import Field
from ._formula import (
    IMAGINARY,
    MINUS,
    MU,
    MU_NU,
    PARTIAL,
    PLUS,
    SIGMA,
    STAR,
    Accent,
    Fenced,
    Formula,
    Quotient,
    Scripts,
    Symbol,
    number,
    operator,
    row,
    word,
)
from ._group import factor_group

_BOSONS = {1: "B", 2: "W", 3: "G", 4: "C", 5: "A"}
_ADJOINT = Symbol("a", "a")


def abelian(factor: str) -> bool:
    """Whether a factor of a gauge group is a U(1)."""
    return factor_group(factor) is None


def coupling(factor: str) -> Formula:
    """The gauge coupling of a factor, such as g with 3 below it."""
    return Scripts(Symbol("g", "g"), (number(_size(factor)), *_suffix(factor)))


def boson(factor: str, below: tuple[Formula, ...], above: tuple[Formula, ...] = ()) -> Formula:
    """The gauge field of a factor, with Lorentz indices."""
    letter = _BOSONS[_size(factor)]
    index = () if abelian(factor) else (_ADJOINT,)
    base: Formula = Symbol(letter, letter)
    if _suffix(factor):
        # The word that tells factors apart must not run into the indices.
        index = (row(operator("(", "("), *_suffix(factor), operator(")", ")")), *index)
    return Scripts(base, below, index + above)


def field_strength(
    factor: str, below: tuple[Formula, ...], above: tuple[Formula, ...], dual: bool = False
) -> Formula:
    """The field strength of a factor, with Lorentz indices, or its dual."""
    plain = boson(factor, below, above)
    assert isinstance(plain, Scripts)
    base = Accent(plain.base, "tilde") if dual else plain.base
    return Scripts(base, plain.below, plain.above)


def covariant_derivative(charged: bool, below: bool = False) -> Formula:
    """The covariant derivative; the partial one of a field without charges."""
    base = Symbol("D", "D") if charged else PARTIAL
    return Scripts(base, (MU,)) if below else Scripts(base, (), (MU,))


def connection(field: Field, order: tuple[str, ...]) -> Formula:
    """What the covariant derivative of a field is, in its representation.

    **Arguments:**

    - `field`: the field.
    - `order`: the factors of the gauge group.
    """
    given = dict(field.representations)
    parts: list[Formula] = [covariant_derivative(False, below=True)]
    for factor in order:
        if factor not in given:
            continue
        negative, generator = _generator(given[factor])
        sign = PLUS if negative else MINUS
        parts += [sign, IMAGINARY, coupling(factor), *generator, boson(factor, (MU,))]
    return Fenced(row(*parts))


def definition_of_strength(factor: str) -> Formula:
    """What the field strength of a factor is, in terms of its gauge field."""

    def gauge(index: Formula, adjoint: str = "a") -> Formula:
        plain = boson(factor, (index,))
        assert isinstance(plain, Scripts)
        above = plain.above if abelian(factor) else (*plain.above[:-1], Symbol(adjoint, adjoint))
        return Scripts(plain.base, plain.below, above)

    mu, nu = MU_NU
    parts = [Scripts(PARTIAL, (mu,)), gauge(nu), MINUS, Scripts(PARTIAL, (nu,)), gauge(mu)]
    if not abelian(factor):
        symbols = tuple(Symbol(i, i) for i in "abc")
        epsilon = Symbol(r"\epsilon", "ϵ") if _size(factor) == 2 else Symbol("f", "f")
        constants = Scripts(epsilon, (), symbols)
        parts += [PLUS, coupling(factor), constants, gauge(mu, "b"), gauge(nu, "c")]
    return row(*parts)


def _generator(rep: Irrep | Fraction) -> tuple[bool, tuple[Formula, ...]]:
    """Whether it enters with a minus sign, and the generator or the charge."""
    if isinstance(rep, Fraction):
        size = abs(rep)
        if size.denominator > 1:
            return rep < 0, (Quotient(number(size.numerator), number(size.denominator)),)
        return rep < 0, () if size == 1 else (number(size.numerator),)
    if rep.dynkin == (1,):
        return False, (Quotient(Scripts(SIGMA, (), (_ADJOINT,)), number(2)),)
    generator = Symbol("T", "T")
    if sum(rep.dynkin) == 1 and rep.dynkin[0]:
        return False, (Scripts(generator, (), (_ADJOINT,)),)
    if sum(rep.dynkin) == 1 and rep.dynkin[-1]:
        return True, (Scripts(generator, (), (_ADJOINT, STAR)),)
    name = str(rep)
    digits = name.removeprefix("-").rstrip("'")
    bold: Formula = Symbol(rf"\mathbf{{{digits}}}", digits, "n", "bold")
    bold = Accent(bold, "bar") if name.startswith("-") else bold
    if "'" in name:
        bold = Scripts(bold, (), (Symbol(r"\prime", "′", "o"),) * name.count("'"))
    return False, (Scripts(generator, (bold,), (_ADJOINT,)),)


def _size(factor: str) -> int:
    group = factor_group(factor)
    return 1 if group is None else group.n


def _suffix(factor: str) -> tuple[Formula, ...]:
    _, underscore, rest = factor.partition("_")
    return (word(rest.upper()),) if underscore else ()
