"""The comparison with basisgen: the same models on both sides, and the same counts."""

from benchmarks import lagrangians
from stationary.fieldtheory import parse_fields


def test_both_sides_count_the_same_operators_of_the_same_models():
    models = lagrangians.models()
    assert len(models) == 200 and {len(fields) for fields in models} == {4}
    for fields in models[:8]:
        text = "\n".join(map(str, fields))
        assert [field.quantum_numbers for field in parse_fields(text)] == [
            field.quantum_numbers for field in fields
        ]
        assert lagrangians.ours(fields) == lagrangians.theirs(fields)


def test_rates_are_of_all_that_was_asked_for():
    figure = lagrangians.rate("compact", 1, 300)
    assert figure.detail["examples"] == 300
    assert figure.measured > 0
