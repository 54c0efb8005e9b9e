"""Turns for work that is long: one at a time, and what nobody waits for any more is left out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Lets one thread work at a time, and tells those that waited whether a later one has come.

    A page asks again with every change of its fields, and wants the last answer only.

    !!! example
        >>> turns = Turns()
        >>> with turns.turn() as wanted:
        ...     print(wanted)
        True
    """

    def __init__(self) -> None:
        self._working = threading.Lock()
        self._counting = threading.Lock()
        self._newest = 0

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Wait for a turn.

        **Returns:** whether nobody has come later, so that the work is still wanted.
        """
        with self._counting:
            self._newest += 1
            mine = self._newest
        with self._working:
            yield mine == self._newest
