"""Problems with known answers, multipliers included: for tests, examples and benchmarks."""

from ._convex import random_qp as random_qp
from ._example import Example as Example
from ._library import get as get
from ._library import names as names
