"""A worker process that is killed and replaced when a task takes too long or ends it."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
from typing import Any


class Worker:
    """Does tasks one at a time in a process of its own.

    **Arguments:**

    - `cache_folder`: keep compiled programs there between processes.
    """

    def __init__(self, cache_folder: str | None = None) -> None:
        self._environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
        if cache_folder:
            self._environment["BENCHMARK_CACHE"] = str(cache_folder)
        self._process: subprocess.Popen | None = None

    def do(self, task: dict[str, Any], limit: float) -> dict[str, Any]:
        """A task's row; one that says so when the task took more than `limit` seconds."""
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        lost = {"case": task["case"], "solver": task["solver"], "claims": False, "solved": False}
        try:
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            self.close()
            return {**lost, "status": "crash"}
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            ready = selector.select(limit)
        line = process.stdout.readline() if ready else None
        if line:
            return json.loads(line)
        self.close()
        return {**lost, "status": "killed" if line is None else "crash", "limit": limit}

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):  # what was not written need not be
                    if pipe is not None:
                        pipe.close()
            self._process.wait()
            self._process = None

    def _started(self) -> subprocess.Popen:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}._worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=self._environment,
            )
        return self._process
