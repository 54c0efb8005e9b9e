"""Methods for problems nested in one another."""

from ._descent import BilevelDescent as BilevelDescent
from ._error_bound import error_bound as error_bound
from ._estimators import SAGA as SAGA
from ._estimators import SARAH as SARAH
from ._estimators import SVRG as SVRG
from ._estimators import AbstractEstimator as AbstractEstimator
from ._fully_first_order import fully_first_order as fully_first_order
from ._hypergradient import Hypergradient as Hypergradient
from ._hypergradient import hypergradient as hypergradient
