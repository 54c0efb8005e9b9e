"""Methods for several objectives at once: directions that worsen none of them."""

from ._epsilon_descent import EpsilonDescent as EpsilonDescent
from ._epsilon_descent import EpsilonDescentState as EpsilonDescentState
