"""The methods, each a configuration object that `solve` and `run` accept."""

from ._default import default_method as default_method
from .constrained import AbstractDualRule as AbstractDualRule
from .constrained import AugmentedLagrangian as AugmentedLagrangian
from .constrained import DualAscent as DualAscent
from .constrained import DualAscentState as DualAscentState
from .constrained import GradientAscent as GradientAscent
from .constrained import NuPI as NuPI
from .constrained import PrimalDual as PrimalDual
from .constrained import mdmm as mdmm
from .descent import LBFGS as LBFGS
from .descent import Newton as Newton
from .descent import OptaxDescent as OptaxDescent
from .descent import SpectralGradient as SpectralGradient
from .descent import from_optax as from_optax
from .interior_point import InteriorPoint as InteriorPoint
from .saddle import ExtraGradient as ExtraGradient
from .saddle import OptimisticGradient as OptimisticGradient
from .saddle import PastExtraGradient as PastExtraGradient
from .saddle import ReflectedGradient as ReflectedGradient
from .saddle import StepSizeWarning as StepSizeWarning
from .saddle import lipschitz as lipschitz
