"""What a solve tells the outside while it runs, and how the outside stops it."""

import dataclasses
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jaxtyping import PyTree

from .._point import Point
from .._status import Status


@dataclasses.dataclass(frozen=True)
class Event:
    """Progress between two chunks of a solve, as Python numbers.

    **Arguments:**

    - `step`, `seconds`: how far the solve is.
    - `status`: `Status.RUNNING`, or why it has just stopped.
    - `objective`, `residual`, `stationarity`, `feasibility`: the metrics at the point.
    - `violations`, `multipliers`: by constraint; a multiplier that is an array is represented by
        its largest entry.
    - `get_point`: call it for the point itself (arrays on the device).
    """

    step: int
    seconds: float
    status: Status
    objective: float
    residual: float
    stationarity: float
    feasibility: float
    violations: dict[str, float]
    multipliers: dict[str, float]
    get_point: Callable[[], Point]

    @property
    def worst(self) -> str | None:
        """The name of the most violated constraint, if any is violated."""
        if not self.violations:
            return None
        name = max(self.violations, key=lambda n: self.violations[n])
        return name if self.violations[name] > 0 else None

    @property
    def value(self) -> PyTree:
        """The unknown at this point."""
        return self.get_point().primal


Callback = Callable[[Event], bool | None]
"""Called between chunks; a true return value stops the solve."""


class Interrupt:
    """Whether Ctrl-C has been pressed while a solve was running."""

    def __init__(self) -> None:
        self.pressed = False


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Turn the first Ctrl-C into a request to stop after the present chunk.

    A second one raises `KeyboardInterrupt` as usual. Outside the main thread signals cannot be
    caught, and nothing changes.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def handle(number, frame):
        if interrupt.pressed:
            raise KeyboardInterrupt
        interrupt.pressed = True

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, previous)
