"""Sequence models: an encoder-decoder transformer, its training and its decoding."""

from ._loss import cross_entropy as cross_entropy
from ._seq2seq import Seq2Seq as Seq2Seq
