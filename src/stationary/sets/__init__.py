"""Where a variable may live: the sets that constrain one array each, and their products over pytrees."""

from ._base import AbstractCone, AbstractSet, Capability, CapabilityError
from ._elementwise import Box, Euclidean, Positive
from ._product import Product, as_product


__all__ = [
    "AbstractCone",
    "AbstractSet",
    "Box",
    "Capability",
    "CapabilityError",
    "Euclidean",
    "Positive",
    "Product",
    "as_product",
]
