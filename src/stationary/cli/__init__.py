"""The command line: `stationary`."""

from ._main import main as main
