"""Live progress of a solve, in a terminal or a log."""

import sys
from collections.abc import Callable

from .._status import Status
from ._events import Event


def progress_display(wanted: bool | None) -> Callable[[Event], None] | None:
    """What to show: a live panel on a terminal, sparse lines in a log, nothing when not wanted.

    **Arguments:**

    - `wanted`: `True`, `False`, or `None` for only on a terminal.
    """
    terminal = sys.stderr.isatty()
    if wanted is False or (wanted is None and not terminal):
        return None
    return _Panel() if terminal else _Lines()


class _Lines:
    """A line whenever the time spent has grown by half: sparse, but never silent for long."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, event: Event) -> None:
        if event.status is Status.RUNNING and event.seconds < self._next:
            return
        self._next = min(1.5 * event.seconds + 0.1, event.seconds + 30)
        worst = event.worst
        breach = f"  worst {worst} {event.violations[worst]:.1e}" if worst else ""
        multipliers = "".join(f"  {n} {v:.4g}" for n, v in list(event.multipliers.items())[:4])
        print(
            f"step {event.step:>8,}  {event.seconds:6.1f} s  objective {event.objective:.6g}  "
            f"residual {event.residual:.1e}{breach}"
            + (f"  multipliers{multipliers}" if multipliers else ""),
            file=sys.stderr,
            flush=True,
        )


class _Panel:
    """A panel that is redrawn in place: where the solve is, and each constraint by name."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(stderr=True), refresh_per_second=8, transient=True)
        self._live.start()

    def __call__(self, event: Event) -> None:
        from rich.table import Table

        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("step", "seconds", "objective", "residual"):
            table.add_column(heading, justify="right")
        table.add_column("constraint")
        table.add_column("violation", justify="right")
        table.add_column("multiplier", justify="right")
        here = (
            f"{event.step:,}",
            f"{event.seconds:.1f}",
            f"{event.objective:.8g}",
            f"{event.residual:.1e}",
        )
        names = sorted(event.violations, key=lambda n: -event.violations[n])[:8]
        for row, name in enumerate(names or [""]):
            known = (
                (name, f"{event.violations[name]:.1e}", f"{event.multipliers[name]:.5g}")
                if name
                else ("", "", "")
            )
            table.add_row(*(here if row == 0 else ("",) * 4), *known)
        self._live.update(table)
        if event.status is not Status.RUNNING:
            self._live.stop()
