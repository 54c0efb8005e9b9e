"""Newton's method on the Lagrangian, with merits and linear solvers to choose from."""

from ._adaptive_accuracy import AdaptiveAccuracy as AdaptiveAccuracy
from ._divergence import newton_divergence as newton_divergence
from ._divergence_criterion import DivergenceCriterion as DivergenceCriterion
from ._exact_augmented_lagrangian import ExactAugmentedLagrangian as ExactAugmentedLagrangian
from ._gradient_norm import GradientNorm as GradientNorm
from ._l1_merit import L1Merit as L1Merit
from ._lagrange_newton import LagrangeNewton as LagrangeNewton
from ._merit import AbstractMerit as AbstractMerit
from ._sketch_project import SketchProject as SketchProject
