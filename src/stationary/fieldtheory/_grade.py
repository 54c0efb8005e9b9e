"""Comparing a Lagrangian that somebody wrote with the exact one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ._explain import why_not_invariant
from ._field import Field
from ._match import match_fields
from ._monomial import Monomial, parse_terms
from ._span import Span
from ._term import Term
from ._termset import TermSet
from ._text import lines


@dataclass(frozen=True)
class Remark:
    """A product that is wrong, and why."""

    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.text}: {self.reason}"


@dataclass(frozen=True)
class Grade:
    """What is right and what is wrong about a Lagrangian.

    **Arguments:**

    - `right`: the products that belong there.
    - `missing`: terms of the exact Lagrangian that are not there.
    - `extra`: invariant products that do not belong there, such as repetitions.
    - `miscontracted`: products of the right letters with a contraction that does not exist, or
        that is not independent of the others.
    - `not_invariant`: products that no Lagrangian of these fields may contain.
    - `total`: the independent contractions of the exact Lagrangian.
    """

    right: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[Remark, ...]
    miscontracted: tuple[Remark, ...]
    not_invariant: tuple[Remark, ...]
    total: int

    @property
    def exact(self) -> bool:
        """Whether it is the exact Lagrangian."""
        return not (self.missing or self.extra or self.miscontracted or self.not_invariant)

    @property
    def wrong(self) -> tuple[Remark, ...]:
        """All products that are wrong."""
        return (*self.not_invariant, *self.miscontracted, *self.extra)

    @property
    def precision(self) -> float:
        """The part of the products that is right; 1 when there are none and none belong there."""
        written = len(self.right) + len(self.wrong)
        return len(self.right) / written if written else float(not self.total)

    @property
    def recall(self) -> float:
        """The part of the exact Lagrangian that is there."""
        return (self.total - len(self.missing)) / self.total if self.total else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def __str__(self) -> str:
        if self.exact:
            return f"exact: all {self.total} terms are there, and nothing else"
        parts = [f"{len(self.right)} right, {len(self.missing)} missing, {len(self.wrong)} wrong"]
        parts += [f"  missing   {text}" for text in self.missing]
        parts += [f"  wrong     {remark}" for remark in self.wrong]
        return "\n".join(parts)


def grade(
    answer: "str | TermSet | Sequence[Monomial]",
    truth: TermSet,
    *,
    fields: Sequence[Field] | None = None,
    interactions_only: bool = False,
) -> Grade:
    """Compare a Lagrangian with the exact one.

    Terms are compared up to their order, the order of their letters, hermitian conjugation, the
    names of the fields, and the basis of contractions: where a term has several, the tensors that
    were written must span what the exact ones do.

    **Arguments:**

    - `answer`: text as for [`parse_terms`][stationary.fieldtheory.parse_terms], products, or a
        `TermSet`, whose fields may have other names.
    - `truth`: the exact Lagrangian.
    - `fields`: the fields that `answer` speaks of, if their names are not those of `truth`; they
        are matched by quantum numbers, a field with its conjugate description too.
    - `interactions_only`: whether to leave kinetic terms and field strengths aside.

    **Returns:** a [`Grade`][stationary.fieldtheory.Grade].

    **Raises:** `ValueError` when text cannot be read, or the fields are not the same.

    !!! example
        >>> from stationary.fieldtheory import grade, lagrangian_terms, parse_fields
        >>> truth = lagrangian_terms(parse_fields("H: scalar su2=2 y=1/2"), "SU2 x U1")
        >>> print(grade("H H* + H H", truth, interactions_only=True))
        1 right, 1 missing, 1 wrong
          missing   H H H* H*
          wrong     H H: the charges u1 add up to 1, not 0
    """
    if isinstance(answer, TermSet):
        fields = answer.fields if fields is None else fields
        answer = "\n".join(lines(answer))
    products = parse_terms(answer) if isinstance(answer, str) else tuple(answer)
    rename = match_fields(fields, truth.fields) if fields is not None else {}
    return _Grading(truth, rename, interactions_only).of(products)


@dataclass
class _Grading:
    truth: TermSet
    rename: Mapping[str, str]
    interactions_only: bool
    right: list[str] = field(default_factory=list)
    extra: list[Remark] = field(default_factory=list)
    miscontracted: list[Remark] = field(default_factory=list)
    not_invariant: list[Remark] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = self.truth.alphabet.names
        other = self.truth.alphabet.conjugates
        self.conjugate = {name: names[other[i]] for i, name in enumerate(names)}
        self.terms = {
            self.key(term.letters): term
            for term in self.truth.terms
            if term.interaction or not self.interactions_only
        }

    def key(self, letters: Sequence[str]) -> tuple[str, ...]:
        """The same for a product and its hermitian conjugate, in any order."""
        return min(tuple(sorted(letters)), tuple(sorted(map(self.bar, letters))))

    def bar(self, letter: str) -> str:
        if letter.startswith("D("):
            return f"D({self.bar(letter[2:-1])})"
        return self.conjugate.get(letter, letter)

    def renamed(self, letter: str) -> str:
        if letter.startswith("D("):
            return f"D({self.renamed(letter[2:-1])})"
        if letter in self.rename:
            return self.rename[letter]
        plain = letter.removesuffix("*")
        # A real field is its own conjugate.
        return plain if self.conjugate.get(plain) == plain else letter

    def of(self, products: Sequence[Monomial]) -> Grade:
        found: dict[tuple[str, ...], list[Monomial]] = {}
        for product in products:
            letters = tuple(self.renamed(letter) for letter in product.letters)
            same = Monomial(letters, product.label, str(product))
            found.setdefault(self.key(letters), []).append(same)
        missing: list[str] = []
        for key, term in self.terms.items():
            missing += self._term(term, found.pop(key, []))
        for strangers in found.values():
            for product in strangers:
                self._stranger(product)
        total = sum(len(_written(self.truth, term)) for term in self.terms.values())
        return Grade(
            tuple(self.right),
            tuple(missing),
            tuple(self.extra),
            tuple(self.miscontracted),
            tuple(self.not_invariant),
            total,
        )

    def _stranger(self, product: Monomial) -> None:
        special = [x for x in product.letters if x.startswith(("D(", "F(", "F~("))]
        if special and self.interactions_only:
            return
        if special:
            self.extra.append(
                Remark(product.text, "the exact Lagrangian has no such term with derivatives")
            )
            return
        reason = why_not_invariant(product.letters, self.truth.fields, self.truth.group)
        if reason:
            self.not_invariant.append(Remark(product.text, reason))
        else:
            self.extra.append(Remark(product.text, "invariant, but not in the exact Lagrangian"))

    def _term(self, term: Term, products: list[Monomial]) -> list[str]:
        """Sort products of a term's letters; what of the term is missing."""
        expected = _written(self.truth, term)
        if len(expected) == 1 and not any(product.label for product in products):
            kept = self._once(products)
            self.right += [product.text for product in kept]
            return [] if kept else expected
        span = Span(self.truth, term)
        accepted: list[np.ndarray] = []
        for product in self._once(products):
            tensors = self._tensors(span, product)
            if tensors is None:
                continue
            if _rank([*accepted, *tensors]) < len(accepted) + len(tensors):
                self.miscontracted.append(
                    Remark(product.text, "its contraction follows from the others that are there")
                )
                continue
            accepted += tensors
            self.right.append(product.text)
        left = _rank(span.tensors) - len(accepted)
        if not left:
            return []
        there = [
            text
            for text, row in zip(expected, span.tensors, strict=True)
            if _rank([*accepted, row]) > len(accepted)
        ]
        return there[:left]

    def _once(self, products: list[Monomial]) -> list[Monomial]:
        # A term and its hermitian conjugate may both be written: one is what "+ h.c." says.
        kept: dict[tuple, Monomial] = {}
        spoken: set[tuple] = set()
        for product in products:
            mine = (tuple(sorted(product.letters)), product.label)
            if mine in spoken:
                self.extra.append(Remark(product.text, "it is written twice"))
                continue
            spoken.add(mine)
            mirror = tuple(sorted(map(self.bar, product.letters)))
            if mirror != mine[0] and any(key[0] == mirror for key in kept):
                continue
            kept[mine] = product
        return list(kept.values())

    def _tensors(self, span: Span, product: Monomial) -> list[np.ndarray] | None:
        ways = span.labels(product.letters)
        if product.label in ways:
            return [span.tensor(product.letters, product.label)]
        there = ", ".join(f"[{way}]" for way in ways)
        if product.label:
            why = f"there is no contraction [{product.label}] of these letters"
            why += f"; there are {there}" if there else ""
        else:
            why = f"it can be contracted in {len(ways)} ways; say which: {there}"
        self.miscontracted.append(Remark(product.text, why))
        return None


def _written(truth: TermSet, term: Term) -> list[str]:
    # The lines of the term in canonical text.
    return lines(TermSet(truth.fields, truth.group, (term,)))


def _rank(rows: Sequence[np.ndarray]) -> int:
    return int(np.linalg.matrix_rank(np.stack(rows), tol=1e-8)) if len(rows) else 0
