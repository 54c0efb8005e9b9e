"""A chart: axes, series and their labels, as one responsive SVG string."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np

from ._draw import draw_series, shape
from ._marks import Series
from ._markup import Child, Markup, tag
from ._scales import AbstractScale, Kind, choose_scale
from ._words import compact, shorten, width

_SIZE = 13.0
_SMALL = 12.0
COLOURS = 6


class Frame(NamedTuple):
    """The rectangle that the data fill, and the scales of its sides."""

    left: float
    top: float
    right: float
    bottom: float
    x: AbstractScale
    y: AbstractScale

    def across(self, values: np.ndarray) -> np.ndarray:
        """Horizontal pixels."""
        places = np.where(np.isfinite(values), self.x.place(values), np.nan)
        return self.left + (self.right - self.left) * places

    def down(self, values: np.ndarray) -> np.ndarray:
        """Vertical pixels, which count from the top."""
        places = np.where(np.isfinite(values), self.y.place(values), np.nan)
        return self.bottom - (self.bottom - self.top) * places


@dataclasses.dataclass(frozen=True)
class Chart:
    """Series over two axes.

    Drawing is pure: the same chart is the same text, byte for byte, so results can be compared
    with `diff`. Series are told apart by dash or shape as well as by colour, and carry their names
    at their right ends.

    **Arguments:**

    - `series`: what to draw, in order.
    - `title`, `description`: what a screen reader says of the picture.
    - `x_label`, `y_label`: what the axes measure.
    - `x_scale`, `y_scale`: `"linear"`, `"log"` or `"auto"`.
    - `size`: width and height in pixels at scale one; the picture fills what holds it.
    - `rest`: what to call what is in the background, shown after its number: `"more constraints"`
        for series, `"dominated"` for dots.
    - `underlay`: what to draw beneath the series, in the coordinates of the frame.
    - `within`: ranges of x and y that the axes show at least.
    """

    series: Sequence[Series]
    title: str
    description: str = ""
    x_label: str = ""
    y_label: str = ""
    x_scale: Kind = "linear"
    y_scale: Kind = "linear"
    size: tuple[int, int] = (400, 250)
    rest: str = "more"
    underlay: Callable[[Frame], Markup] | None = None
    within: tuple[tuple[float, float], tuple[float, float]] | None = None

    def svg(self, *, standalone: bool = False) -> Markup:
        """The chart as an `<svg>` element.

        **Arguments:**

        - `standalone`: with its own style sheet, to be a file by itself; otherwise the page that
            holds it includes `stylesheet()` once.
        """
        shown = [each for each in self.series if np.any(np.isfinite(each.y))]
        if not shown:
            return wrap(self._nothing(), self.size, self.title, self.description, standalone)
        frame = self._frame(shown)
        body = [*self._axes(frame)]
        if self.underlay is not None:
            body.append(self.underlay(frame))
        front = [each for each in shown if not each.background]
        for each in shown:
            if each.background:
                body.append(tag("g", draw_series(each, frame), class_="back"))
        for place, each in enumerate(front):
            body.append(tag("g", draw_series(each, frame, place), class_=_class(place)))
        body += self._labels(frame, front, _quiet(shown))
        description = self.description or self._in_words(shown)
        return wrap(body, self.size, self.title, description, standalone)

    def _in_words(self, shown: Sequence[Series]) -> str:
        parts = []
        for each in shown[:8]:
            finite = each.y[np.isfinite(each.y)]
            parts.append(f"{each.name}: from {compact(finite[0])} to {compact(finite[-1])}")
        more = f"; and {len(shown) - 8} more" if len(shown) > 8 else ""
        return "; ".join(parts) + more

    def _nothing(self) -> Markup:
        across, down = self.size
        label = "nothing finite to show" if self.series else "nothing to show"
        return tag("text", label, class_="quiet", x=across / 2, y=down / 2, text_anchor="middle")

    def _frame(self, shown: Sequence[Series]) -> Frame:
        finite = [np.isfinite(each.y) for each in shown]
        across, down = ([], []) if self.within is None else map(list, self.within)
        pairs = zip(shown, finite, strict=True)
        x = choose_scale(
            self.x_scale, np.concatenate([across, *(each.x[keep] for each, keep in pairs)])
        )
        y = choose_scale(self.y_scale, np.concatenate([down, *(each.heights() for each in shown)]))
        names = [each.name for each in shown if not each.background]
        room = 0.0
        if len(shown) > 1:
            rest = _quiet(shown)
            labels = [*names, *([f"{rest} {self.rest}"] if rest else [])]
            room = min(max(width(label, _SMALL) for label in labels), 0.3 * self.size[0]) + 20
        ticks = max((width(tick.label, _SMALL) for tick in y.ticks(5)), default=0.0)
        return Frame(
            left=max(30.0, ticks + 12),
            top=30.0 if self.y_label or y.note else 12.0,
            right=self.size[0] - max(14.0, room),
            bottom=self.size[1] - (44.0 if self.x_label else 26.0),
            x=x,
            y=y,
        )

    def _axes(self, frame: Frame):
        for place, label in frame.y.ticks(5):
            if not -1e-6 <= place <= 1 + 1e-6:
                continue
            y = frame.bottom - place * (frame.bottom - frame.top)
            yield tag("path", class_="grid", d=f"M{frame.left:.1f} {y:.1f}H{frame.right:.1f}")
            yield tag(
                "text", label, class_="quiet small", x=frame.left - 7, y=y + 4, text_anchor="end"
            )
        yield tag(
            "path", class_="axis", d=f"M{frame.left:.1f} {frame.bottom:.1f}H{frame.right:.1f}"
        )
        edge = -np.inf
        for place, label in frame.x.ticks(5):
            if not -1e-6 <= place <= 1 + 1e-6:
                continue
            x = frame.left + place * (frame.right - frame.left)
            half = width(label, _SMALL) / 2
            yield tag("path", class_="axis", d=f"M{x:.1f} {frame.bottom:.1f}v4")
            if x - half < edge + 6:
                continue
            edge = x + half
            yield tag(
                "text",
                label,
                class_="quiet small",
                x=x,
                y=frame.bottom + 18,
                text_anchor="middle",
            )
        if self.y_label or frame.y.note:
            label = shorten((self.y_label or "value") + frame.y.note, self.size[0] - 4, _SIZE)
            yield tag("text", label, x=2, y=14)
        if self.x_label:
            label = self.x_label + frame.x.note
            middle = (frame.left + frame.right) / 2
            yield tag("text", label, x=middle, y=self.size[1] - 6, text_anchor="middle")

    def _labels(self, frame: Frame, front: Sequence[Series], rest: int):
        if len(front) + rest < 2:
            return
        wanted = []
        for each in front:
            drawn = np.isfinite(frame.down(each.y)) & np.isfinite(frame.across(each.x))
            last = np.flatnonzero(drawn)
            # A series with nothing that this axis can show is still named, at the bottom.
            wanted.append(float(frame.down(each.y)[last[-1]]) if last.size else frame.bottom)
        if rest:
            wanted.append(frame.bottom)
        places = spread(wanted, 15.0, frame.top + 2, frame.bottom)
        left = frame.right + 18
        room = self.size[0] - left
        for place, each in enumerate(front):
            y = places[place]
            leader = f"M{frame.right + 2:.1f} {wanted[place]:.1f}L{left - 4:.1f} {y:.1f}"
            name = shorten(each.name, room, _SMALL)
            mark = tag("path", class_="line", d=leader)
            if each.style in ("dots", "interval"):
                mark = shape(place, left - 9, y)
            yield tag(
                "g",
                mark,
                tag(
                    "text",
                    tag("title", each.name) if name != each.name else None,
                    name,
                    class_="small",
                    x=left,
                    y=y + 4,
                ),
                class_=_class(place),
            )
        if rest:
            label = shorten(f"{rest} {self.rest}", room, _SMALL)
            yield tag("text", label, class_="quiet small", x=left, y=places[-1] + 4)


def _quiet(shown: Sequence[Series]) -> int:
    """How much is in the background: lines, and single dots."""
    hidden = [each for each in shown if each.background]
    return sum(int(np.isfinite(each.y).sum()) if each.style == "dots" else 1 for each in hidden)


def spread(wanted: Sequence[float], gap: float, top: float, bottom: float) -> list[float]:
    """Places as near as possible to `wanted`, at least `gap` apart and within the frame."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    gap = min(gap, (bottom - top) / max(1, len(wanted) - 1)) if len(wanted) > 1 else gap
    # Pool adjacent violators: labels that would overlap move as one block, by the least squares.
    blocks: list[list[float]] = []
    for rank, i in enumerate(order):
        blocks.append([wanted[i] - rank * gap, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            value, weight = blocks.pop()
            blocks[-1][0] = (blocks[-1][0] * blocks[-1][1] + value * weight) / (
                blocks[-1][1] + weight
            )
            blocks[-1][1] += weight
    bases = [value for value, weight in blocks for _ in range(round(weight))]
    limit = bottom - (len(order) - 1) * gap
    places = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        places[i] = min(max(bases[rank], top), max(limit, top)) + rank * gap
    return places


def wrap(
    body: Child, size: tuple[int, int], title: str, description: str, standalone: bool = False
) -> Markup:
    """An `<svg>` element with its name for screen readers, and its own style if it stands alone."""
    style = tag("style", Markup(stylesheet())) if standalone else None
    return tag(
        "svg",
        tag("title", title),
        tag("desc", description) if description else None,
        style,
        body,
        xmlns="http://www.w3.org/2000/svg" if standalone else None,
        class_="chart",
        viewBox=f"0 0 {size[0]} {size[1]}",
        role="img",
    )


@cache
def stylesheet() -> str:
    """The style of every chart, to be included once in a page that holds some."""
    return resources.files("stationary.plot").joinpath("_chart.css").read_text(encoding="utf-8")


def _class(place: int) -> str:
    return f"s{place % COLOURS}"
