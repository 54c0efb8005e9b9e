"""The run-time type checker of the tests: Beartype, with ints accepted as floats (PEP 484)."""

from beartype import BeartypeConf, beartype

typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))
