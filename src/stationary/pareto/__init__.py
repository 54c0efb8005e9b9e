"""Pareto fronts: a problem with several objectives as a path of problems with one."""

from ._dominance import hypervolume as hypervolume
from ._dominance import nondominated as nondominated
from ._front import ParetoFront as ParetoFront
from ._lattice import simplex_lattice as simplex_lattice
from ._pareto_front import pareto_front as pareto_front
from ._scalarize import Scalarized as Scalarized
from ._scalarize import reference_distance as reference_distance
from ._scalarize import weighted_sum as weighted_sum
