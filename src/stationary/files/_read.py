"""Reading MPS and LP files, with HiGHS as the parser."""

import gzip
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ._build import build
from ._problem import FileProblem
from ._syntax import check_mps

SUFFIXES = (".mps", ".lp", ".mps.gz", ".lp.gz")


class FileError(ValueError):
    """A file that is no linear or quadratic problem this package can solve."""


def read(path: str | Path) -> FileProblem:
    """Read a linear or quadratic problem from an MPS or LP file.

    Rows become the constraints `"equalities"` and `"inequalities"` with their names kept, bounds
    the statement's set, and the matrices its data (sparse where that pays). The problem is
    declared convex when its quadratic form is.

    **Arguments:**

    - `path`: a `.mps` or `.lp` file, or either one compressed with gzip (`.mps.gz`, `.lp.gz`).

    **Returns:** a [`FileProblem`][stationary.files.FileProblem].

    **Raises:** `FileNotFoundError`; `ImportError` when highspy is not installed; `FileError` for a
    file that is malformed (naming the line where that is known), has integer or semi-continuous
    variables (naming some), has no variables, or contradicts itself in its bounds.

    !!! example
        >>> import pathlib, tempfile
        >>> from stationary.files import read
        >>> text = "minimize cost: x + y subject to demand: x + 2 y >= 2 bounds y <= 0.5 end"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "small.lp"
        ...     _ = path.write_text(text)
        ...     file = read(path)
        >>> file.variables, [row.name for row in file.rows]
        (('x', 'y'), ['demand'])
    """
    path = Path(path)
    if not path.name.lower().endswith(SUFFIXES):
        raise FileError(f"{path}: expected a file that ends in {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file.")
    try:
        text = _text(path)
    except (OSError, EOFError) as error:
        raise FileError(f"{path}: cannot be read ({error}).") from None
    if not text.strip():
        raise FileError(f"{path}: the file is empty.")
    is_mps = ".mps" in path.name.lower()
    if is_mps and (fault := check_mps(text)):
        raise FileError(f"{path}, line {fault.line}: {fault.message}")
    highs = _parse(path)
    problem = _checked(path, highs.getModel())
    return build(problem, highs.getLp().model_name_ or path.name.partition(".")[0])


def _text(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix.lower() == ".gz" else raw).decode("latin-1")


def _parse(path: Path) -> Any:
    """HiGHS holding the file's model. It prints to stdout unless told not to."""
    highspy = _highspy()
    highs = highspy.Highs()
    messages: list[str] = []
    highs.setOptionValue("log_to_console", False)
    highs.cbLogging += lambda event: messages.append(event.message.strip())
    status = highs.readModel(str(path))
    faults = [m for m in messages if m.startswith(("ERROR", "WARNING"))]
    said = " ".join(_sentence(m) for m in faults if "Parser error" not in m)
    if status == highspy.HighsStatus.kError:
        raise FileError(
            f"{path}: malformed. {said or 'HiGHS cannot read it.'} Look for a missing section, an "
            "operator or number where a name belongs, or a file that was cut off."
        )
    # HiGHS drops what it does not understand and goes on: that would solve another problem.
    if dropped := [m for m in faults if "ignored" in m or "not defined" in m]:
        raise FileError(f"{path}: malformed. {_sentence(dropped[0])}")
    return highs


def _sentence(message: str) -> str:
    return " ".join(message.partition(":")[2].split()).rstrip(".") + "."


def _highspy() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about its own binding's types
            import highspy
    except ImportError:
        raise ImportError(
            "reading MPS and LP files needs highspy: pip install 'stationary[files]'."
        ) from None
    return highspy


def _checked(path: Path, model: Any) -> Any:
    lp = model.lp_
    if lp.num_col_ == 0:
        raise FileError(f"{path}: the problem has no variables.")
    kinds = [kind.name for kind in lp.integrality_]
    if discrete := [i for i, kind in enumerate(kinds) if kind != "kContinuous"]:
        named = [f"{lp.col_names_[i]} ({_KINDS.get(kinds[i], kinds[i])})" for i in discrete[:3]]
        more = f" and {len(discrete) - 3} more" if len(discrete) > 3 else ""
        raise FileError(
            f"{path}: not all variables are continuous: {', '.join(named)}{more}. This package "
            "finds stationary points of smooth problems; relax these variables in the file, or use "
            "a mixed-integer solver."
        )
    for what, names, lower, upper in (
        ("variable", lp.col_names_, lp.col_lower_, lp.col_upper_),
        ("row", lp.row_names_, lp.row_lower_, lp.row_upper_),
    ):
        reversed_ = np.flatnonzero(np.asarray(lower) > np.asarray(upper))
        if reversed_.size:
            i = reversed_[0]
            raise FileError(
                f"{path}: {what} {names[i]} has its lower bound {lower[i]:g} above its upper bound "
                f"{upper[i]:g}; no value fits."
            )
    return model


_KINDS = {
    "kInteger": "integer",
    "kSemiContinuous": "semi-continuous",
    "kSemiInteger": "semi-integer",
    "kImplicitInteger": "integer",
}
