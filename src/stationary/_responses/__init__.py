"""How the upper problem of a nested pair sees the answer of the lower one, a file per way."""

from ._adjoint import LeastSquares as LeastSquares
from ._adjoint import Neumann as Neumann
from ._averaged import Averaged as Averaged
from ._base import AbstractPairOperator as AbstractPairOperator
from ._base import AbstractResponse as AbstractResponse
from ._base import Pair as Pair
from ._base import Parts as Parts
from ._best_response import BestResponse as BestResponse
from ._best_response import linear_response as linear_response
from ._implicit import Implicit as Implicit
from ._kkt import KKT as KKT
from ._proximal_lagrangian import ProximalLagrangian as ProximalLagrangian
from ._unrolled import Unrolled as Unrolled
from ._value_function import ValueFunction as ValueFunction
