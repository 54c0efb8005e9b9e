"""Counts of operators against another generator, on random models."""

from fractions import Fraction

import numpy as np
import pytest

from stationary.atlas.fieldtheory.lagrangians._basisgen import operators
from stationary.fieldtheory import Field, GaugeGroup, lagrangian_terms, model

GROUPS = {
    "SU2 x U1": {"su2": (1, 2, 3, 4), "u1": (-1, 1, 2)},
    "SU3 x SU2 x U1": {"su3": (1, 3, -3, 8), "su2": (1, 2, 3), "u1": (-3, 3, 6)},
    "SU3 x SU2 x U1 x U1_bl": {"su3": (1, 3, -3), "su2": (1, 2), "u1": (-1, 1, 1), "u1_bl": 1},
    "SU4": {"su4": (1, 4, -4, 6)},
    "SU5": {"su5": (1, 5, -5)},
    "SU4 x SU2_l x SU2_r": {"su4": (1, 4, -4), "su2_l": (1, 2), "su2_r": (1, 2)},
}
LARGEST = {"SU4": 3, "SU5": 3, "SU4 x SU2_l x SU2_r": 3}


def random_field(rng, name, group):
    """A field whose charges are few, so that many terms are allowed."""
    given = {}
    for factor, choices in GROUPS[group].items():
        if not factor.startswith("u1"):
            given[factor] = int(rng.choice(choices))
        elif isinstance(choices, int):
            given[factor] = Fraction(int(rng.integers(-choices, choices + 1)), 3)
        else:
            low, high, unit = choices
            given[factor] = Fraction(int(rng.integers(low, high + 1)), unit)
    copies = int(rng.choice([1, 1, 1, 2]))
    helicity = rng.choice(["", "left", "right"])
    if helicity:
        return Field(name, "1/2", helicity=str(helicity), copies=copies, **given)
    field = Field(name, copies=copies, **given)
    if not field.not_self_conjugate and rng.random() < 0.7:
        return Field(name, real=True, copies=copies, **given)
    return field


def random_model(rng, group, most):
    count = int(rng.integers(1, min(most, LARGEST.get(group, most)) + 1))
    fields = [random_field(rng, f"f{i}", group) for i in range(count)]
    if count > 1 and rng.random() < 0.3:
        fields[-1] = fields[0].renamed(fields[-1].name)
    return fields


def compare(seed, most):
    rng = np.random.default_rng(seed)
    group = list(GROUPS)[seed % len(GROUPS)]
    fields = random_model(rng, group, most)
    ours = lagrangian_terms(fields, group).real_parameters
    assert ours == operators(fields, GaugeGroup(group)), [str(field) for field in fields]
    return ours


def test_random_models_have_as_many_operators():
    counts = [compare(seed, 3) for seed in range(42)]
    assert sum(counts) > 300  # there was something to compare


@pytest.mark.slow
@pytest.mark.parametrize("block", range(50))
def test_many_random_models_have_as_many_operators(block):
    for seed in range(1000 + 10 * block, 1010 + 10 * block):
        compare(seed, 6)


@pytest.mark.parametrize("name", ["Standard Model", "leptoquark R2", "seesaw type II"])
def test_named_models_have_as_many_operators(name):
    fields = model(name)
    ours = lagrangian_terms(fields).real_parameters
    assert ours == operators(fields, GaugeGroup())
