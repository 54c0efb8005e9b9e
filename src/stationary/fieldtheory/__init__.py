"""Lagrangians of particle physics: every renormalisable term that a list of fields allows."""

from ._anomalies import anomalies as anomalies
from ._bounded import Boundedness as Boundedness
from ._bounded import bounded_below as bounded_below
from ._field import Field as Field
from ._field import dirac as dirac
from ._generate import lagrangian_terms as lagrangian_terms
from ._group import STANDARD_MODEL as STANDARD_MODEL
from ._group import GaugeGroup as GaugeGroup
from ._models import EXTENSIONS as EXTENSIONS
from ._models import model as model
from ._parse import parse_fields as parse_fields
from ._potential import CouplingShape as CouplingShape
from ._potential import ScalarPotential as ScalarPotential
from ._term import Contraction as Contraction
from ._term import Term as Term
from ._termset import TermSet as TermSet
from ._text import to_text as to_text
from ._vacuum import StationaryPoint as StationaryPoint
from ._vacuum import Vacuum as Vacuum
from ._vacuum import find_vacuum as find_vacuum
