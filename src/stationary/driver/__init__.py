"""The host side of a solve: chunks, progress, checkpoints and batches."""

from ._batch import BatchSolution as BatchSolution
from ._batch import solve_batch as solve_batch
from ._checkpoint import CheckpointError as CheckpointError
from ._events import Callback as Callback
from ._events import Event as Event
from ._solve import solve as solve
