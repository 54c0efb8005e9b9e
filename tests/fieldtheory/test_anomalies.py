"""Anomalies cancel where they are known to, and have known values where they do not."""

from fractions import Fraction

import pytest

from stationary.fieldtheory import anomalies, lagrangian_terms, model, parse_fields


@pytest.mark.parametrize("generations", [1, 3])
def test_the_standard_model_is_free_of_anomalies(generations):
    fields = model(generations=generations)
    found = anomalies(fields)
    assert set(found) == {
        "su3^3",
        "su3^2 u1",
        "su2^2 u1",
        "u1^3",
        "gravity^2 u1",
        "witten(su2)",
    }
    assert not any(found.values())


def test_without_the_electron_it_is_not():
    found = anomalies([f for f in model() if f.name != "e"])
    assert found["u1^3"] == -1 and found["gravity^2 u1"] == -1
    found = anomalies([f for f in model() if f.name != "L"])
    assert found["witten(su2)"] == 1
    assert found["su2^2 u1"] == Fraction(1, 4)


def test_right_handed_fields_count_as_their_conjugates():
    left = parse_fields("Q: fermion left su3=3 y=1/6")
    right = [field.conjugate for field in left]
    assert anomalies(left) == anomalies(right)
    assert anomalies(left)["su3^3"] == 1


def test_grand_unified_families_cancel():
    families = parse_fields("F: fermion left su5=-5; T: fermion left su5=10")
    assert anomalies(families, "su5") == {"su5^3": 0}


def test_several_charges_mix():
    # B - L needs right-handed neutrinos: one left-handed N of charge 1 for each family.
    text = """Q: left su3=3 su2=2 y=1/6 u1_bl=1/3
    u: left su3=-3 y=-2/3 u1_bl=-1/3
    d: left su3=-3 y=1/3 u1_bl=-1/3
    L: left su2=2 y=-1/2 u1_bl=-1
    e: left y=1 u1_bl=1"""
    group = "su3 x su2 x u1 x u1_bl"
    without = {name: value for name, value in anomalies(parse_fields(text), group).items() if value}
    assert without == {"u1_bl^3": -1, "gravity^2 u1_bl": -1}
    fields = parse_fields(text + "\nN: left u1_bl=1")
    assert not any(anomalies(fields, group).values())
    assert not lagrangian_terms(fields, group).interactions
