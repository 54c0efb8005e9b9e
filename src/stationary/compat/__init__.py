"""Other libraries' spelling of a problem, translated into statements."""

from ._minimize import compat_minimize as compat_minimize
from ._result import OptimizeResult as OptimizeResult
