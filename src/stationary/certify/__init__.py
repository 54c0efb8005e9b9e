"""How good an answer is, from the statement and the point alone."""

from ._certificate import Certificate, Check, Curvature, Ray, Verdict
from ._certify import certify

__all__ = ["certify", "Certificate", "Check", "Curvature", "Ray", "Verdict"]
