"""Methods for problems nested in one another."""

from ._descent import BilevelDescent as BilevelDescent
from ._hypergradient import Hypergradient as Hypergradient
from ._hypergradient import hypergradient as hypergradient
