"""Pictures of the weights of representations."""

from itertools import combinations
from math import dist, sqrt

from ._irrep import Irrep, label, weights

_UNIT = 46.0
_MARGIN = 34.0
_STYLE = (
    ".weights{color:#1b2330;--c:#0068b0}"
    "@media(prefers-color-scheme:dark){.weights{color:#e4e8ee;--c:#64b5f6}}"
    ".weights text{fill:currentColor;font:12px system-ui,sans-serif}"
    ".weights .axis{stroke:currentColor;stroke-opacity:.35}"
    ".weights .edge{stroke:currentColor;stroke-opacity:.16}"
    ".weights .dot{fill:var(--c)}"
    ".weights .ring{fill:none;stroke:var(--c);stroke-width:1.4}"
)


def weight_diagram(irrep: Irrep) -> str:
    """The weights of a representation of SU(2) or SU(3), drawn as an SVG picture of its own.

    A dot is a weight, at its eigenvalues of T3 and (for SU(3)) T8; every state beyond the first
    with the same weight adds a ring. Lines join weights that differ by a root.

    **Arguments:**

    - `irrep`: the representation.

    **Returns:** the SVG text.

    **Raises:** `ValueError` for other groups, whose weights do not lie in a plane.

    !!! example
        >>> from stationary.algebra import SU, weight_diagram
        >>> octet = weight_diagram(SU(3).irrep(8))
        >>> octet.count('class="dot"'), octet.count('class="ring"')  # two states at the origin
        (7, 1)
    """
    if irrep.n > 3:
        raise ValueError(f"weight diagrams are drawn for SU(2) and SU(3), not for SU({irrep.n}).")
    places = {_place(weight): many for weight, many in weights(irrep).items()}
    reach = [max(abs(place[axis]) for place in places) for axis in (0, 1)]
    half = [max(_UNIT * r, 0.6 * _UNIT * (axis == 0)) + _MARGIN for axis, r in enumerate(reach)]
    width, height = 2 * half[0], 2 * half[1]

    def pixel(place: tuple[float, float]) -> tuple[str, str]:
        return f"{half[0] + _UNIT * place[0]:.1f}", f"{half[1] - _UNIT * place[1]:.1f}"

    x0, y0 = pixel((0.0, 0.0))
    body = [f'<path class="axis" d="M8 {y0}H{width - 8:.1f}"/>']
    body.append(f'<text x="{width - 8:.1f}" y="{float(y0) - 6:.1f}" text-anchor="end">T₃</text>')
    if irrep.n == 3:
        body.append(f'<path class="axis" d="M{x0} {height - 8:.1f}V8"/>')
        body.append(f'<text x="{float(x0) + 6:.1f}" y="16">T₈</text>')
    for one, other in combinations(sorted(places), 2):
        if abs(dist(one, other) - 1) < 1e-6:  # roots have length one
            (a, b), (c, d) = pixel(one), pixel(other)
            body.append(f'<path class="edge" d="M{a} {b}L{c} {d}"/>')
    for place, many in places.items():
        x, y = pixel(place)
        words = f"{many} {'state' if many == 1 else 'states'}"
        body.append(f'<circle class="dot" cx="{x}" cy="{y}" r="4"><title>{words}</title></circle>')
        body += [
            f'<circle class="ring" cx="{x}" cy="{y}" r="{4 + 4 * ring}"/>'
            for ring in range(1, many)
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="weights" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}">'
        f"<title>Weights of the representation {label(irrep)} of SU({irrep.n})</title>"
        f"<style>{_STYLE}</style>{''.join(body)}</svg>"
    )


def _place(weight: tuple[int, ...]) -> tuple[float, float]:
    if len(weight) == 1:
        return weight[0] / 2, 0.0
    return weight[0] / 2, (weight[0] + 2 * weight[1]) / (2 * sqrt(3))
