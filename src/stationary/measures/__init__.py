"""Probability measures known by samples: how far apart two of them are."""

from ._mmd import GaussianKernel as GaussianKernel
from ._mmd import median_distance as median_distance
from ._mmd import mmd_squared as mmd_squared
