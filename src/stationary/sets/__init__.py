"""Where a variable may live: sets that hold one array each, and their products over pytrees."""

from ._balls import L1Ball, L2Ball, LinfBall
from ._base import AbstractCone, AbstractSet, Capability, CapabilityError
from ._cones import Nonnegative, Nonpositive, PositiveSemidefinite, SecondOrder, Zero
from ._elementwise import Box, Euclidean, Positive
from ._manifolds import Sphere, Stiefel
from ._product import Product, as_product
from ._simplex import Simplex

__all__ = [
    "AbstractSet",
    "AbstractCone",
    "Capability",
    "CapabilityError",
    "Euclidean",
    "Box",
    "Positive",
    "Simplex",
    "L1Ball",
    "L2Ball",
    "LinfBall",
    "Zero",
    "Nonnegative",
    "Nonpositive",
    "SecondOrder",
    "PositiveSemidefinite",
    "Sphere",
    "Stiefel",
    "Product",
    "as_product",
]
