"""Representations of SU(N) and its products: names, characters, products and powers."""

from ._couplings import Coupling as Coupling
from ._couplings import Powers as Powers
from ._couplings import count_invariants as count_invariants
from ._couplings import couplings as couplings
from ._group import SU as SU
from ._irrep import Irrep as Irrep
from ._irrep import label as label
from ._irrep import weights as weights
from ._powers import Rep as Rep
from ._powers import conjugate as conjugate
from ._powers import decompose as decompose
from ._powers import dimension as dimension
from ._powers import power as power
from ._powers import product as product
