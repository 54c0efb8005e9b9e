"""How far a long run is."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def counting(total: int, what: str, wanted: bool | None) -> Iterator[Callable[[int], None]]:
    """Show how many things of so many are done: a bar on a terminal, sparse lines in a log.

    **Arguments:**

    - `total`: how many there are.
    - `what`: what they are.
    - `wanted`: `True`, `False`, or `None` for only on a terminal.

    **Returns:** a context with a function that takes how many more are done.
    """
    terminal = sys.stderr.isatty()
    if wanted is False or (wanted is None and not terminal):
        yield lambda more: None
    elif terminal:
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda more: bar.advance(task, more)
    else:
        yield _Lines(total, what)


class _Lines:
    """A line whenever the time spent has grown by half."""

    def __init__(self, total: int, what: str) -> None:
        self._total, self._what = total, what
        self._done = 0
        self._began = time.monotonic()
        self._next = 0.0

    def __call__(self, more: int) -> None:
        self._done += more
        seconds = time.monotonic() - self._began
        if seconds < self._next and self._done < self._total:
            return
        self._next = min(1.5 * seconds + 0.1, seconds + 30)
        print(
            f"{self._done:,} of {self._total:,} {self._what}  {seconds:.1f} s",
            file=sys.stderr,
            flush=True,
        )
