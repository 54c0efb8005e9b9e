"""Models in files: one zip of arrays with the configuration beside them, and no pickle."""

import inspect
import io
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ._seq2seq import Seq2Seq

_FORMAT = "stationary.nn.Seq2Seq 1"
_DAMAGED = (
    AttributeError,
    EOFError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading something else as a model may raise."""


def save(model: Seq2Seq, path: str | Path, *, dtype: Any = None) -> None:
    """Write a model to one file, which [`load`][stationary.nn.load] reads.

    It is an `.npz` of NumPy: parameters by name, and what the model was made with as JSON. The file
    appears under its name only when it is complete.

    **Arguments:**

    - `model`: the model.
    - `path`: where to.
    - `dtype`: what parameters are stored in, default their own; `np.float16` takes half the room.

    **Raises:** `ValueError` where numbers are too large for `dtype`.

    !!! example
        >>> import jax, tempfile, os
        >>> model = Seq2Seq.preset("nano", 20, positions="rotary", key=jax.random.key(0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(model, os.path.join(folder, "model.npz"), dtype="float16")
        ...     again = load(os.path.join(folder, "model.npz"))
        >>> again.embedding.dtype.name, again.vocabulary
        ('float32', 20)
    """
    arrays = {}
    for name, leaf in _named(model):
        with np.errstate(over="ignore"):
            kept = np.asarray(leaf, None if dtype is None else np.dtype(dtype))
        if not np.array_equal(np.isfinite(kept), np.isfinite(np.asarray(leaf))):
            raise ValueError(f"{name} has numbers that {kept.dtype} cannot hold; store float32.")
        arrays[name] = kept
    header = {"format": _FORMAT, "made with": configuration(model)}
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    path = Path(path)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    beside = path.with_name(path.name + ".partial")
    beside.write_bytes(buffer.getvalue())
    os.replace(beside, path)


def load(path: str | Path) -> Seq2Seq:
    """Read a model that [`save`][stationary.nn.save] wrote; its parameters become float32.

    **Raises:** `FileNotFoundError`; `ValueError` for a file that is something else, damaged, or
    whose arrays do not fit its configuration.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}.")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays.pop("header").tobytes())
        made_with = header["made with"] if header["format"] == _FORMAT else None
    except _DAMAGED as error:
        raise ValueError(
            f"{path.name} is no model of stationary.nn, or damaged: {error}"
        ) from error
    if made_with is None:
        raise ValueError(
            f"{path.name} is in the format {header['format']!r}; this version reads {_FORMAT!r}."
        )
    if made_with["element_tokens"] is not None:
        made_with["element_tokens"] = tuple(made_with["element_tokens"])
    like = eqx.filter_eval_shape(
        lambda key: Seq2Seq(**made_with, key=key), jax.eval_shape(lambda: jax.random.key(0))
    )
    leaves = []
    for name, leaf in _named(like):
        if name not in arrays or arrays[name].shape != leaf.shape:
            found = arrays[name].shape if name in arrays else "nothing"
            raise ValueError(
                f"{path.name} does not fit its configuration: {name} should have shape "
                f"{leaf.shape}, found {found}."
            )
        leaves.append(jnp.asarray(arrays[name], jnp.float32))
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def configuration(model: Seq2Seq) -> dict[str, Any]:
    """What a model was made with, as the arguments of `Seq2Seq`, safe for JSON."""
    sizes = {
        "vocabulary": model.vocabulary,
        "width": model.width,
        "encoder_layers": model.encoder.up.shape[0],
        "decoder_layers": model.decoder.itself.up.shape[0],
        "feed_forward": model.encoder.up.shape[-1],
        "compute_dtype": None if model.compute_dtype is None else model.compute_dtype.name,
    }
    if model.places is not None:
        sizes["element_length"] = model.places.shape[0]
    own = [name for name in inspect.signature(Seq2Seq).parameters if hasattr(model, name)]
    return {**{name: getattr(model, name) for name in own}, **sizes}


def _named(model: Any) -> list[tuple[str, Any]]:
    leaves = jax.tree_util.tree_leaves_with_path(model)
    return [(jax.tree_util.keystr(path).lstrip("."), leaf) for path, leaf in leaves]
