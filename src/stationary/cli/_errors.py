"""Errors as one clear paragraph."""

import linecache
import traceback
from pathlib import Path


class UsageError(Exception):
    """Something that the person at the keyboard can put right; exit code 2."""


def explain(error: BaseException, file: Path | None = None) -> str:
    """An error in one paragraph: what, and where in `file` when it happened there.

    **Arguments:**

    - `error`: what was raised.
    - `file`: the user's own file.
    """
    message = str(error).strip() or type(error).__name__
    place = None if file is None else _place(error, file)
    if place is None:
        return message
    line, source = place
    quoted = f" ({source})" if source else ""
    return f"{file}, line {line}{quoted}: {type(error).__name__}: {message}"


def happened_in(error: BaseException, file: Path) -> bool:
    """Whether the user's own code was running when the error was raised."""
    return _place(error, file) is not None


def _place(error: BaseException, file: Path) -> tuple[int, str] | None:
    """The innermost line of `file` that was running."""
    wanted = str(file.resolve())
    if isinstance(error, SyntaxError) and error.filename == wanted and error.lineno:
        return error.lineno, (error.text or "").strip()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == wanted and frame.lineno:
            return frame.lineno, linecache.getline(wanted, frame.lineno).strip()
    return None
