"""The parser, and the boundary at which errors become sentences."""

import argparse
import sys
import traceback
from collections.abc import Sequence

from . import _atlas, _certify, _environment, _lagrangian, _methods, _report, _serve, _solve
from ._errors import UsageError, explain
from ._exit import Exit, table

_EPILOG = f"""exit codes:
{table()}

Commands run in float64, and keep compiled programs in ~/.cache/stationary (XDG_CACHE_HOME moves
it; STATIONARY_CACHE_DIR names a folder, or is `off`).
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    **Arguments:**

    - `argv`: the words after `stationary`; default those of the process.

    **Returns:** the exit code, as `stationary --help` lists them.

    !!! example
        >>> from stationary.cli import main
        >>> code = main(["solve", "nowhere.py"])
        >>> code
        2
    """
    try:
        args = parser().parse_args(argv)
    except SystemExit as stop:  # argparse has printed its help or its complaint
        return int(stop.code or 0)
    try:
        return int(args.run(args))
    except UsageError as error:
        return _complain(args, str(error), Exit.BAD_INPUT)
    except BrokenPipeError:  # `stationary methods | head`
        sys.stderr.close()
        return Exit.OK
    except KeyboardInterrupt:
        return _complain(
            args, "interrupted; only what an earlier checkpoint holds is saved.", Exit.KILLED
        )
    except Exception as error:
        words = f"{type(error).__name__}: {explain(error)} This is unexpected; --debug shows where."
        return _complain(args, words, Exit.FAILED)


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = argparse.ArgumentParser(
        prog="stationary",
        description="Solve constrained problems, and see how good the answers are.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for module in (_solve, _certify, _report, _methods, _lagrangian, _serve, _atlas, _environment):
        module.add(commands)
    return top


def _complain(args: argparse.Namespace, words: str, code: Exit) -> int:
    if getattr(args, "debug", False):
        traceback.print_exc()
    print(f"stationary: {words}", file=sys.stderr)
    return int(code)
