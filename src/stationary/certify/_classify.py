"""The public entry: what a stationary point of a saddle is."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from .._dtypes import working_dtype
from .._linear import DENSE_LIMIT
from .._point import Point
from .._solution import Solution
from .._statements import AbstractStatement, Saddle
from ..sets import AbstractSet, Euclidean
from ._certify import certify
from ._exact import Exact, exactly
from ._minimax import MinimaxPoint, judge_minimax
from ._second_order import hessian


def classify_stationary(
    what: Solution | AbstractStatement,
    point: Point | PyTree = None,
    *,
    data: PyTree = None,
    tol: float = 1e-6,
    rtol: float | None = None,
    samples: int = 4096,
    seed: int = 0,
) -> MinimaxPoint:
    """Find out whether a stationary point of a saddle is a local minimax point, and who finds it.

    The order of play counts: x moves first, and y answers. A local minimax point need not be a
    local saddle, for x may curve downwards where y's answer makes up for it. In float64 and from
    the statement alone. The point must lie inside its sets, where all second derivatives count.

    **Arguments:**

    - `what`: a solution of a `Saddle`; or the statement, with the point as the second argument.
    - `point`: a [`Point`][stationary.Point], or the pair (x, y).
    - `data`: replaces the statement's data.
    - `tol`: how far from stationary the point may be, as for
        [`certify`][stationary.certify.certify].
    - `rtol`: which curvatures count as zero, relative to the largest; default 10 tol, within 1e-8
        and 1e-3. Give it for a point in float32 and for estimated means, whose zeros are not zeros.
    - `samples`, `seed`: as for [`certify`][stationary.certify.certify].

    **Returns:** a [`MinimaxPoint`][stationary.certify.MinimaxPoint]: the verdict, the eigenvalues
    behind it, and `step_interval(timescale)`.

    **Raises:** `ValueError` for a point that is not stationary or lies on the boundary of its set,
    for more than 2000 unknowns, and where `rtol` is needed; `TypeError` for another statement.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> game = st.Saddle(lambda x, y: -0.25 * x**2 + x * y)
        >>> found = st.classify_stationary(game, (jnp.array(0.0), jnp.array(0.0)))
        >>> found.verdict.word
        'calm local minimax, as far as second order tells'
        >>> print(found.step_interval(timescale=100.0))
        steps from 0.5... to 10...
        >>> found.step_interval(timescale=100.0, ahead=False).empty
        True

    !!! cite "Reference"
        Chae, Kim and Kim (2023), Two-timescale extragradient for finding local minimax points,
        arXiv:2305.16242.
    """
    problem: Any = what
    if isinstance(what, Solution):
        if point is not None:
            raise TypeError(
                "a Solution brings its own point; pass solution.problem to judge another."
            )
        problem, point = what.problem, what.point
    if not isinstance(problem, Saddle):
        raise TypeError(
            f"classify_stationary is for a Saddle, got {type(problem).__name__}. For the second "
            "order of other statements see certify."
        )
    primal = point.primal if isinstance(point, Point) else point
    if not (isinstance(primal, tuple) and len(primal) == 2):
        raise TypeError("classify_stationary(problem, point) needs the pair (x, y) to judge.")
    if rtol is not None and not 0 < rtol < 1:
        raise ValueError(f"rtol must lie between 0 and 1, got {rtol}.")
    first = certify(
        problem, primal, data=data, tol=tol, second_order=False, samples=samples, seed=seed
    )
    if not first.passed:
        worst = ", ".join(
            f"{check.kind} of {check.name} {check.scaled:.3g}" for check in first.failures
        )
        raise ValueError(
            f"the point is not stationary at tol {tol:g} ({worst}), so its second derivatives say "
            "nothing yet. Solve more tightly, or give a larger tol."
        )
    single = working_dtype(primal) == jnp.float32
    with jax.enable_x64(True):
        exact = exactly(problem, primal, data, samples=samples, seed=seed)
        if rtol is None and (single or exact.sampled):
            why = "the point is in float32" if single else "the means are estimated from samples"
            raise ValueError(
                f"{why}, so which curvatures are zero is a matter of judgement: give rtol, such as "
                "rtol=1e-3."
            )
        outside = boundary(exact)
        if outside is not None:
            raise ValueError(
                f"the point lies on the boundary of {outside}, where not all directions count. "
                "certify looks at curvature there."
            )
        size = sum(leaf.size for leaf in jax.tree.leaves(exact.primal))
        if size > DENSE_LIMIT:
            raise ValueError(
                f"the eigenvalues of {size} unknowns' second derivatives need a matrix, which is "
                f"formed for up to {DENSE_LIMIT}. Classify a part of the unknowns, with the others "
                "as data."
            )
        return minimax_at(exact, default_rtol(tol) if rtol is None else rtol)


def default_rtol(tol: float) -> float:
    """Which curvatures count as zero at a point that is stationary to `tol`."""
    return float(np.clip(10 * tol, 1e-8, 1e-3))


def minimax_at(exact: Exact, rtol: float) -> MinimaxPoint:
    """The finding at a stationary point inside its sets. Runs in `enable_x64`."""
    one = jnp.ones(1)
    matrix = np.asarray(hessian(exact.system, exact.primal, exact.data, one, {}))
    split = sum(leaf.size for leaf in jax.tree.leaves(exact.primal[0]))
    return judge_minimax(matrix, split, rtol)


def boundary(exact: Exact) -> str | None:
    """A set on whose boundary the point lies; None where it is inside all of them."""
    leaves = jax.tree.leaves(exact.primal)
    for within, x in zip(exact.system.space.leaves, leaves, strict=True):
        if not isinstance(within, Euclidean) and not _inside(within, np.asarray(x)):
            return within.describe()
    return None


def _inside(within: AbstractSet, x: np.ndarray) -> bool:
    """Whether small moves any way stay in a set."""
    random = np.random.default_rng(0)
    reach = 1e-6 * max(1.0, float(np.max(np.abs(x), initial=0.0)))
    signs = random.choice([-1.0, 1.0], size=x.shape)
    moves = (signs, -signs, np.ones(x.shape), -np.ones(x.shape))
    farthest = max(float(within.distance(jnp.asarray(x + reach * move))) for move in moves)
    return farthest <= 1e-3 * reach
