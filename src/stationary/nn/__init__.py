"""Sequence models: an encoder-decoder transformer, its training and its decoding."""

from ._beam import beam as beam
from ._buckets import LengthBuckets as LengthBuckets
from ._constraint import AbstractConstraint as AbstractConstraint
from ._file import load as load
from ._file import save as save
from ._greedy import Decoded as Decoded
from ._greedy import greedy as greedy
from ._loss import cross_entropy as cross_entropy
from ._ragged import Ragged as Ragged
from ._seq2seq import Seq2Seq as Seq2Seq
from ._sharded import Sharded as Sharded
from ._train import train as train
