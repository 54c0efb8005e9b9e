"""Checkpoints: written whole or not at all, loaded whole or not at all."""

import hashlib
import importlib.metadata
import io
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from .._method import AbstractMethod
from .._system import System
from ._loop import Run

_MAGIC = b"stationary checkpoint 1\n"


class CheckpointError(ValueError):
    """A checkpoint that cannot be resumed from: damaged, foreign, or of another problem."""


def fingerprint(method: AbstractMethod, system: System, data: PyTree, run: Run) -> str:
    """What a checkpoint belongs to: the instructions of a step, every array they read, the shapes.

    The instructions are those that JAX traces, so a learning rate inside an Optax closure counts.
    """
    digest = hashlib.sha256()
    step, *_ = eqx.filter_make_jaxpr(method.step)(system, run.progress.state, data)
    digest.update(re.sub(r"0x[0-9a-f]+", "", str(step)).encode())
    for leaf in jax.tree.leaves((step.consts, method, system, data)):
        if eqx.is_array_like(leaf):
            digest.update(_host(leaf).tobytes())
    for path, leaf in jax.tree_util.tree_leaves_with_path(run):
        digest.update(f"{jax.tree_util.keystr(path)}{leaf.shape}{leaf.dtype}".encode())
    return digest.hexdigest()


def save(path: Path, owner: str, run: PyTree, columns: dict[str, np.ndarray], about: dict) -> None:
    """Write a checkpoint atomically.

    **Arguments:**

    - `path`: where; the file appears under this name only when it is complete.
    - `owner`: the `fingerprint`.
    - `run`: the solve's state; every leaf an array.
    - `columns`: the trace so far.
    - `about`: numbers to restore (seconds so far), JSON-safe.
    """
    arrays = {f"run/{i}": _host(leaf) for i, leaf in enumerate(jax.tree.leaves(run))}
    arrays |= {f"trace/{name}": column for name, column in columns.items()}
    header = {"owner": owner, "versions": _versions(), "about": about}
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # pyright: ignore[reportArgumentType]
    payload = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with open(temporary, "wb") as file:
        file.write(_MAGIC + hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def load(path: Path, owner: str, like: PyTree) -> tuple[PyTree, dict[str, np.ndarray], dict, list]:
    """Read a checkpoint back into the structure of `like`.

    **Returns:** the state, the trace's columns, the `about` numbers, and notices.

    **Raises:** `CheckpointError` when the file is not a checkpoint, is damaged or truncated, or
    belongs to another problem, method, data or shape.
    """
    content = path.read_bytes()
    start = len(_MAGIC) + 65
    if not content.startswith(_MAGIC):
        raise CheckpointError(f"{path.name} is not a stationary checkpoint; remove or rename it.")
    payload = content[start:]
    if hashlib.sha256(payload).hexdigest().encode() != content[len(_MAGIC) : start - 1]:
        raise CheckpointError(
            f"{path.name} is damaged or truncated ({len(content)} bytes), so nothing of it was "
            "loaded. Remove it to start afresh."
        )
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path.name} cannot be read: {error}.") from error
    header = json.loads(arrays.pop("header").tobytes())
    if header["owner"] != owner:
        raise CheckpointError(
            f"{path.name} belongs to another solve: the problem, its data, the method or a shape "
            "differs. Give this solve a checkpoint of its own, or leave out resume."
        )
    leaves, structure = jax.tree.flatten(like)
    restored = [_device(arrays[f"run/{i}"], leaf) for i, leaf in enumerate(leaves)]
    columns = {n.removeprefix("trace/"): a for n, a in arrays.items() if n.startswith("trace/")}
    notices = []
    if header["versions"] != _versions():
        notices.append(
            f"the checkpoint was written by {header['versions']}, this is {_versions()}: the "
            "solve continues, but not to the bitwise same answer."
        )
    return jax.tree.unflatten(structure, restored), columns, header["about"], notices


def _host(leaf: Any) -> np.ndarray:
    if eqx.is_array(leaf) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    return np.asarray(leaf)


def _device(array: np.ndarray, like: Any) -> Any:
    if jnp.issubdtype(like.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(like))
    return jnp.asarray(array, like.dtype)


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("jax", "jaxlib")}
