"""Results of record: JSON and SVG beside the paper, as `run` found them."""

import json
import math
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from ._measurements import Measured, Table
from ._paper import Paper
from ._result import Result


def save(result: Result, folder: str | os.PathLike | None = None) -> Path:
    """Write a result: `<scale>.json`, and one `<scale>-<figure>.svg` per figure.

    Each file appears whole or not at all, the JSON last.

    **Arguments:**

    - `result`: what [`run`][stationary.atlas.run] returned.
    - `folder`: where; default the paper's own `results` folder, which is the record.

    **Returns:** the path of the JSON file.
    """
    where = Path(folder) if folder is not None else result.paper.folder / "results"
    where.mkdir(parents=True, exist_ok=True)
    files = {caption: f"{result.scale}-{_slug(caption)}.svg" for caption in result.figures}
    if len(set(files.values())) < len(files):
        raise ValueError(f"figures need names that differ in letters or digits: {list(files)}.")
    for caption, name in files.items():
        _write(where / name, result.figures[caption])
    for old in where.glob(f"{result.scale}-*.svg"):
        if old.name not in files.values():
            old.unlink()
    path = where / f"{result.scale}.json"
    _write(path, json.dumps(_as_json(result, files), indent=1, ensure_ascii=False) + "\n")
    return path


def recorded(paper: Paper, scale: str = "laptop", folder: Any = None) -> Result | None:
    """The result of record of a paper, or `None` when there is none.

    **Arguments:**

    - `paper`: the paper.
    - `scale`: which record.
    - `folder`: where it is; default beside the paper.
    """
    where = Path(folder) if folder is not None else paper.folder / "results"
    path = where / f"{scale}.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    figures = {
        caption: (where / name).read_text(encoding="utf-8")
        for caption, name in found["figures"].items()
    }
    tables = {
        caption: Table(tuple(table["columns"]), tuple(map(tuple, table["rows"])))
        for caption, table in found["tables"].items()
    }
    return Result(
        number=found["paper"],
        scale=found["scale"],
        seed=found["seed"],
        measured={name: _measured(claim) for name, claim in found["claims"].items()},
        figures=figures,
        tables=tables,
        notes=tuple(found["notes"]),
        seconds=found["seconds"],
        environment=found["environment"],
    )


def _as_json(result: Result, files: dict[str, str]) -> dict[str, Any]:
    verdicts = result.verdicts
    return {
        "paper": result.number,
        "scale": result.scale,
        "seed": result.seed,
        "claims": {
            name: {
                "verdict": str(verdicts[name]),
                "value": _number(measured.value),
                "interval": measured.interval and [_number(end) for end in measured.interval],
                "samples": [_number(sample) for sample in measured.samples],
            }
            for name, measured in result.measured.items()
        },
        "tables": {
            caption: {"columns": table.columns, "rows": table.rows}
            for caption, table in result.tables.items()
        },
        "figures": files,
        "notes": result.notes,
        "seconds": round(result.seconds, 1),
        "environment": result.environment,
    }


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)  # JSON has no NaN and no infinity


def _measured(claim: dict[str, Any]) -> Measured:
    ends = claim["interval"]
    interval = None if ends is None else (float(ends[0]), float(ends[1]))
    return Measured(float(claim["value"]), interval, tuple(map(float, claim["samples"])))


def _slug(caption: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", caption.lower()).strip("-")


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
