"""Fixed-point iterations, and what they say about a problem that has no answer."""

from ._certificate import infeasibility_certificate as infeasibility_certificate
from ._halpern import Halpern as Halpern
from ._halpern import halpern as halpern
from ._hybrid_gradient import PrimalDualHybridGradient as PrimalDualHybridGradient
from ._hybrid_gradient import PrimalDualState as PrimalDualState
from ._iteration import AbstractFixedPointMethod as AbstractFixedPointMethod
from ._iteration import FixedPointOutcome as FixedPointOutcome
from ._iteration import FixedPointState as FixedPointState
from ._picard import Picard as Picard
from ._picard import picard as picard
from ._primal_dual import PrimalDualOperator as PrimalDualOperator
from ._primal_dual import primal_dual_operator as primal_dual_operator
