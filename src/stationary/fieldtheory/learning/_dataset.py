"""Data sets of models on disk: made once, resumable, read as ragged arrays."""

import json
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, UInt64

from stationary.nn import Ragged

from .._field import Field
from ._holdout import HoldOut
from ._keys import SPLITS, splits_of_keys
from ._progress import counting
from ._sampler import BLOCK, Examples, Sampler
from ._tokens import Tokens
from ._vocabulary import VOCABULARY

PART = 4
"""How many blocks of examples are in one file; each block is a row group."""

_SETTINGS = "dataset.json"
_HELD_OUT = SPLITS.index("held out")


def generate(
    path: str | Path,
    count: int,
    sampler: Sampler,
    *,
    hold_out: HoldOut | None = None,
    workers: int = 1,
    progress: bool | None = None,
) -> Path:
    """Write random models with their Lagrangians to Parquet files in a folder.

    A run that was interrupted goes on where it stopped when it is called again with the same
    settings: finished files are kept. The files depend neither on that nor on `workers`.

    **Arguments:**

    - `path`: the folder; made if need be.
    - `count`: how many examples.
    - `sampler`: what they are; a [`Sampler`][stationary.fieldtheory.learning.Sampler].
    - `hold_out`: models that go to the split `"held out"` whatever their key.
    - `workers`: processes that work side by side. With more than one, a script must guard what it
        runs by `if __name__ == "__main__":`.
    - `progress`: show progress; default only on a terminal.

    **Returns:** the folder, for [`read`][stationary.fieldtheory.learning.read].

    **Raises:** `ModuleNotFoundError` without pyarrow, which the extra `lagrangians` brings;
    `ValueError` for counts below one, and for a folder that holds another data set.
    """
    _pyarrow()
    if count < 1 or workers < 1:
        raise ValueError(f"count and workers must be 1 or more, got {count} and {workers}.")
    hold_out = HoldOut() if hold_out is None else hold_out
    hold_out.types(sampler.universe)  # complains about rules that nothing meets
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    _settle(folder, count, sampler, hold_out)
    names = _parts(count)
    left = [i for i, name in enumerate(names) if not (folder / name).exists()]
    with counting(count, "examples", progress) as advance:
        advance(sum(_rows(i, count) for i in range(len(names)) if i not in left))
        if workers == 1 or len(left) < 2:
            for part in left:
                _write(folder, part, count, sampler, hold_out)
                advance(_rows(part, count))
        else:
            with _processes(workers) as pool:
                jobs: dict[Future, int] = {
                    pool.submit(_write, folder, part, count, sampler, hold_out): part
                    for part in left
                }
                while jobs:
                    for job in wait(jobs, return_when=FIRST_COMPLETED).done:
                        job.result()
                        advance(_rows(jobs.pop(job), count))
    return folder


@dataclass(frozen=True, eq=False)
class Dataset:
    """Models as sequences, read from disk.

    **Arguments:**

    - `tokens`: how sequences are written.
    - `source`: fields, as token numbers.
    - `target`: Lagrangians, as token numbers.
    - `fields`: how many fields there are.
    - `terms`: how many interactions, contractions counted.
    - `nontrivial`: whether there are others than f f* and f f f* f* of every scalar.
    - `keys`: a number for the fields up to order and conjugation.
    - `splits`: places in `SPLITS`.
    """

    tokens: Tokens
    source: Ragged
    target: Ragged
    fields: Int[np.ndarray, "rows"]
    terms: Int[np.ndarray, "rows"]
    nontrivial: Bool[np.ndarray, "rows"]
    keys: UInt64[np.ndarray, "rows"]
    splits: Int[np.ndarray, "rows"]

    def __len__(self) -> int:
        return len(self.source)

    def take(self, rows: Int[np.ndarray, "chosen"]) -> "Dataset":
        """Some of the models, in the order of `rows`."""
        flat = (self.fields, self.terms, self.nontrivial, self.keys, self.splits)
        source, target = self.source.take(rows), self.target.take(rows)
        return Dataset(self.tokens, source, target, *(column[rows] for column in flat))

    def split(self, name: str) -> "Dataset":
        """The models of one split: a word of `SPLITS`."""
        if name not in SPLITS:
            raise ValueError(f"the splits are {', '.join(SPLITS)}; got {name!r}")
        return self.take(np.flatnonzero(self.splits == SPLITS.index(name)))

    def fields_of(self, row: int) -> tuple[Field, ...]:
        """The fields of a model, called by their pointers."""
        return self.tokens.decode_fields(self.source[row])[0]


def read(path: str | Path) -> Dataset:
    """A data set that [`generate`][stationary.fieldtheory.learning.generate] has written.

    **Arguments:**

    - `path`: its folder.

    **Returns:** a [`Dataset`][stationary.fieldtheory.learning.Dataset].

    **Raises:** `ModuleNotFoundError` without pyarrow; `FileNotFoundError` when there is no data
    set; `ValueError` when it is unfinished, or was written with another vocabulary.
    """
    _, parquet = _pyarrow()
    folder = Path(path)
    if not (folder / _SETTINGS).exists():
        raise FileNotFoundError(f"{folder} holds no data set: it has no {_SETTINGS}.")
    settings = json.loads((folder / _SETTINGS).read_text())
    if settings["vocabulary"] != " ".join(VOCABULARY.words):
        raise ValueError(f"{folder} was written with another vocabulary; generate it anew.")
    names = _parts(settings["count"])
    if missing := [name for name in names if not (folder / name).exists()]:
        raise ValueError(
            f"{folder} is unfinished: {len(missing)} of {len(names)} files are missing; call "
            "generate again with the same settings to go on."
        )
    tables = [parquet.read_table(folder / name) for name in names]
    columns: dict[str, Any] = {}
    for name in ("source", "target"):
        columns[name] = Ragged.joined([_ragged(c) for t in tables for c in t.column(name).chunks])
    for name in ("fields", "terms", "nontrivial", "keys", "splits"):
        columns[name] = np.concatenate([table.column(name).to_numpy() for table in tables])
    for name in ("fields", "terms", "splits"):
        columns[name] = columns[name].astype(np.int32)
    return Dataset(Tokens(**settings["tokens"]), **columns)


def _settle(folder: Path, count: int, sampler: Sampler, hold_out: HoldOut) -> None:
    settings = {
        "count": count,
        "tokens": {
            "style": sampler.tokens.style,
            "interactions_only": sampler.tokens.interactions_only,
        },
        "sampler": repr(sampler),
        "hold_out": repr(hold_out),
        "vocabulary": " ".join(VOCABULARY.words),
    }
    file = folder / _SETTINGS
    if file.exists():
        before = json.loads(file.read_text())
        if differing := [key for key in settings if before.get(key) != settings[key]]:
            raise ValueError(
                f"{folder} holds a data set with other settings ({', '.join(differing)}): choose "
                "another folder, or delete it."
            )
        return
    file.write_text(json.dumps(settings, indent=1) + "\n")


def _parts(count: int) -> list[str]:
    return [f"part-{i:05}.parquet" for i in range(-(-count // (PART * BLOCK)))]


def _rows(part: int, count: int) -> int:
    return min(PART * BLOCK, count - part * PART * BLOCK)


def _write(folder: Path, part: int, count: int, sampler: Sampler, hold_out: HoldOut) -> None:
    arrow, parquet = _pyarrow()
    file = folder / _parts(count)[part]
    unfinished = file.with_suffix(".unfinished")
    left = _rows(part, count)
    writer = None
    try:
        for block in range(part * PART, (part + 1) * PART):
            if left <= 0:
                break
            examples = sampler.block(block, min(BLOCK, left))
            left -= len(examples)
            table = _table(arrow, examples, hold_out.rows(sampler.universe, examples.types))
            writer = writer or parquet.ParquetWriter(unfinished, table.schema, compression="zstd")
            writer.write_table(table, row_group_size=BLOCK)
    finally:
        if writer is not None:
            writer.close()
    unfinished.replace(file)


def _table(arrow: Any, examples: Examples, held_out: np.ndarray) -> Any:
    splits = splits_of_keys(examples.keys)
    splits[held_out] = _HELD_OUT
    columns = {
        "source": _binary(arrow, examples.source),
        "target": _binary(arrow, examples.target),
        "fields": arrow.array(examples.fields.astype(np.uint8)),
        "terms": arrow.array(examples.terms.astype(np.uint16)),
        "nontrivial": arrow.array(examples.nontrivial),
        "keys": arrow.array(examples.keys),
        "splits": arrow.array(splits.astype(np.uint8)),
    }
    return arrow.table(columns)


def _binary(arrow: Any, rows: Ragged) -> Any:
    # A token is a byte, and a row of bytes is copied as it is; lists of numbers are much slower.
    offsets = arrow.py_buffer(rows.offsets.astype(np.int32))
    data = arrow.py_buffer(rows.tokens.astype(np.uint8))
    return arrow.Array.from_buffers(arrow.binary(), len(rows), [None, offsets, data])


def _ragged(chunk: Any) -> Ragged:
    _, offsets, data = chunk.buffers()
    ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    ends = ends.astype(np.int64)
    tokens = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return Ragged(tokens[ends[0] : ends[-1]], ends - ends[0])


@contextmanager
def _processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    # Fresh processes: JAX's threads do not survive a fork.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Data sets are Parquet files, which pyarrow reads and writes: "
            "pip install 'stationary[lagrangians]'"
        ) from error
    return pyarrow, pyarrow.parquet
