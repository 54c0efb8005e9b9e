"""The picture of a problem in two numbers: where it pulls, and how methods move through it."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Float, PyTree

from .._method import AbstractMethod
from .._start import prepare
from .._statements import AbstractStatement
from ._chart import Chart, Frame
from ._marks import Series
from ._markup import Markup, tag

Range = tuple[float, float]


def phase_portrait(
    problem: AbstractStatement,
    x0: PyTree,
    methods: Mapping[str, AbstractMethod] | None = None,
    *,
    title: str,
    steps: int = 100,
    x_range: Range | None = None,
    y_range: Range | None = None,
    arrows: int = 15,
    description: str = "",
    x_label: str = "x",
    y_label: str = "y",
    size: tuple[int, int] = (400, 340),
    standalone: bool = False,
) -> Markup:
    """Where a problem pulls its two unknown numbers, and the paths of methods from one start.

    Arrows show the directions, all of one length: minus the gradient of what is minimised, plus
    that of what is maximised. Constraints and sets move the methods, not the arrows.

    **Arguments:**

    - `problem`: any statement whose unknown holds two numbers: a `Saddle` of two, a `Minimize`
        over an array of shape `(2,)`, a `Nested` problem of x and y.
    - `x0`: where the methods start.
    - `methods`: by the name to write beside the path; default none, which leaves the arrows.
    - `steps`: how many each method takes; a path ends where it leaves the picture.
    - `x_range`, `y_range`: what the axes show, lowest and highest; default what the shortest of the
        paths needs, and half as much again.
    - `arrows`: how many across, at least 2.
    - `title`, `description`, `x_label`, `y_label`, `size`, `standalone`: as for `line`.

    **Returns:** an `<svg>` element.

    **Raises:** `ValueError` for an unknown of another size, fewer steps than 1 or arrows than 2, or
    a range that is empty.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> from stationary.methods import ExtraGradient, GradientDescentAscent
        >>> game = st.Saddle(lambda x, y: x * y)
        >>> methods = {
        ...     "descent-ascent": GradientDescentAscent(0.2),
        ...     "extragradient": ExtraGradient(0.2),
        ... }
        >>> picture = phase_portrait(game, (jnp.array(1.0), jnp.array(0.0)), methods, title="x y")
        >>> "extragradient" in picture, picture.count('class="line"') > 2
        (True, True)
    """
    if steps < 1 or arrows < 2:
        raise ValueError(
            f"a phase portrait needs at least 1 step and 2 arrows, got {steps} and {arrows}."
        )
    system, point, data = prepare(problem, x0)
    start, unravel = ravel_pytree(point.primal)
    if start.size != 2:
        raise ValueError(
            f"a phase portrait shows two unknown numbers, but x0 holds {start.size}. "
            "Fix the others, or draw what you want to see of them with `line`."
        )

    def pull(at: Float[Any, "2"]) -> Float[Any, "2"]:
        direction = system.linearize(unravel(at), data).direction(point.duals)
        return -ravel_pytree(direction)[0]

    def path(method: AbstractMethod) -> np.ndarray:
        def step(state, _):
            state = method.step(system, state, data)[0]
            return state, ravel_pytree(method.point(state).primal)[0]

        begun = method.init(system, point, data, key=jax.random.key(0))
        rest = jax.jit(lambda state: jax.lax.scan(step, state, None, steps)[1])(begun)
        return np.concatenate([np.asarray(start)[None], np.asarray(rest)])

    paths = {str(name): path(method) for name, method in (methods or {}).items()}
    window = _window(np.asarray(start), paths, x_range, y_range)
    corners = np.array(window).T
    pulls = jax.jit(jax.vmap(pull))

    def field(frame: Frame) -> Markup:
        places = _lattice(window, arrows, size)
        ways = np.asarray(pulls(jnp.asarray(places, start.dtype)))
        tails = np.stack([frame.across(places[:, 0]), frame.down(places[:, 1])], 1)
        heads = places + 1e-3 * ways * np.ptp(corners, axis=0).max() / _largest(ways)
        moved = np.stack([frame.across(heads[:, 0]), frame.down(heads[:, 1])], 1) - tails
        cell = (frame.right - frame.left) / arrows
        return tag("g", tag("path", class_="line", d=_arrows(tails, moved, cell)), class_="back")

    drawn = [Series(name, *_inside(points, window).T) for name, points in paths.items()]
    drawn.append(Series("start", np.asarray(start)[:1], np.asarray(start)[1:], "dots"))
    words = description or (
        f"Arrows over {x_label} and {y_label}"
        + (f"; paths of {', '.join(paths)} from one start" if paths else "")
    )
    chart = Chart(drawn, title, words, x_label, y_label, size=size, underlay=field, within=window)
    return chart.svg(standalone=standalone)


def _window(
    start: np.ndarray, paths: dict[str, np.ndarray], x_range: Range | None, y_range: Range | None
) -> tuple[Range, Range]:
    """The ranges of both axes."""
    reaches = [np.linalg.norm(points - start, axis=1) for points in paths.values()]
    longest = [float(np.max(reach, where=np.isfinite(reach), initial=0.0)) for reach in reaches]
    # What the path that stays nearest needs: one that runs away would shrink it to a dot.
    reach = 1.5 * min(longest, default=0.0) or max(1.0, float(np.max(np.abs(start))))
    near = [start[None]]
    near += [points[away <= reach] for points, away in zip(paths.values(), reaches, strict=True)]
    seen = np.concatenate(near) if paths else start + reach * np.array([[-1.0], [1.0]])
    found = []
    for i, given in enumerate((x_range, y_range)):
        low, high = (seen[:, i].min(), seen[:, i].max()) if given is None else given
        if given is None and high - low < 0.1 * reach:
            low, high = low - 0.5 * reach, high + 0.5 * reach
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ValueError(f"{'xy'[i]}_range must be a lower and a higher number, got {given}.")
        found.append((float(low), float(high)))
    return found[0], found[1]


def _inside(points: np.ndarray, window: tuple[Range, Range]) -> np.ndarray:
    """A path up to where it first leaves the picture."""
    low, high = np.array(window).T
    inside = np.all((points >= low) & (points <= high), axis=1)
    return points[np.logical_and.accumulate(inside)]


def _lattice(window: tuple[Range, Range], across: int, size: tuple[int, int]) -> np.ndarray:
    """The places of the arrows, as far apart down the page as across it."""
    down = max(2, round(across * size[1] / size[0]))
    (left, right), (bottom, top) = window
    x = left + (np.arange(across) + 0.5) / across * (right - left)
    y = bottom + (np.arange(down) + 0.5) / down * (top - bottom)
    return np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)


def _arrows(tails: np.ndarray, ways: np.ndarray, cell: float) -> str:
    """Arrows of one length, centred where they belong; none where there is no direction."""
    length = np.linalg.norm(ways, axis=1, keepdims=True)
    kept = np.isfinite(length[:, 0]) & (length[:, 0] > 0)
    way = ways[kept] / length[kept]
    half, barb = 0.32 * cell, 0.2 * cell
    begin, end = tails[kept] - half * way, tails[kept] + half * way
    side = np.stack([-way[:, 1], way[:, 0]], 1)
    one, other = (end - barb * (way + sign * 0.6 * side) for sign in (1, -1))
    return "".join(
        f"M{a[0]:.1f} {a[1]:.1f}L{b[0]:.1f} {b[1]:.1f}"
        f"M{c[0]:.1f} {c[1]:.1f}L{b[0]:.1f} {b[1]:.1f} {d[0]:.1f} {d[1]:.1f}"
        for a, b, c, d in zip(begin, end, one, other, strict=True)
    )


def _largest(ways: np.ndarray) -> float:
    sizes = np.abs(ways[np.isfinite(ways)])
    return float(sizes.max()) if sizes.size and sizes.max() > 0 else 1.0
