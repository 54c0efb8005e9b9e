"""Several tasks learnt together: linear functions and Gaussian processes on one kind of kernel."""

from ._fit import KernelFit as KernelFit
from ._fit import fit_kernel as fit_kernel
from ._gaussian_process import Posterior as Posterior
from ._gaussian_process import marginal_likelihood as marginal_likelihood
from ._gaussian_process import posterior as posterior
from ._interaction import Coregionalization as Coregionalization
from ._interaction import InteractionKernel as InteractionKernel
from ._kernel import AbstractTaskKernel as AbstractTaskKernel
from ._latents import AbstractLatents as AbstractLatents
from ._latents import SpectralMixture as SpectralMixture
from ._latents import SquaredExponential as SquaredExponential
from ._linear_kernel import LinearMultitaskKernel as LinearMultitaskKernel
from ._population import Population as Population
from ._regularization import Regularization as Regularization
from ._regularization import choose_regularization as choose_regularization
from ._ridge import MultitaskFit as MultitaskFit
from ._ridge import multitask_ridge as multitask_ridge
from ._risk import AbstractRiskModel as AbstractRiskModel
from ._risk import NotConvergedError as NotConvergedError
from ._risk import TaskRisk as TaskRisk
from ._risk import asymptotic_risk as asymptotic_risk
from ._sample import Sample as Sample
