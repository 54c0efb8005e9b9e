"""From the arrays of a linear or quadratic model to a statement."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from .._constraints import Constraint, at_most, equal
from .._statements import Minimize
from ..sets import Box
from ._problem import FileProblem, Row

INFINITE = 1e20
"""Bounds of at least this size are none, as in every MPS file."""


class Entries(NamedTuple):
    """A sparse matrix by its entries."""

    rows: Int[np.ndarray, "entries"]
    columns: Int[np.ndarray, "entries"]
    values: Float[np.ndarray, "entries"]
    shape: tuple[int, int]


def build(model: Any, name: str) -> FileProblem:
    """State a HiGHS model as a `Minimize`."""
    lp = model.lp_
    size = lp.num_col_
    lower, upper = _unbounded(lp.col_lower_), _unbounded(lp.col_upper_)
    flipped = lp.sense_.name == "kMaximize"
    data: dict[str, PyTree] = {
        "cost": np.asarray(lp.col_cost_, float),
        "offset": np.asarray(float(lp.offset_)),
    }
    quadratic = _hessian(model.hessian_, size)
    convex, notes = True, ()
    if quadratic is not None:
        data["hessian"] = _matrix(quadratic)
        convex, notes = _convexity(quadratic, -1.0 if flipped else 1.0)
    constraints, rows = _constraints(lp, data)
    problem = Minimize(
        linear if quadratic is None else quadratic_form,
        subject_to=constraints,
        over=_bounds(lower, upper),
        data=data,
        convex=convex,
        flipped=flipped,
    )
    x0 = np.clip(np.zeros(size), lower, upper)
    return FileProblem(problem, x0, name, tuple(lp.col_names_), rows, notes)


# The functions of every file: at the same shapes they are the same compiled program.
def linear(x: Float[Array, "n"], data: PyTree) -> Float[Array, ""]:
    """c'x + d."""
    return data["cost"] @ x + data["offset"]


def quadratic_form(x: Float[Array, "n"], data: PyTree) -> Float[Array, ""]:
    """x'Qx/2 + c'x + d."""
    return 0.5 * (x @ (data["hessian"] @ x)) + linear(x, data)


def equalities(x: Float[Array, "n"], data: PyTree) -> Float[Array, "m"]:
    """Ax - b for the equality rows."""
    return data["equal"]["matrix"] @ x - data["equal"]["right"]


def inequalities(x: Float[Array, "n"], data: PyTree) -> Float[Array, "m"]:
    """Ax - b for the other rows, each turned into a <= row."""
    return data["at_most"]["matrix"] @ x - data["at_most"]["right"]


def _constraints(lp: Any, data: dict[str, PyTree]) -> tuple[dict[str, Constraint], tuple[Row, ...]]:
    """The rows, stacked by kind; their matrices and right-hand sides are added to `data`."""
    matrix = _rows_of(lp)
    lower, upper = _unbounded(lp.row_lower_), _unbounded(lp.row_upper_)
    constraints, rows = {}, []
    for key, make, fn, sides in (
        ("equal", equal, equalities, list(_equal_sides(lower, upper))),
        ("at_most", at_most, inequalities, list(_other_sides(lower, upper))),
    ):
        if not sides:
            continue
        chosen, signs = np.array([s.row for s in sides]), np.array([s.sign for s in sides])
        right = np.array([s.right for s in sides])
        data[key] = {"matrix": _matrix(_take(matrix, chosen, signs)), "right": right}
        constraints[fn.__name__] = make(fn)
        for k, side in enumerate(sides):
            row = _row_name(lp, side.row)
            rows.append(Row(row + side.suffix, row, fn.__name__, k, side.sign))
    return constraints, tuple(rows)


class Side(NamedTuple):
    """One side of a row of the file: sign * row <= right (or == right)."""

    row: int
    suffix: str
    sign: float
    right: float


def _equal_sides(lower: np.ndarray, upper: np.ndarray) -> Iterator[Side]:
    for i in np.flatnonzero(lower == upper):
        yield Side(int(i), "", 1.0, float(upper[i]))


def _other_sides(lower: np.ndarray, upper: np.ndarray) -> Iterator[Side]:
    for i in np.flatnonzero(lower != upper):
        ranged = np.isfinite(lower[i]) and np.isfinite(upper[i])
        if np.isfinite(upper[i]):
            yield Side(int(i), " (upper)" if ranged else "", 1.0, float(upper[i]))
        if np.isfinite(lower[i]):
            yield Side(int(i), " (lower)" if ranged else "", -1.0, -float(lower[i]))


def _row_name(lp: Any, i: int) -> str:
    """The file's name of a row; HiGHS makes one up where there is none, counting from 0."""
    name = lp.row_names_[i]
    return f"row {i + 1}" if name == f"HiGHS_R{i}" else name


def _bounds(lower: np.ndarray, upper: np.ndarray) -> Box | None:
    if np.all(np.isinf(lower)) and np.all(np.isinf(upper)):
        return None
    return Box(lower, upper)  # pyright: ignore[reportArgumentType]


def _unbounded(bounds: Any) -> Float[np.ndarray, "n"]:
    bounds = np.asarray(bounds, float)
    return np.where(np.abs(bounds) >= INFINITE, np.copysign(np.inf, bounds), bounds)


def _rows_of(lp: Any) -> Entries:
    stored = lp.a_matrix_
    starts = np.asarray(stored.start_)
    major = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    minor = np.asarray(stored.index_, int)
    columnwise = stored.format_.name == "kColwise"
    rows, columns = (minor, major) if columnwise else (major, minor)
    return Entries(rows, columns, np.asarray(stored.value_, float), (lp.num_row_, lp.num_col_))


def _take(matrix: Entries, chosen: np.ndarray, signs: np.ndarray) -> Entries:
    """The rows `chosen`, in that order and with repetitions, each times its sign."""
    order = np.argsort(matrix.rows, kind="stable")
    counts = np.bincount(matrix.rows, minlength=matrix.shape[0])
    starts = np.concatenate([[0], np.cumsum(counts)])
    picked = [order[starts[i] : starts[i + 1]] for i in chosen]
    rows = np.repeat(np.arange(len(chosen)), counts[chosen])
    entries = np.concatenate(picked).astype(int)
    values = matrix.values[entries] * signs[rows]
    return Entries(rows, matrix.columns[entries], values, (len(chosen), matrix.shape[1]))


def _hessian(stored: Any, size: int) -> Entries | None:
    """The full symmetric matrix of a triangular one; `None` when it has no entries."""
    starts = np.asarray(stored.start_)
    columns = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    rows, values = np.asarray(stored.index_, int), np.asarray(stored.value_, float)
    keep = values != 0
    rows, columns, values = rows[keep], columns[keep], values[keep]
    if not values.size:
        return None
    if stored.format_.name == "kTriangular":
        off = rows != columns
        rows, columns = np.concatenate([rows, columns[off]]), np.concatenate([columns, rows[off]])
        values = np.concatenate([values, values[off]])
    return Entries(rows, columns, values, (size, size))


def _matrix(entries: Entries) -> PyTree:
    """Dense when small or full, else sparse; products look the same."""
    size = entries.shape[0] * entries.shape[1]
    if size <= 10_000 or entries.values.size > 0.2 * size:
        return _dense(entries)
    import jax.numpy as jnp
    from jax.experimental.sparse import BCOO

    # Rows first and in order: products then add up runs of memory.
    order = np.lexsort((entries.columns, entries.rows))
    places = np.stack([entries.rows, entries.columns], axis=1)[order].astype(np.int32)
    return BCOO(
        (jnp.asarray(entries.values[order]), jnp.asarray(places)),
        shape=entries.shape,
        indices_sorted=True,
        unique_indices=True,
    )


def _dense(entries: Entries) -> Float[np.ndarray, "m n"]:
    matrix = np.zeros(entries.shape)
    np.add.at(matrix, (entries.rows, entries.columns), entries.values)
    return matrix


def _convexity(hessian: Entries, sign: float) -> tuple[bool, tuple[str, ...]]:
    """Whether `sign` times the quadratic form is convex, and what to say if not."""
    used, rows = np.unique(hessian.rows, return_inverse=True)
    columns = np.searchsorted(used, hessian.columns)
    reduced = Entries(rows, columns, sign * hessian.values, (used.size, used.size))
    if used.size > 2_000:
        return _dominant(reduced)
    eigenvalues = np.linalg.eigvalsh(_dense(reduced))
    if eigenvalues[0] >= -1e-12 * used.size * np.abs(eigenvalues).max():
        return True, ()
    note = (
        f"the quadratic form is not convex (an eigenvalue of {sign * eigenvalues[0]:.3g}): "
        "an answer may be one stationary point of several."
    )
    return False, (note,)


def _dominant(matrix: Entries) -> tuple[bool, tuple[str, ...]]:
    """Diagonal dominance, which proves convexity in one pass over the entries."""
    diagonal, off = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[0])
    on = matrix.rows == matrix.columns
    np.add.at(diagonal, matrix.rows[on], matrix.values[on])
    np.add.at(off, matrix.rows[~on], np.abs(matrix.values[~on]))
    if np.all(diagonal >= off):
        return True, ()
    return False, (
        "the quadratic form is too large to check for convexity, so none is declared; "
        "pass dataclasses.replace(problem, convex=True) if you know better.",
    )
