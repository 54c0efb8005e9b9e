"""The methods, each a configuration object that `solve` and `run` accept."""

from ._default import default_method as default_method
from .constrained import AugmentedLagrangian as AugmentedLagrangian
from .descent import LBFGS as LBFGS
from .descent import Newton as Newton
from .descent import SpectralGradient as SpectralGradient
