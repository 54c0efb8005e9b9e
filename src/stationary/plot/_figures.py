"""One call per kind of picture."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ._chart import Chart, _class, wrap
from ._marks import prominent, series
from ._markup import Markup, tag
from ._scales import Kind, Tick, choose_scale
from ._words import compact, shorten, width


def line(
    named: Mapping[str, Any],
    *,
    title: str,
    description: str = "",
    x_label: str = "",
    y_label: str = "",
    x_scale: Kind = "linear",
    y_scale: Kind = "linear",
    step: bool = False,
    most: int = 6,
    rest: str = "more",
    size: tuple[int, int] = (400, 250),
    standalone: bool = False,
) -> Markup:
    """Lines over a common axis, with gaps where a value is not finite.

    **Arguments:**

    - `named`: by name, `(x, y)`, or `(x, y, low, high)` for a band, or just `y`.
    - `title`, `description`: for screen readers; the description is made up when left out.
    - `x_label`, `y_label`, `x_scale`, `y_scale`, `size`, `rest`: as for `Chart`.
    - `step`: hold each value until the next.
    - `most`: how many lines stand out; the others are drawn grey and counted.
    - `standalone`: to be written to a file of its own.

    **Returns:** an `<svg>` element.

    **Raises:** `ValueError` when the columns of a series differ in length.

    !!! example
        >>> picture = line({"f": ([1, 2, 3], [4.0, 1.0, 0.5])}, title="progress")
        >>> picture[:34], "<title>progress</title>" in picture
        ('<svg class="chart" viewBox="0 0 40', True)
    """
    drawn = prominent(named, most, "step" if step else "line")
    chart = Chart(
        drawn, title, description, x_label, y_label, x_scale, y_scale, size=size, rest=rest
    )
    return chart.svg(standalone=standalone)


def scatter(
    named: Mapping[str, Any],
    *,
    title: str,
    description: str = "",
    x_label: str = "",
    y_label: str = "",
    x_scale: Kind = "linear",
    y_scale: Kind = "linear",
    size: tuple[int, int] = (400, 290),
    standalone: bool = False,
) -> Markup:
    """Dots, with error bars where a series is `(x, y, low, high)`.

    **Arguments:** as for `line`.

    **Returns:** an `<svg>` element.

    !!! example
        >>> scatter({"seeds": ([1, 2], [3.0, 4.0])}, title="by seed").count("<circle")
        2
    """
    drawn = [
        series(
            name, points, "interval" if isinstance(points, tuple) and len(points) == 4 else "dots"
        )
        for name, points in named.items()
    ]
    chart = Chart(drawn, title, description, x_label, y_label, x_scale, y_scale, size=size)
    return chart.svg(standalone=standalone)


def bars(
    named: Mapping[str, Any],
    *,
    title: str,
    description: str = "",
    x_label: str = "",
    x_scale: Kind = "linear",
    spell: Callable[[float], str] = compact,
    width_: int = 400,
    standalone: bool = False,
) -> Markup:
    """Horizontal bars from zero, one row per name, with the number written beside each.

    **Arguments:**

    - `named`: values by name: a number, or `(value, low, high)` for a bar with an interval.
    - `x_scale`: with `"log"` the rows are dots, for a bar has no foot there.
    - `spell`: writes each number.
    - `width_`: pixels across; the height follows the number of rows.

    **Returns:** an `<svg>` element.

    !!! example
        >>> "1.5 s" in bars(
        ...     {"compile": 1.5, "run": 0.2}, title="time", spell=lambda value: f"{value} s"
        ... )
        True
    """
    rows = [(str(name), *_triple(value)) for name, value in named.items()]
    values = np.array([part for _, *parts in rows for part in parts], float)
    finite = values[np.isfinite(values)]
    label = min(max((width(name, 13) for name, *_ in rows), default=0.0), 0.4 * width_) + 10
    number = max((width(spell(row[1]), 13) for row in rows), default=0.0) + 12
    left, right, pitch, top = label, width_ - number, 26.0, 6.0
    if not rows:
        note = tag("text", "nothing to show", class_="quiet", x=8, y=20)
        return wrap(note, (width_, 30), title, description, standalone)
    logarithmic = x_scale == "log" and bool(np.any(finite > 0))
    scale = choose_scale("log" if logarithmic else "linear", finite)
    height = int(
        top
        + pitch * len(rows)
        + (42 if x_label and logarithmic else 26 if logarithmic or x_label else 8)
    )
    if logarithmic:
        places, foot = scale.place, 0.0
    else:
        low, high = min(0.0, *finite, 0.0), max(0.0, *finite, 0.0)
        span = (high - low) or 1.0

        def places(values):
            return (values - low) / span

        foot = -low / span
    body = _grid(scale.ticks(4), left, right, top, pitch * len(rows)) if logarithmic else []
    body += [
        _row(row, i, places, foot, logarithmic, (left, right, top, pitch), spell)
        for i, row in enumerate(rows)
    ]
    x = left + foot * (right - left)
    body.append(tag("path", class_="axis", d=f"M{x:.1f} {top}v{pitch * len(rows):.1f}"))
    if x_label:
        middle = (left + right) / 2
        body.append(tag("text", x_label, x=middle, y=height - 8, text_anchor="middle"))
    words = description or "; ".join(f"{name}: {spell(value)}" for name, value, *_ in rows)
    return wrap(body, (width_, height), title, words, standalone)


def _grid(ticks: list[Tick], left: float, right: float, top: float, height: float) -> list[Markup]:
    parts = []
    for place, label in ticks:
        x, y = left + place * (right - left), top + height + 14
        parts.append(tag("path", class_="grid", d=f"M{x:.1f} {top:.1f}v{height:.1f}"))
        parts.append(tag("text", label, class_="quiet small", x=x, y=y, text_anchor="middle"))
    return parts


def _row(row, i, places, foot, dotted, frame, spell) -> Markup:
    name, value, low, high = row
    left, right, top, pitch = frame
    y = top + pitch * i

    def across(number: float) -> float:
        return left + (right - left) * float(places(np.array(number)))

    shown = shorten(name, left - 10, 13)
    full = tag("title", name) if shown != name else None
    parts = [tag("text", full, shown, x=left - 8, y=y + 17, text_anchor="end")]
    end = across(value) if np.isfinite(value) else float("nan")
    if np.isfinite(end):
        start = left + foot * (right - left)
        if dotted:
            parts.append(tag("circle", class_="dot", cx=end, cy=y + 13, r=4.5))
        else:
            box = {"x": min(start, end), "y": y + 5, "width": abs(end - start), "height": 16}
            kind = "bar soft" if np.isfinite(low) and np.isfinite(high) else "bar"
            parts.append(tag("rect", class_=kind, rx=2, **box))
    if np.isfinite(low) and np.isfinite(high) and np.isfinite(across(low) + across(high)):
        d = f"M{across(low):.1f} {y + 13:.1f}H{across(high):.1f}"
        parts.append(tag("path", class_="whisker", d=d))
    furthest = max((p for p in (end, across(high)) if np.isfinite(p)), default=left)
    x = max(furthest, left + foot * (right - left)) + 6
    number = spell(value) if np.isfinite(value) else "no finite value"
    parts.append(tag("text", number, class_="quiet", x=x, y=y + 17))
    return tag("g", *parts, class_=_class(0))


def _triple(value: Any) -> tuple[float, float, float]:
    if isinstance(value, tuple):
        middle, low, high = value
        return float(middle), float(low), float(high)
    return float(value), float("nan"), float("nan")
