"""Data for models that learn to write Lagrangians: tokens, samplers, data sets and scores."""

from ._dataset import Dataset as Dataset
from ._dataset import generate as generate
from ._dataset import read as read
from ._holdout import HoldOut as HoldOut
from ._keys import SPLITS as SPLITS
from ._keys import key_of as key_of
from ._keys import split_of as split_of
from ._keys import splits_of_keys as splits_of_keys
from ._predictor import OutOfReachError as OutOfReachError
from ._predictor import Predictor as Predictor
from ._predictor import load_predictor as load_predictor
from ._reading import Broken as Broken
from ._reading import Reading as Reading
from ._recipe import Recipe as Recipe
from ._sampler import Examples as Examples
from ._sampler import Sampler as Sampler
from ._tokens import Tokens as Tokens
from ._universe import FULL as FULL
from ._universe import OCTETS as OCTETS
from ._universe import TINY as TINY
from ._universe import Universe as Universe
from ._vocabulary import VOCABULARY as VOCABULARY
from ._vocabulary import Vocabulary as Vocabulary
from ._written import WrittenTerm as WrittenTerm
from ._written import written as written
