"""Statistics of embeddings, on embeddings whose answer is known."""

import numpy as np
import pytest

from stationary.fieldtheory.learning import (
    TINY,
    Recipe,
    analogy_ranks,
    conjugate_pairs,
    conjugation_axis,
    field_embeddings,
    probe_accuracy,
)

RNG = np.random.default_rng(0)


def features():
    """Embeddings that add up from a vector for each quantum number."""
    fields = [TINY.field(i, "f") for i in range(len(TINY))]
    vectors: dict[tuple, np.ndarray] = {}
    rows = []
    for field in fields:
        parts = [("helicity", field.helicity), ("charge", field.charge("u1"))]
        parts.append(("su2", str(dict(field.representations).get("su2", 1))))
        rows.append(sum(vectors.setdefault(part, RNG.normal(size=24)) for part in parts))
    return np.array(rows)


def test_pairs_are_conjugates_from_left_to_right():
    begin, end = conjugate_pairs(TINY)
    assert len(begin) == 45 - 24 and TINY.conjugates[begin].tolist() == end.tolist()
    for one, other in zip(begin.tolist(), end.tolist(), strict=True):
        left, right = TINY.field(one, "f"), TINY.field(other, "f")
        assert (left.helicity or 0) <= (right.helicity or 0)
        if left.helicity is None:
            assert left.charge("u1") < right.charge("u1")


def test_an_axis_that_is_there_is_found():
    begin, end = conjugate_pairs(TINY)
    embeddings = RNG.normal(size=(len(TINY), 24))
    assert abs(conjugation_axis(TINY, embeddings).deviations) < 4
    axis = RNG.normal(size=24)
    embeddings[end] = embeddings[begin] + 3 * axis + 0.1 * RNG.normal(size=(len(end), 24))
    found = conjugation_axis(TINY, embeddings)
    assert found.alignment > 0.99 and found.deviations > 10


def test_probes_read_what_is_linear_and_nothing_else():
    embeddings = features()
    weak = np.array([i // 5 % 3 for i in range(len(TINY))])
    assert probe_accuracy(embeddings, weak) == 1
    assert probe_accuracy(RNG.normal(size=embeddings.shape), weak) < 0.7
    with pytest.raises(ValueError, match="folds"):
        probe_accuracy(embeddings, weak, folds=1)


def test_analogies_hold_where_quantum_numbers_add_up():
    assert np.all(analogy_ranks(TINY, features()) == 1)
    assert np.median(analogy_ranks(TINY, RNG.normal(size=(len(TINY), 24)))) > 3


def test_embeddings_of_a_set_encoder_tell_conjugates_apart():
    predictor = Recipe(TINY, fields=(1, 2), positions="set").untrained()
    embeddings = field_embeddings(predictor)
    assert embeddings.shape == (len(TINY), 128)
    assert len(np.unique(embeddings.round(6), axis=0)) == len(TINY)
