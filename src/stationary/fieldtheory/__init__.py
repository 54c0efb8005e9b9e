"""Lagrangians of particle physics: every renormalisable term that a list of fields allows."""

from ._anomalies import anomalies as anomalies
from ._explain import why_not_invariant as why_not_invariant
from ._field import Field as Field
from ._field import dirac as dirac
from ._generate import lagrangian_terms as lagrangian_terms
from ._grade import Grade as Grade
from ._grade import Remark as Remark
from ._grade import grade as grade
from ._group import STANDARD_MODEL as STANDARD_MODEL
from ._group import GaugeGroup as GaugeGroup
from ._json import from_json as from_json
from ._json import to_json as to_json
from ._latex import to_latex as to_latex
from ._match import match_fields as match_fields
from ._models import EXTENSIONS as EXTENSIONS
from ._models import model as model
from ._monomial import Monomial as Monomial
from ._monomial import parse_terms as parse_terms
from ._parameters import Parameter as Parameter
from ._parameters import parameters as parameters
from ._parse import parse_fields as parse_fields
from ._term import Contraction as Contraction
from ._term import Term as Term
from ._termset import TermSet as TermSet
from ._text import to_text as to_text
