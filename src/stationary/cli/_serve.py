"""`stationary serve`."""

import argparse
from typing import Any

from ._errors import UsageError
from ._exit import Exit
from ._settings import jax_settings


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "serve",
        help="a local page that writes Lagrangians while you choose fields",
        description=(
            "A page on this machine only that writes the Lagrangian of the fields you choose, "
            "grades yours, and shows what a trained model says. Ctrl-C ends it."
        ),
    )
    parser.add_argument("--port", type=int, default=8000, help="default 8000; 0 for a free one")
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from ..web import serve

    try:
        with jax_settings():
            serve(args.port, browser=not args.no_open)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"Port {args.port} cannot be used ({error}): choose another with --port, or --port 0."
        ) from None
    return Exit.OK
