"""Linear and quadratic problems from standard files."""

from ._problem import FileProblem as FileProblem
from ._problem import Row as Row
from ._read import FileError as FileError
from ._read import read as read
