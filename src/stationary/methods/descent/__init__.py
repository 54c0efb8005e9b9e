"""Descent: directions, the flat line search, and Optax rules on sets."""

from ._directions import LBFGS as LBFGS
from ._directions import AbstractDirection as AbstractDirection
from ._directions import Newton as Newton
from ._directions import SpectralGradient as SpectralGradient
