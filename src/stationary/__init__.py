"""Stationary points of Lagrangians: state a problem once, solve it, and see how good the answer is."""

from . import methods as methods
from . import sets as sets
from ._constraints import at_most as at_most
from ._constraints import equal as equal
from ._constraints import in_cone as in_cone
from ._functions import Expectation as Expectation
from ._method import AbstractMethod as AbstractMethod
from ._method import Metrics as Metrics
from ._method import Oracle as Oracle
from ._point import Point as Point
from ._run import Outcome as Outcome
from ._run import run as run
from ._statements import AbstractStatement as AbstractStatement
from ._statements import Balance as Balance
from ._statements import Maximize as Maximize
from ._statements import Minimize as Minimize
from ._statements import Saddle as Saddle
from ._statements import VariationalInequality as VariationalInequality
from ._status import Status as Status
from ._streams import AbstractStream as AbstractStream
from ._streams import Batches as Batches
from ._streams import Draws as Draws
from ._system import Residual as Residual
from ._system import System as System
