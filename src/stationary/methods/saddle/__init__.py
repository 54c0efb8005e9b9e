"""Methods for saddle points, games and variational inequalities, on one operator."""

from ._complex_momentum import complex_adam as complex_adam
from ._complex_momentum import complex_momentum as complex_momentum
from ._descent_ascent import GradientDescentAscent as GradientDescentAscent
from ._extragradient import ExtraGradient as ExtraGradient
from ._geometry import AbstractGeometry as AbstractGeometry
from ._geometry import EntropicGeometry as EntropicGeometry
from ._geometry import EuclideanGeometry as EuclideanGeometry
from ._joint import lipschitz as lipschitz
from ._restarts import Restarted as Restarted
from ._single_call import OptimisticGradient as OptimisticGradient
from ._single_call import PastExtraGradient as PastExtraGradient
from ._single_call import ReflectedGradient as ReflectedGradient
from ._step_size import StepSizeWarning as StepSizeWarning
