"""Methods for problems with constraints."""

from ._augmented_lagrangian import AugmentedLagrangian as AugmentedLagrangian
