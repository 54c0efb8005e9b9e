"""The trust-region method for large smooth constrained problems: products, never matrices."""

from ._trust_region_sqp import TrustRegionSQP as TrustRegionSQP
