"""The public entry: from a solution, or a problem and a point, to a certificate."""

from collections.abc import Mapping
from typing import Any

import jax
from jaxtyping import PyTree

from .._dtypes import is_floating
from .._point import Point
from .._solution import Solution
from .._statements import AbstractStatement
from .._status import Status
from ._certificate import Certificate


def certify(
    what: Solution | AbstractStatement,
    point: Point | PyTree = None,
    *,
    duals: Mapping[str, Any] | None = None,
    data: PyTree = None,
    tol: float | None = None,
    second_order: bool | str = "auto",
    ray: Any = None,
    samples: int = 4096,
    seed: int = 0,
) -> Certificate:
    """Find out how stationary a point is, in float64 and from the statement alone.

    Nothing that the method reported is used. Every check is indifferent to the units of the
    objective and of each constraint: violations count as distances in x, gradients as relative
    forces.

    **Arguments:**

    - `what`: a solution; or a statement, with the point to judge as the second argument.
    - `point`: a [`Point`][stationary.Point], or the unknown alone. Multipliers that are not given
        are estimated, and the certificate says so.
    - `duals`: multipliers by constraint name, in place of the point's.
    - `data`: replaces the statement's data.
    - `tol`: what counts as zero; default the solve's own tolerance, or 1e-6.
    - `second_order`: `"auto"` looks at the curvature of problems of up to 300 unknowns, `True` of
        any size (matrix-free beyond 2000), `False` leaves it at the first order.
    - `ray`: a claim that there is no answer: multipliers by constraint name (infeasible), or a
        direction like x (unbounded). It is checked, not believed.
    - `samples`, `seed`: fresh draws for each stream without an end, and which ones.

    **Returns:** a `Certificate`.

    **Raises:** `TypeError` for anything that is no statement or solution, or a statement without
    a point; `ValueError` for multipliers or a ray of the wrong names or shapes.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(lambda x: jnp.sum(x**2), {"sum": st.equal(jnp.sum, 1.0)})
        >>> found = certify(problem, jnp.array([0.5, 0.5]), second_order=False)
        >>> found.verdict.word, found.multipliers, float(found.duals["sum"])
        ('stationary', 'estimated', -1.0)
        >>> certify(problem, jnp.array([0.6, 0.4])).verdict.word
        'not stationary'
    """
    last = None
    if isinstance(what, Solution):
        if point is not None:
            raise TypeError(
                "a Solution brings its own point; pass solution.problem to judge another."
            )
        problem, point = what.problem, what.point
        last = what.last.duals if what.status is Status.INFEASIBLE else None
        tol = what.stats.tol if tol is None else tol
    else:
        problem = what
    if not isinstance(problem, AbstractStatement):
        raise TypeError(
            f"certify takes a Solution, or a statement and a point, got {type(what).__name__}."
        )
    if point is None:
        raise TypeError("certify(problem, point) needs the point to judge.")
    if tol is not None and not tol > 0:
        raise ValueError(f"tol must be positive, got {tol}.")
    if second_order not in ("auto", True, False):
        raise ValueError(f"second_order is 'auto', True or False, got {second_order!r}.")
    if samples < 64:
        raise ValueError(f"samples must be at least 64 to tell their spread, got {samples}.")
    primal, given = (point.primal, point.duals) if isinstance(point, Point) else (point, {})
    given = {**given, **(duals or {})}
    for path, leaf in jax.tree_util.tree_leaves_with_path(primal):
        if not (isinstance(leaf, float) or is_floating(leaf)):
            where = f"the point{jax.tree_util.keystr(path)}"
            raise TypeError(f"{where} is not an array of real and floating numbers: {leaf!r}.")
    from ._conclude import Request, conclude  # most of this package, loaded when first needed

    request = Request(1e-6 if tol is None else float(tol), second_order, ray, samples, seed, last)
    with jax.enable_x64(True):
        return conclude(problem, primal, given, data, request)
