"""The host side of a solve: chunks, progress, checkpoints and batches."""

from ._checkpoint import CheckpointError as CheckpointError
from ._events import Callback as Callback
from ._events import Event as Event
from ._solve import solve as solve
