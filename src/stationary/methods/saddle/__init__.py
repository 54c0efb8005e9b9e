"""Methods for saddle points, games and variational inequalities: the extra-gradient family."""

from ._extragradient import ExtraGradient as ExtraGradient
from ._joint import lipschitz as lipschitz
from ._single_call import OptimisticGradient as OptimisticGradient
from ._single_call import PastExtraGradient as PastExtraGradient
from ._single_call import ReflectedGradient as ReflectedGradient
from ._step_size import StepSizeWarning as StepSizeWarning
