"""Lagrangians as JSON, and back."""

import json

import pytest

from stationary.fieldtheory import (
    EXTENSIONS,
    anomalies,
    from_json,
    lagrangian_terms,
    model,
    parameters,
    parse_fields,
    to_json,
)

MIXED = lagrangian_terms(
    parse_fields("a, b: scalar su2_l=2 su2_r=2; n: fermion right u1_bl=-1/3 copies=2; t: majorana"),
    "su3 x su2_l x su2_r x u1_bl",
    theta=True,
    kinetic_mixing=True,
)


@pytest.mark.parametrize("generations", [1, 3])
@pytest.mark.parametrize("name", ["Standard Model", *EXTENSIONS])
def test_reading_undoes_writing(name, generations):
    terms = lagrangian_terms(model(name, generations=generations))
    assert from_json(to_json(terms)) == terms


def test_other_groups_and_terms_survive_too():
    assert from_json(to_json(MIXED, indent=None)) == MIXED


def test_couplings_add_up():
    terms = lagrangian_terms(model("octet doublet", generations=3))
    found = json.loads(to_json(terms))
    total = 0
    for term in found["terms"]:
        if term["real_parameters"]:
            complex_ = 1 if term["self_conjugate"] else 2
            total += complex_ * sum(coupling["count"] for coupling in term["couplings"])
    assert total == found["real_parameters"] == terms.real_parameters
    names = [c["name"] for term in found["terms"] for c in term["couplings"]]
    assert len(set(names)) == len(names) == len(parameters(terms))
    labels = [c["label"] for t in found["terms"] if t["count"] == 6 for c in t["couplings"]]
    assert len(set(labels)) == 6


def test_anomalies_are_fractions_as_text():
    terms = lagrangian_terms(parse_fields("Q: fermion left su3=3 su2=2 y=1/6"))
    found = json.loads(to_json(terms))["anomalies"]
    assert found == {name: str(value) for name, value in anomalies(terms.fields).items()}
    assert found["u1^3"] == "1/36"


@pytest.mark.parametrize(
    "change, words",
    [
        ("{", "no JSON"),
        ("[]", "Expected an object"),
        ({"group": None}, "'group'"),
        ({"fields": [{"name": "H"}]}, "no 'spin'"),
        ({"terms": [{"kind": "odd", "letters": []}]}, "'odd'"),
        ({"terms": [{"kind": "mass", "letters": ["Z"]}]}, "no such field"),
        ({"terms": [{"kind": "mass", "letters": [1]}]}, "letters are strings"),
        ({"terms": [{"kind": "mass", "letters": ["H"], "count": True}]}, "'count'"),
    ],
)
def test_other_documents_are_refused(change, words):
    found = json.loads(to_json(lagrangian_terms(model())))
    text = change if isinstance(change, str) else json.dumps({**found, **change})
    with pytest.raises(ValueError, match=words):
        from_json(text)
