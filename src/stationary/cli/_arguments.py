"""Arguments that several commands share."""

import argparse
from collections.abc import Callable

DEFAULTS = {"max_steps": 100_000, "seed": 0}
"""Options of a solve that have a value when they are not given."""


def add_target(parser: argparse.ArgumentParser) -> None:
    """`FILE[:NAME]`."""
    parser.add_argument(
        "target", metavar="FILE[:NAME]", help="a Python file with a `problem`, or an MPS or LP file"
    )


def add_common(parser: argparse.ArgumentParser) -> None:
    """`--json` and `--debug`."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document, and nothing else, on stdout"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def positive(kind: type) -> Callable[[str], int | float]:
    """A parser of positive numbers, for `type=`."""

    def parse(text: str) -> int | float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be positive, got {text}")
        return value

    parse.__name__ = kind.__name__  # argparse names it when the text is no number
    return parse
