"""Formulas as small trees that are written as LaTeX or as MathML."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType


@dataclass(frozen=True)
class Symbol:
    """A letter, a number or a sign.

    **Arguments:**

    - `latex`: how LaTeX writes it.
    - `text`: the characters that stand for it.
    - `role`: `"i"` for an identifier, `"n"` for a number, `"o"` for an operator: the MathML
        element without its m; or `"space"`.
    - `style`: `"upright"`, `"bold"`, or empty.
    """

    latex: str
    text: str
    role: str = "i"
    style: str = ""

    @property
    def mathml(self) -> str:
        """As MathML."""
        if self.role == "space":
            return '<mspace width="0.17em"></mspace>'
        # Bold is left to style sheets: MathML Core knows no bold variant.
        extra = {"upright": ' mathvariant="normal"', "bold": ' class="bold"'}.get(self.style, "")
        if self.role == "o":
            extra += ' stretchy="false"'
        return f"<m{self.role}{extra}>{escape(self.text)}</m{self.role}>"


@dataclass(frozen=True)
class Row:
    """Formulas side by side.

    **Arguments:**

    - `items`: the formulas.
    """

    items: "tuple[Formula, ...]"

    @property
    def latex(self) -> str:
        """As LaTeX."""
        return " ".join(item.latex for item in self.items).replace(" , ", ",")

    @property
    def mathml(self) -> str:
        """As MathML."""
        return f"<mrow>{''.join(item.mathml for item in self.items)}</mrow>"


@dataclass(frozen=True)
class Scripts:
    """A formula with what is below and above on its right.

    **Arguments:**

    - `base`: the formula.
    - `below`, `above`: subscript and superscript, side by side; either may be empty.
    """

    base: "Formula"
    below: "tuple[Formula, ...]" = ()
    above: "tuple[Formula, ...]" = ()

    @property
    def latex(self) -> str:
        """As LaTeX."""
        below = f"_{{{Row(self.below).latex}}}" if self.below else ""
        above = f"^{{{Row(self.above).latex}}}" if self.above else ""
        return self.base.latex + below + above

    @property
    def mathml(self) -> str:
        """As MathML."""
        parts = self.base.mathml, Row(self.below).mathml, Row(self.above).mathml
        if self.below and self.above:
            return f"<msubsup>{''.join(parts)}</msubsup>"
        if self.below:
            return f"<msub>{parts[0]}{parts[1]}</msub>"
        return f"<msup>{parts[0]}{parts[2]}</msup>" if self.above else parts[0]


@dataclass(frozen=True)
class Quotient:
    """A fraction.

    **Arguments:**

    - `top`, `bottom`: numerator and denominator.
    """

    top: "Formula"
    bottom: "Formula"

    @property
    def latex(self) -> str:
        """As LaTeX."""
        return rf"\frac{{{self.top.latex}}}{{{self.bottom.latex}}}"

    @property
    def mathml(self) -> str:
        """As MathML."""
        return f"<mfrac>{self.top.mathml}{self.bottom.mathml}</mfrac>"


@dataclass(frozen=True)
class Accent:
    """A formula under a mark.

    **Arguments:**

    - `base`: the formula.
    - `mark`: `"tilde"` or `"bar"`.
    """

    base: "Formula"
    mark: str

    @property
    def latex(self) -> str:
        """As LaTeX."""
        return rf"\{self.mark}{{{self.base.latex}}}"

    @property
    def mathml(self) -> str:
        """As MathML."""
        mark = {"tilde": "~", "bar": "¯"}[self.mark]
        inside = f'{self.base.mathml}<mo stretchy="false">{mark}</mo>'
        return f'<mover accent="true">{inside}</mover>'


@dataclass(frozen=True)
class Fenced:
    """A formula between brackets that grow with it.

    **Arguments:**

    - `body`: the formula.
    - `fences`: the two brackets.
    """

    body: "Formula"
    fences: str = "()"

    @property
    def latex(self) -> str:
        """As LaTeX."""
        return rf"\left{self.fences[0]} {self.body.latex} \right{self.fences[1]}"

    @property
    def mathml(self) -> str:
        """As MathML."""
        left, right = (f'<mo fence="true">{fence}</mo>' for fence in self.fences)
        return f"<mrow>{left}{self.body.mathml}{right}</mrow>"


Formula = Symbol | Row | Scripts | Quotient | Accent | Fenced


def row(*items: Formula) -> Row:
    """Formulas side by side."""
    return Row(items)


def number(value: int) -> Symbol:
    """A whole number."""
    return Symbol(str(value), str(value), "n")


def operator(latex: str, text: str) -> Symbol:
    """A sign such as + or a comma."""
    return Symbol(latex, text, "o")


def word(text: str, commands: Mapping[str, str] = MappingProxyType({})) -> Symbol:
    """An upright word.

    **Arguments:**

    - `text`: its characters.
    - `commands`: what LaTeX calls characters beyond ASCII; others are left to its input encoding.
    """
    parts = []
    for c in text:
        other = f"{commands[c]} " if c in commands else rf"\text{{{c}}}"
        parts.append(rf"\{c}" if c in "_#&%$" else c if c.isascii() else other)
    return Symbol(rf"\mathrm{{{''.join(parts)}}}", text, "i", "upright")


DAGGER = operator(r"\dagger", "†")
STAR = operator("*", "∗")
MU = Symbol(r"\mu", "μ")
MU_NU = (MU, Symbol(r"\nu", "ν"))
PARTIAL = Symbol(r"\partial", "∂", "i", "upright")
SIGMA = Symbol(r"\sigma", "σ")
IMAGINARY = Symbol("i", "i")
PLUS, MINUS = operator("+", "+"), operator("-", "−")
THIN_SPACE = Symbol(r"\,", " ", "space")
COMMA = operator(",", ",")
HERMITIAN_CONJUGATE = Symbol(r"\mathrm{h.c.}", "h.c.", "i", "upright")
HALF = Quotient(number(1), number(2))
