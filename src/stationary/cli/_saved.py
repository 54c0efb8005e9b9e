"""Solutions on disk: `solution.json` for people and programs, `solution.npz` for every digit."""

import contextlib
import dataclasses
import json
import math
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import jax
import numpy as np
from jaxtyping import PyTree

from .._point import Point
from .._solution import Solution, Stats, Trace
from .._statements import AbstractStatement
from .._status import Status
from ._errors import UsageError
from ._exit import certificate_of

FORMAT = "stationary solution 1"
INLINE = 10_000
"""Up to this many numbers are written into the JSON; beyond, they are in the npz only."""


@dataclasses.dataclass(frozen=True)
class Saved:
    """An answer read back.

    **Arguments:**

    - `primal`: the unknown, structured like the problem's start.
    - `duals`: the multipliers, or `None` when the file has none.
    """

    primal: PyTree
    duals: dict[str, np.ndarray] | None


def flat(tree: PyTree) -> dict[str, np.ndarray]:
    """The arrays of a pytree by path: `"layers/0/weight"`; `"x"` for a tree that is one array."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/") or "x": np.asarray(leaf)
        for path, leaf in leaves
    }


def as_document(solution: Solution) -> dict[str, Any]:
    """A solution as JSON-safe data; NaN and infinities are the strings that `float` reads."""
    from ..report import environment

    value, duals = flat(solution.value), flat(solution.duals)
    inline = sum(array.size for array in (*value.values(), *duals.values())) <= INLINE
    certificate = certificate_of(solution)
    document = {
        "format": FORMAT,
        "statement": solution.problem.describe(),
        "status": solution.status.word,
        "message": solution.status.message,
        "objective": solution.objective,
        "value": {name: array.tolist() for name, array in value.items()} if inline else None,
        "duals": {name: array.tolist() for name, array in duals.items()} if inline else None,
        "certificate": None if certificate is None else certificate.to_dict(),
        "stats": dataclasses.asdict(solution.stats),
        "environment": environment(),
    }
    return _json_safe(document)


def log_columns(solution: Solution) -> dict[str, list[float]]:
    """The iteration log as JSON-safe columns: the metrics, and what the method tells."""
    trace = solution.trace
    columns = {
        "iteration": trace.steps,
        "objective": trace.objective,
        "primal infeasibility": trace.feasibility,
        "dual infeasibility": trace.stationarity,
        **trace.log,
    }
    return _json_safe({name: np.asarray(column).tolist() for name, column in columns.items()})


def write(solution: Solution, folder: Path, document: dict[str, Any]) -> list[Path]:
    """Write `solution.npz` and `solution.json` into `folder`, each whole or not at all.

    **Returns:** the paths written.
    """
    arrays = {f"value/{name}": array for name, array in flat(solution.value).items()}
    arrays |= {f"duals/{name}": array for name, array in flat(solution.duals).items()}
    for field in dataclasses.fields(solution.trace):
        column = getattr(solution.trace, field.name)
        if isinstance(column, dict):
            arrays |= {f"trace/{field.name}/{name}": part for name, part in column.items()}
        else:
            arrays[f"trace/{field.name}"] = column
    npz, text = folder / "solution.npz", folder / "solution.json"
    with _replacing(npz) as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
    with _replacing(text) as file:
        file.write(dumps(document).encode())
    return [npz, text]


def dumps(document: Any) -> str:
    """JSON text, strictly standard."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_solution(folder: Path, problem: AbstractStatement, like: PyTree) -> Solution:
    """The solution that `write` wrote into `folder`; its solver's state is in the checkpoint only.

    **Arguments:**

    - `folder`: where its `solution.json` and `solution.npz` are.
    - `problem`: the statement that it answers.
    - `like`: the problem's start, for the structure of the unknown.

    **Raises:** `UsageError` for files that are missing, damaged or of another problem.
    """
    saved = read(folder / "solution.npz", like)
    about, arrays = _document(folder / "solution.json"), _load(folder / "solution.npz")
    point = Point(*jax.tree.map(jax.numpy.asarray, (saved.primal, saved.duals or {})))
    try:
        columns: dict[str, Any] = {}
        for field in dataclasses.fields(Trace):
            start = f"trace/{field.name}"
            named = {
                n.removeprefix(f"{start}/"): a
                for n, a in arrays.items()
                if n.startswith(f"{start}/")
            }
            columns[field.name] = arrays.get(start, named)
        return Solution(
            problem=problem,
            point=point,
            last=point,
            objective=float(about["objective"]),
            status=Status[about["status"].upper().replace(" ", "_")],
            trace=Trace(**columns),
            stats=Stats(**{**about["stats"], "notices": tuple(about["stats"]["notices"])}),
            aux=None,
            state=None,  # pyright: ignore[reportArgumentType]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{folder}: solution.json is no solution ({error}).") from None


def read(path: Path, like: PyTree) -> Saved:
    """Read an answer from `solution.json` or `solution.npz`.

    **Arguments:**

    - `path`: the file.
    - `like`: the problem's start, for the structure of the unknown.

    **Raises:** `UsageError` for a file that is missing, damaged or of another problem.
    """
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file.")
    value, duals = _from_npz(path) if path.suffix == ".npz" else _from_json(path)
    wanted = flat(like)
    if value.keys() != wanted.keys():
        raise UsageError(
            f"{path}: holds the unknowns {sorted(value)}, but the problem has {sorted(wanted)}."
        )
    for name, array in wanted.items():
        if value[name].shape != array.shape:
            raise UsageError(
                f"{path}: {name} has shape {value[name].shape}, but the problem has {array.shape}."
            )
    primal = jax.tree.unflatten(jax.tree.structure(like), [value[name] for name in wanted])
    return Saved(primal, duals)


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        # np.load leaves a file that it cannot read open; this does not.
        with path.open("rb") as file:
            return dict(np.load(file, allow_pickle=False))
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path}: is no readable npz file ({error}).") from None


def _from_npz(path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray] | None]:
    parts = {"value": {}, "duals": {}}
    for name, array in _load(path).items():
        part, _, rest = name.partition("/")
        if part in parts:
            parts[part][rest] = array
    return parts["value"], parts["duals"] or None


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: is no readable JSON file ({error}).") from None


def _from_json(path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray] | None]:
    document = _document(path)
    if not isinstance(document, dict) or "value" not in document:
        raise UsageError(
            f"{path}: is no solution; expected an object with 'value', and 'duals' if known."
        )
    if document["value"] is None:
        raise UsageError(f"{path}: is too large to hold its numbers; pass solution.npz instead.")
    value, duals = document["value"], document.get("duals")
    value = value if isinstance(value, dict) else {"x": value}
    return _arrays(path, value), None if duals is None else _arrays(path, duals)


def _arrays(path: Path, entries: dict[str, Any]) -> dict[str, np.ndarray]:
    found = {}
    for name, entry in entries.items():
        try:
            found[name] = np.asarray(entry, dtype=float)
        except (TypeError, ValueError):
            raise UsageError(f"{path}: {name} is no array of numbers.") from None
    return found


def _json_safe(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _json_safe(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_json_safe(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name only once it is complete."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
