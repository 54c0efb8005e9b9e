"""How good an answer is, from the statement and the point alone."""

from ._certificate import Certificate, Check, Curvature, Ray, Verdict
from ._certify import certify
from ._sensitivity import IrregularPointError, Sensitivity, sensitivity

__all__ = [
    "certify",
    "sensitivity",
    "Certificate",
    "Check",
    "Curvature",
    "IrregularPointError",
    "Ray",
    "Sensitivity",
    "Verdict",
]
