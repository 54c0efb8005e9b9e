r"""Lagrangians as LaTeX."""

import re

from ._formula import MU_NU, Formula, row
from ._gauge_fields import (
    connection,
    covariant_derivative,
    definition_of_strength,
    field_strength,
)
from ._termset import TermSet
from ._typeset import Typesetter

_WIDTH = 44  # letters of a line that fits a page


def to_latex(terms: TermSet, *, definitions: bool = True) -> str:
    r"""A Lagrangian as an aligned LaTeX display, with couplings numbered by kind.

    It compiles as it is, with `amsmath`, where text is expected. Scalar masses and mass terms of
    two equal fermions carry a factor 1/2 when the field is its own partner; all other couplings are
    the coefficients of the products shown. Where a product has several invariant contractions, each
    stands in brackets with its label below: the representations that the letters are coupled to, in
    the order in which they are written. Flavour indices are p, r, s and t.

    **Arguments:**

    - `terms`: the Lagrangian.
    - `definitions`: whether to add what the covariant derivatives and field strengths are.

    **Returns:** the display, from `\begin{align*}` to `\end{align*}`.

    !!! example
        >>> from stationary.fieldtheory import lagrangian_terms, parse_fields, to_latex
        >>> terms = lagrangian_terms(parse_fields("phi: real scalar"), "U1")
        >>> print(to_latex(terms, definitions=False))
        \begin{align*}
        \mathcal{L} ={} & - \frac{1}{4} B_{\mu \nu} B^{\mu \nu} \\
        & + \frac{1}{2} \left( \partial_{\mu} \phi \right) \left( \partial^{\mu} \phi \right) \\
        & - \kappa \, \phi \\
        & - \frac{1}{2} m^{2} \, \phi^{2} \\
        & - \mu \, \phi^{3} \\
        & - \lambda \, \phi^{4}
        \end{align*}
    """
    typesetter = Typesetter(terms)
    lines: list[str] = []
    kind = None
    for summand in typesetter.summands():
        text = f"{'-' if summand.negative else '+'} {summand.formula.latex}"
        if summand.term.kind != kind or _width(lines[-1] + text) > _WIDTH:
            lines.append(text)
        else:
            lines[-1] += f" {text}"
        kind = summand.term.kind
    rows = [rf"\mathcal{{L}} ={{}} & {lines[0]}", *(f"& {line}" for line in lines[1:])]
    if definitions:
        sides = defining_equations(typesetter)
        rows += [f"{left.latex} ={{}} & {right.latex}" for left, right in sides]
    body = " \\\\\n".join(rows)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


def defining_equations(typesetter: Typesetter) -> list[tuple[Formula, Formula]]:
    """Both sides of what defines covariant derivatives and field strengths."""
    terms = typesetter.terms
    found: list[tuple[Formula, Formula]] = []
    for field in terms.fields:
        if field.representations:
            letter = typesetter.field(field.name)
            left = row(covariant_derivative(True, below=True), letter)
            found.append((left, row(connection(field, terms.group.factors), letter)))
    for factor in terms.group.factors:
        left = field_strength(factor, MU_NU, ())
        found.append((left, definition_of_strength(factor)))
    return found


def _width(latex: str) -> int:
    plain = re.sub(r"\\(,|(left|right|frac|mathrm|mathbf|text)\b)", "", latex)
    return len(re.sub(r"\\[a-zA-Z]+", "x", re.sub(r"[{}_^ ]", "", plain)))
