"""Representations of SU(N) and its products: characters, products, invariants and matrices."""

from ._couplings import Coupling as Coupling
from ._couplings import Powers as Powers
from ._couplings import count_invariants as count_invariants
from ._couplings import couplings as couplings
from ._generators import conjugation as conjugation
from ._generators import gell_mann as gell_mann
from ._generators import generators as generators
from ._generators import structure_constants as structure_constants
from ._group import SU as SU
from ._invariants import Polynomial as Polynomial
from ._invariants import invariant_basis as invariant_basis
from ._invariants import invariant_polynomials as invariant_polynomials
from ._irrep import Irrep as Irrep
from ._irrep import label as label
from ._irrep import weights as weights
from ._powers import Rep as Rep
from ._powers import conjugate as conjugate
from ._powers import decompose as decompose
from ._powers import dimension as dimension
from ._powers import power as power
from ._powers import product as product
from ._weight_diagram import weight_diagram as weight_diagram
from ._young import YoungDiagram as YoungDiagram
