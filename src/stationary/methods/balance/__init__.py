"""Methods for several objectives at once: directions that worsen none of them."""

from ._aggregator import AbstractAggregator as AbstractAggregator
from ._aggregator import Combined as Combined
from ._conflict import CAGrad as CAGrad
from ._conflict import PCGrad as PCGrad
from ._dual_cone import MGDA as MGDA
from ._dual_cone import DualConeProjection as DualConeProjection
from ._dual_cone import DualProj as DualProj
from ._dual_cone import UPGrad as UPGrad
from ._dual_cone import project_on_dual_cone as project_on_dual_cone
from ._epsilon_descent import EpsilonDescent as EpsilonDescent
from ._epsilon_state import EpsilonDescentState as EpsilonDescentState
from ._fixed import Constant as Constant
from ._fixed import Mean as Mean
from ._fixed import RandomWeights as RandomWeights
from ._fixed import Sum as Sum
from ._impartial import IMTLG as IMTLG
from ._impartial import AlignedMTL as AlignedMTL
from ._impartial import NashMTL as NashMTL
from ._jacobian_descent import JacobianDescent as JacobianDescent
from ._jacobian_descent import JacobianDescentState as JacobianDescentState
from ._sample_jacobian import SampleJacobian as SampleJacobian
from ._sample_jacobian import sample_jacobian as sample_jacobian
from ._several import gramian_of as gramian_of
