"""Methods for problems nested in one another."""

from ._descent import BilevelDescent as BilevelDescent
from ._error_bound import error_bound as error_bound
from ._hypergradient import Hypergradient as Hypergradient
from ._hypergradient import hypergradient as hypergradient
