"""Fields and terms as plain text, and back."""

from ._termset import TermSet


def to_text(terms: TermSet) -> str:
    """A Lagrangian in canonical text: one contraction of one term in each line.

    **Arguments:**

    - `terms`: the Lagrangian.

    **Returns:** lines such as `H H* h h* [1,3]` or `H Q u + h.c.`.
    """
    return "\n".join(lines(terms))


def lines(terms: TermSet) -> list[str]:
    """The lines of [`to_text`][stationary.fieldtheory.to_text]."""
    found = []
    for term in terms:
        body, tail = " ".join(term.letters), "" if term.self_conjugate else " + h.c."
        if term.count == 1 or not term.interaction:
            found.append(body + tail)
            continue
        for way in terms.contractions(term):
            label = f" [{way.label}]" if way.label else ""
            found.append(body + label + tail)
    return found
