"""The interior-point method for smooth constrained problems."""

from ._interior_point import InteriorPoint as InteriorPoint
