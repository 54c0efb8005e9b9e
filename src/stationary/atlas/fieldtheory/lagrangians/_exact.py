"""The generator against tables, another program, and the group itself."""

import random
import time
from fractions import Fraction

from stationary.fieldtheory import EXTENSIONS, STANDARD_MODEL, Field, lagrangian_terms, model

from . import _truth
from ._basisgen import operators


def table_differences() -> int:
    """Terms that the generator and the tables do not have in common."""
    different = 0
    base = _truth.rows(_truth.STANDARD_MODEL)
    for name in ("Standard Model", *EXTENSIONS):
        terms = lagrangian_terms(model(name))
        expected = base | _truth.rows(_truth.ADDED[name]) if name in EXTENSIONS else base
        different += len(_found(terms).items() ^ expected.items())
    for name, text in _truth.THREE_GENERATIONS.items():
        terms = lagrangian_terms(model(name, generations=3))
        different += len(_truth.rows(text).items() - _found(terms).items())
    for (name, generations), total in _truth.TOTALS.items():
        terms = lagrangian_terms(model(name, generations=generations))
        different += terms.real_parameters != total
    return different


def _found(terms):
    return {
        tuple(sorted(term.letters)): (term.count, not term.self_conjugate)
        for term in terms.interactions
    }


def random_model(rng: random.Random, count: int) -> list[Field]:
    """Fields with the spins and representations of the paper's task."""
    fields = []
    for i in range(count):
        given = {
            "su3": rng.choice([1, 3, -3]),
            "su2": rng.choice([1, 2, 3]),
            "u1": Fraction(rng.randint(-6, 6), 6),
        }
        helicity = rng.choice([None, "left", "right"])
        spin = 0 if helicity is None else "1/2"
        fields.append(Field(f"f{i}", spin, helicity=helicity, **given))
    return fields


def disagreements(seed: int, count: int, most: int) -> int:
    """Random models on whose number of operators basisgen differs."""
    rng = random.Random(seed)
    wrong = 0
    for _ in range(count):
        fields = random_model(rng, rng.randint(1, most))
        wrong += _ours(fields) != _theirs(fields)
    return wrong


def _ours(fields: list[Field]) -> int:
    return lagrangian_terms(fields).real_parameters


def _theirs(fields: list[Field]) -> int:
    return operators(fields, STANDARD_MODEL)


def speed(seed: int, count: int = 200) -> tuple[float, float]:
    """Seconds that this generator and basisgen take for the same models of four fields."""
    rng = random.Random(seed)
    models = [random_model(rng, 4) for _ in range(count)]
    seconds = []
    for counted in (_ours, _theirs):
        start = time.perf_counter()
        totals = [counted(fields) for fields in models]
        seconds.append((time.perf_counter() - start, totals))
    (ours, mine), (theirs, others) = seconds
    if mine != others:
        raise AssertionError("the two generators counted different operators")
    return ours, theirs
