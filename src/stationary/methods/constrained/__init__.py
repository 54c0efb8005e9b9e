"""Methods for problems with constraints."""

from ._augmented_lagrangian import AugmentedLagrangian as AugmentedLagrangian
from ._dual_ascent import DualAscent as DualAscent
from ._dual_ascent import DualAscentState as DualAscentState
from ._duals import AbstractDualRule as AbstractDualRule
from ._duals import GradientAscent as GradientAscent
from ._duals import NuPI as NuPI
from ._primal_dual import PrimalDual as PrimalDual
from ._primal_dual import mdmm as mdmm
