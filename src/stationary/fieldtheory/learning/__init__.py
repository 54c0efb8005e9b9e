"""Data for models that learn to write Lagrangians: tokens, samplers, data sets and scores."""

from ._reading import Broken as Broken
from ._reading import Reading as Reading
from ._tokens import Tokens as Tokens
from ._vocabulary import VOCABULARY as VOCABULARY
from ._vocabulary import Vocabulary as Vocabulary
from ._written import WrittenTerm as WrittenTerm
from ._written import written as written
