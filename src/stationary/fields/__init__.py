"""Fields on a grid: elliptic equations as functions that can be differentiated."""

from ._laplacian import DirichletLaplacian as DirichletLaplacian
from ._max_type import MaxTypeElliptic as MaxTypeElliptic
from ._max_type import NewtonState as NewtonState
from ._reduced import ReducedMaxTypeElliptic as ReducedMaxTypeElliptic
from ._reduced import proper_orthogonal_basis as proper_orthogonal_basis
