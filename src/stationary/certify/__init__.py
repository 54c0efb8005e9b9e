"""How good an answer is, from the statement and the point alone."""

from ._certificate import Certificate, Check, Curvature, Kink, Ray, Verdict
from ._certify import certify
from ._classify import classify_stationary
from ._minimax import MinimaxPoint, MinimaxVerdict
from ._sensitivity import IrregularPointError, Sensitivity, sensitivity
from ._steps import StepInterval

__all__ = [
    "certify",
    "classify_stationary",
    "sensitivity",
    "Certificate",
    "Check",
    "Curvature",
    "IrregularPointError",
    "Kink",
    "MinimaxPoint",
    "MinimaxVerdict",
    "Ray",
    "Sensitivity",
    "StepInterval",
    "Verdict",
]
