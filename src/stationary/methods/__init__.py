"""The methods, each a configuration object that `solve` and `run` accept."""

from .constrained import AugmentedLagrangian as AugmentedLagrangian
from .descent import LBFGS as LBFGS
from .descent import Newton as Newton
from .descent import SpectralGradient as SpectralGradient
