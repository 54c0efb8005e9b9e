"""Rows of a long run, kept on disk as they are made, so that a run can be taken up again."""

import json
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any


class Record:
    """Rows by section and key, written to a JSON file after each.

    **Arguments:**

    - `path`: the file; `None` keeps rows in memory only.
    - `settings`: what the rows depend on; rows made under others are dropped.
    - `resume`: keep the rows that the file has already, but for those of processes that crashed.
    """

    def __init__(self, path: Path | None, settings: dict[str, Any], resume: bool) -> None:
        self._path = path
        self._content: dict[str, Any] = {"settings": settings, "rows": {}}
        if path is not None and resume and path.exists():
            before = json.loads(path.read_text())
            if before.get("settings") == settings:
                self._content = before
                for section, rows in before["rows"].items():
                    kept = {key: r for key, r in rows.items() if r.get("status") != "crash"}
                    before["rows"][section] = kept

    def row(self, section: str, key: Hashable, make: Callable[[], dict[str, Any]]) -> dict:
        """The row of a key, made unless it is there."""
        rows = self._content["rows"].setdefault(section, {})
        if str(key) not in rows:
            rows[str(key)] = make()
            self._write()
        return rows[str(key)]

    def rows(self, section: str) -> list[dict[str, Any]]:
        """All rows of a section, in the order in which they were made."""
        return list(self._content["rows"].get(section, {}).values())

    def put(self, **parts: Any) -> None:
        """Something about the whole run, beside its rows."""
        self._content |= parts
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".part")
        unfinished.write_text(json.dumps(self._content, indent=1) + "\n")
        unfinished.replace(self._path)
