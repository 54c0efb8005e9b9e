"""Lagrangians of particle physics: every renormalisable term that a list of fields allows."""

from . import learning as learning
from ._anomalies import anomalies as anomalies
from ._field import Field as Field
from ._field import dirac as dirac
from ._generate import lagrangian_terms as lagrangian_terms
from ._group import STANDARD_MODEL as STANDARD_MODEL
from ._group import GaugeGroup as GaugeGroup
from ._models import EXTENSIONS as EXTENSIONS
from ._models import model as model
from ._parse import parse_fields as parse_fields
from ._term import Contraction as Contraction
from ._term import Term as Term
from ._termset import TermSet as TermSet
from ._text import to_text as to_text
