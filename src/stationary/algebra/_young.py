"""Young diagrams: what they count, and how they multiply."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import prod

from ._irrep import Irrep

_CELL = 22


@dataclass(frozen=True, order=True)
class YoungDiagram:
    """Rows of boxes, each no longer than the one above: a partition of their number.

    **Arguments:**

    - `rows`: the lengths of the rows, weakly falling; zeros at the end are dropped.

    **Raises:** `ValueError` when the lengths rise or one is negative.

    !!! example
        >>> from stationary.algebra import SU, YoungDiagram
        >>> octet = YoungDiagram.of(SU(3).irrep(8))
        >>> print(octet)
        □□
        □
        >>> octet.dimension(3), octet.conjugate.rows, str(octet.irrep(3))
        (8, (2, 1), '8')
    """

    rows: tuple[int, ...]

    def __post_init__(self) -> None:
        rows = tuple(self.rows)
        if any(not isinstance(row, int) or row < 0 for row in rows) or list(rows) != sorted(
            rows, reverse=True
        ):
            raise ValueError(
                f"YoungDiagram takes weakly falling lengths of rows, such as (2, 1), got {rows!r}."
            )
        object.__setattr__(self, "rows", tuple(row for row in rows if row))

    @classmethod
    def of(cls, irrep: Irrep) -> "YoungDiagram":
        """The diagram of a representation of SU(N), without full columns."""
        return cls(irrep.partition)

    @classmethod
    def all(cls, boxes: int, rows: int | None = None) -> "list[YoungDiagram]":
        """Every diagram of so many boxes, those with the longest rows first.

        **Arguments:**

        - `boxes`: how many boxes.
        - `rows`: the most rows that a diagram may have; default any number.
        """
        return [cls(shape) for shape in partitions(boxes, boxes if rows is None else rows)]

    @property
    def boxes(self) -> int:
        """How many boxes there are: the degree of the tensors it symmetrises."""
        return sum(self.rows)

    @property
    def conjugate(self) -> "YoungDiagram":
        """Rows and columns exchanged."""
        width = self.rows[0] if self.rows else 0
        return YoungDiagram(tuple(sum(row > j for row in self.rows) for j in range(width)))

    @property
    def hooks(self) -> tuple[tuple[int, ...], ...]:
        """The hook length of each box: itself, the boxes to its right and those below it."""
        columns = self.conjugate.rows
        return tuple(
            tuple(row - j + columns[j] - i - 1 for j in range(row))
            for i, row in enumerate(self.rows)
        )

    def dimension(self, n: int) -> int:
        """The dimension of the representation of GL(n), and of SU(n), with this symmetry.

        Hook-content formula: the product of (n + column - row) / hook over the boxes.

        **Arguments:**

        - `n`: the dimension of the vectors, at least 0.

        **Returns:** the dimension, 0 when there are more than n rows.
        """
        contents = [n + j - i for i, row in enumerate(self.rows) for j in range(row)]
        return int(Fraction(prod(contents), prod(hook for row in self.hooks for hook in row)))

    def irrep(self, n: int) -> Irrep:
        """The representation of SU(n), n >= 2, with this symmetry.

        **Raises:** `ValueError` when there are more than n rows.
        """
        if len(self.rows) > n or n < 2:
            raise ValueError(
                f"{self.rows} is no representation of SU({n}): it has {len(self.rows)} rows."
            )
        rows = (*self.rows, *(0,) * (n - len(self.rows)))
        return Irrep(tuple(rows[i] - rows[i + 1] for i in range(n - 1)))

    def product(
        self, other: "YoungDiagram", rows: int | None = None
    ) -> Mapping["YoungDiagram", int]:
        """The product with another diagram, by the rule of Littlewood and Richardson.

        Boxes of `other` are added row by row, labelled by their row: each label's boxes lie in
        different columns, and read from the right, row after row from the top, no label ever
        outnumbers the one before it.

        **Arguments:**

        - `other`: what to multiply with.
        - `rows`: leave out diagrams with more rows, which vanish for SU(`rows`).

        **Returns:** multiplicities by diagram.

        !!! example
            >>> octet = YoungDiagram((2, 1))
            >>> sorted(d.dimension(3) * m for d, m in octet.product(octet, rows=3).items())
            [1, 10, 10, 16, 27]
        """
        most = rows if rows is not None else len(self.rows) + len(other.rows)
        shapes: list[tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]]
        start = (*self.rows, *(0,) * (most - len(self.rows)))
        if len(start) > most:
            return {}
        # added[label][row]: how many boxes with this label are in that row.
        shapes = [(start, ())]
        for count in other.rows:
            shapes = [
                (grown, (*added, strip))
                for shape, added in shapes
                for strip, grown in _strips(shape, count)
                if not added or _is_lattice(added[-1], strip)
            ]
        result: dict[YoungDiagram, int] = {}
        for shape, _ in shapes:
            diagram = YoungDiagram(shape)
            result[diagram] = result.get(diagram, 0) + 1
        return {diagram: result[diagram] for diagram in sorted(result, reverse=True)}

    def __str__(self) -> str:
        return "\n".join("□" * row for row in self.rows) or "·"

    def svg(self) -> str:
        """The diagram as an SVG picture of its own, with its name for screen readers."""
        width = max(self.rows, default=1) * _CELL + 2
        height = max(len(self.rows), 1) * _CELL + 2
        boxes = "".join(
            f'<rect x="{j * _CELL + 1}" y="{i * _CELL + 1}" width="{_CELL}" height="{_CELL}"/>'
            for i, row in enumerate(self.rows)
            for j in range(row)
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" fill="none" stroke="#566475" stroke-width="1.5">'
            f"<title>Young diagram {self.rows}</title>{boxes}</svg>"
        )


def _strips(
    shape: tuple[int, ...], count: int
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Ways to add boxes with no two in one column: how many in each row, and the new shape."""

    def fill(row: int, left: int, added: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if row == len(shape):
            if not left:
                yield added
            return
        room = left if row == 0 else min(left, shape[row - 1] - shape[row])
        for here in range(room + 1):
            yield from fill(row + 1, left - here, (*added, here))

    for strip in fill(0, count, ()):
        yield strip, tuple(a + b for a, b in zip(shape, strip, strict=True))


def _is_lattice(before: tuple[int, ...], strip: tuple[int, ...]) -> bool:
    # Up to the end of each row, not more of this label than of the one before in earlier rows.
    return all(sum(strip[: row + 1]) <= sum(before[:row]) for row in range(len(strip)))


@cache
def partitions(boxes: int, rows: int, longest: int | None = None) -> tuple[tuple[int, ...], ...]:
    """The rows of every diagram with so many boxes and at most so many rows."""
    if boxes == 0:
        return ((),)
    if rows == 0:
        return ()
    top = boxes if longest is None else min(boxes, longest)
    return tuple(
        (first, *rest)
        for first in range(top, 0, -1)
        for rest in partitions(boxes - first, rows - 1, first)
    )
