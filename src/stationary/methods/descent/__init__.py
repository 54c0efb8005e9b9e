"""Descent: directions, the flat line search, and Optax rules on sets."""

from ._directions import LBFGS as LBFGS
from ._directions import AbstractDirection as AbstractDirection
from ._directions import Newton as Newton
from ._directions import SpectralGradient as SpectralGradient
from ._optax import OptaxDescent as OptaxDescent
from ._optax import from_optax as from_optax
