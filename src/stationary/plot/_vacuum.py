"""Pictures of a vacuum: the particles around it, and the potential through it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ._chart import COLOURS, Chart, spread, wrap
from ._marks import Series
from ._markup import Markup, tag
from ._scales import choose_scale
from ._words import compact, width

if TYPE_CHECKING:
    from ..fieldtheory import Vacuum

_SAME = 1e-4  # of the largest mass: levels nearer than this are drawn as one


def mass_spectrum(
    vacuum: "Vacuum",
    gauge_couplings: Mapping[str, float] | None = None,
    *,
    title: str = "masses",
    description: str = "",
    y_label: str = "mass",
    size: tuple[int, int] = (400, 290),
    standalone: bool = False,
) -> Markup:
    """The masses around a vacuum as levels: scalars, and gauge bosons beside them.

    Each level says its mass and how many particles have it. Goldstone bosons are counted at zero;
    a scalar with a negative squared mass, at a saddle, is drawn below zero.

    **Arguments:**

    - `vacuum`: as `find_vacuum` returns it.
    - `gauge_couplings`: as `Vacuum.gauge_masses` takes them; default no gauge bosons.
    - `title`, `description`, `size`, `standalone`: as for `line`.
    - `y_label`: what the masses are measured in.

    **Returns:** an `<svg>` element.

    !!! example
        >>> from stationary.fieldtheory import find_vacuum, lagrangian_terms, model
        >>> potential = lagrangian_terms(model()).potential()
        >>> vacuum = find_vacuum(potential, {"H H*": -1.0, "H H H* H*": 0.125})
        >>> picture = mass_spectrum(vacuum, {"su2": 0.65, "u1": 0.35})
        >>> "3 Goldstones" in picture, "2 x 0.919" in picture
        (True, True)
    """
    scalars = vacuum.physical_masses_squared
    columns = {"scalars": _levels(np.sign(scalars) * np.sqrt(np.abs(scalars)))}
    if gauge_couplings:
        columns["gauge bosons"] = _levels(vacuum.gauge_masses(gauge_couplings))
    notes = {"scalars": _goldstones(vacuum.broken)} if vacuum.broken else {}
    heights = np.array([0.0, *(mass for levels in columns.values() for mass, _ in levels)])
    scale = choose_scale("linear", heights)
    ticks = scale.ticks(5)
    left = max(width(tick.label, 12) for tick in ticks) + 14
    top, bottom, right = 34.0, size[1] - 32.0, size[0] - 8.0
    pitch = (right - left) / len(columns)

    def down(mass: float) -> float:
        return bottom - (bottom - top) * float(scale.place(np.array(mass)))

    body = [tag("text", y_label, x=2, y=14)]
    for place, label in ticks:
        if -1e-6 <= place <= 1 + 1e-6:
            y = bottom - place * (bottom - top)
            body.append(tag("path", class_="grid", d=f"M{left:.1f} {y:.1f}H{right:.1f}"))
            body.append(
                tag("text", label, class_="quiet small", x=left - 7, y=y + 4, text_anchor="end")
            )
    for number, (name, levels) in enumerate(columns.items()):
        begin, end = left + pitch * number + 10, left + pitch * (number + 0.4)
        words = [_level(mass, many) for mass, many in levels]
        wanted = [down(mass) for mass, _ in levels]
        if name in notes:
            words.append(notes[name])
            wanted.append(down(0.0))
        parts = []
        for y, at, said in zip(wanted, spread(wanted, 15.0, top, bottom), words, strict=True):
            note = said == notes.get(name)
            if not note:
                parts.append(tag("path", class_="line", d=f"M{begin:.1f} {y:.1f}H{end:.1f}"))
            elif y not in wanted[:-1]:
                parts.append(tag("path", class_="grid", d=f"M{begin:.1f} {y:.1f}H{end:.1f}"))
            kind = "quiet small" if note else "small"
            parts.append(
                tag("path", class_="grid", d=f"M{end:.1f} {y:.1f}L{end + 10:.1f} {at:.1f}")
            )
            parts.append(tag("text", said, class_=kind, x=end + 13, y=at + 4))
        body.append(tag("g", *parts, class_=f"s{number % COLOURS} whole"))
        middle = left + pitch * (number + 0.5)
        body.append(tag("text", name, x=middle, y=size[1] - 8, text_anchor="middle"))
    said = description or "; ".join(
        f"{name}: " + ", ".join(_level(mass, many) for mass, many in levels)
        for name, levels in columns.items()
    )
    return wrap(body, size, title, said, standalone)


def potential_profile(
    vacuum: "Vacuum",
    *,
    title: str = "the potential through the vacuum",
    description: str = "",
    x_label: str = "distance from the vacuum",
    y_label: str = "potential",
    size: tuple[int, int] = (400, 290),
    standalone: bool = False,
) -> Markup:
    """The potential along lines through the vacuum.

    One line goes through the origin, where the symmetry is whole, to the opposite vacuum; others
    follow the lightest and the heaviest scalar. Distances are those of canonical fields.

    **Arguments:**

    - `vacuum`: as `find_vacuum` returns it.
    - `title`, `description`, `x_label`, `y_label`, `size`, `standalone`: as for `line`.

    **Returns:** an `<svg>` element.

    !!! example
        >>> from stationary.fieldtheory import find_vacuum, lagrangian_terms, model
        >>> potential = lagrangian_terms(model()).potential()
        >>> vacuum = find_vacuum(potential, {"H H*": -1.0, "H H H* H*": 0.125})
        >>> "through the origin" in potential_profile(vacuum)
        True
    """
    potential = vacuum.potential
    root = np.sqrt(potential.kinetic)
    at = root * np.asarray(potential.ravel(vacuum.point), float)
    length = float(np.linalg.norm(at))
    lines: dict[str, np.ndarray] = {}
    if length:
        lines["through the origin"] = at / length
    masses = vacuum.physical_masses_squared
    alike = masses[-1] - masses[0] <= _SAME * abs(masses[-1])
    names = ("scalar",) if alike else ("lightest scalar", "heaviest scalar")
    for name, column in zip(names, _extremes(vacuum), strict=False):
        if all(abs(abs(column @ other)) < 1 - 1e-6 for other in lines.values()):
            # Towards the origin, if anywhere.
            lines[name] = column if column @ at >= 0 else -column
    reach = length or _reach(vacuum)
    t = np.linspace(-2.4 * reach, 0.5 * reach, 241) if length else np.linspace(-reach, reach, 241)
    drawn = []
    for name, direction in lines.items():
        line = potential.along(vacuum.point, potential.unravel(direction / root), vacuum.couplings)
        drawn.append(Series(name, t, np.polynomial.polynomial.polyval(t, line)))
    # Walls that rise out of the picture would flatten all that is in it.
    hill = np.max(drawn[0].y[np.abs(t + reach) <= reach]) if length else np.max(drawn[0].y)
    roof = hill + 0.5 * (hill - vacuum.energy)
    drawn = [Series(s.name, s.x, np.where(s.y <= roof, s.y, np.nan)) for s in drawn]
    drawn.append(Series("vacuum", np.zeros(1), np.array([vacuum.energy]), "dots"))
    words = description or (
        f"The potential is {compact(vacuum.energy)} at the vacuum"
        + (f" and {compact(float(hill))} at the top between it and its opposite" if length else "")
    )
    chart = Chart(drawn, title, words, x_label, y_label, size=size)
    return chart.svg(standalone=standalone)


def _extremes(vacuum: "Vacuum") -> Float[np.ndarray, "two size"]:
    """Canonical directions of the lightest and the heaviest scalar, Goldstone bosons apart."""
    matrix = (vacuum.modes * vacuum.masses_squared) @ vacuum.modes.T
    full, _ = np.linalg.qr(vacuum.goldstone_modes, mode="complete")
    others = full[:, vacuum.broken :]
    _, vectors = np.linalg.eigh(others.T @ matrix @ others)
    columns = others @ vectors
    return np.array([columns[:, 0], columns[:, -1]])


def _reach(vacuum: "Vacuum") -> float:
    """Where quartic terms overtake the quadratic ones, about."""
    potential = vacuum.potential
    root = np.sqrt(potential.kinetic)
    line = potential.along(
        vacuum.point, potential.unravel(_extremes(vacuum)[-1] / root), vacuum.couplings
    )
    return float(np.sqrt(abs(line[2] / line[4]))) if line[2] and line[4] else 1.0


def _levels(masses: np.ndarray) -> list[tuple[float, int]]:
    """Masses that are all but equal as one level, and how many there are."""
    found: list[tuple[float, int]] = []
    scale = float(np.max(np.abs(masses), initial=0.0))
    for mass in masses:
        if found and mass - found[-1][0] <= _SAME * scale:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((float(mass) if abs(mass) > _SAME * scale else 0.0, 1))
    return found


def _level(mass: float, many: int) -> str:
    return compact(mass, 3) if many == 1 else f"{many} x {compact(mass, 3)}"


def _goldstones(count: int) -> str:
    return f"{count} Goldstone" + ("s" if count > 1 else "")
