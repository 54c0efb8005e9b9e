"""Recipes make data without leaks; predictors write, keep, and say what they cannot read."""

import dataclasses

import numpy as np
import pytest

from stationary.fieldtheory import lagrangian_terms, parse_fields
from stationary.fieldtheory.learning import (
    TINY,
    VOCABULARY,
    HoldOut,
    OutOfReachError,
    Predictor,
    Recipe,
    evaluate,
    load_predictor,
    split_of,
)
from stationary.nn import Ragged

RECIPE = Recipe(
    TINY,
    fields=(1, 2),
    examples=1500,
    longest=24,
    positions="set",
    steps=25,
    batch=32,
    lengths=1,
    source_lengths=1,
)


@pytest.fixture(scope="module")
def predictor():
    return RECIPE.train(progress=False)


def test_parts_belong_to_their_split_and_share_no_fields():
    parts = {split: RECIPE.part(split, 400) for split in ("train", "validation", "test")}
    for split, data in parts.items():
        assert len(data) == 400 and data.target.lengths.max() <= 24
        assert all(split_of(data.fields_of(row)) == split for row in range(0, 400, 40))
    keys = [set(data.keys.tolist()) for data in parts.values()]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]


def test_what_is_held_out_is_not_trained_on():
    recipe = dataclasses.replace(RECIPE, hold_out=HoldOut(charges=[1]))
    for split, there in (("train", False), ("held out", True)):
        data = recipe.part(split, 200)
        charges = [
            {abs(field.charge("u1")) for field in data.fields_of(row)} for row in range(len(data))
        ]
        assert all((1 in each) == there for each in charges)


def test_usual_models_are_left_out_of_training_alone():
    recipe = dataclasses.replace(RECIPE, fields=(1, 3), longest=None, unusual=0.6)
    data = recipe.part("train", 1500)
    for count in (1, 2, 3):
        assert abs(np.mean(data.nontrivial[data.fields == count]) - 0.6) < 0.1
    plain = dataclasses.replace(recipe, unusual=None)
    assert 0.5 < np.mean(data.nontrivial) and np.mean(plain.part("train", 1500).nontrivial) < 0.5
    one, two = recipe.part("test", 50), plain.part("test", 50)
    assert one.source.tokens.tolist() == two.source.tokens.tolist()
    with pytest.raises(ValueError, match="unusual must lie between 0 and 1, got 1"):
        dataclasses.replace(recipe, unusual=1)


def test_the_same_recipe_draws_the_same_examples():
    one, two = RECIPE.part("train", 50), RECIPE.part("train", 50)
    assert one.source.tokens.tolist() == two.source.tokens.tolist()
    other = dataclasses.replace(RECIPE, seed=1).part("train", 50)
    assert one.source.tokens.tolist() != other.source.tokens.tolist()


def test_training_helps(predictor):
    test = RECIPE.part("test", 64)
    before = evaluate(RECIPE.untrained().write(test.source, longest=64), test)
    after = evaluate(predictor.write(test.source, longest=64), test)
    assert after.f1.mean() > before.f1.mean() + 0.1


def test_a_row_does_not_depend_on_its_batch(predictor):
    source = RECIPE.part("test", 10).source
    together = predictor.write(source, longest=64)
    apart = [predictor.write(Ragged.of([source[row]]), longest=64)[0] for row in (0, 7)]
    assert [together[row].tolist() for row in (0, 7)] == [row.tolist() for row in apart]


def test_a_summary_has_scores_where_they_are_known(predictor):
    assert predictor.summary == (
        "A transformer with 0.7 million parameters, trained on up to 2 fields."
    )
    exact = {"the model, charges kept": 0.876, "the model": 0.7, "the usual terms": 0.5}
    about = {name: {"exact": share} for name, share in exact.items()}
    assert "88% come out right" in dataclasses.replace(predictor, about=about).summary


def test_kept_and_loaded(predictor, tmp_path):
    kept = dataclasses.replace(predictor, about={"command": "train"})
    kept.save(tmp_path / "model", dtype="float32")
    again = load_predictor(tmp_path / "model")
    assert again is not None and again.about == {"command": "train"}
    assert (again.universe, again.tokens) == (predictor.universe, predictor.tokens)
    source = RECIPE.part("test", 4).source
    written = [p.write(source, longest=64).tokens.tolist() for p in (predictor, again)]
    assert written[0] == written[1]
    predictor.save(tmp_path / "half")
    assert (tmp_path / "half" / "model.npz").stat().st_size < 2_000_000
    with pytest.raises(FileNotFoundError, match="no model in"):
        load_predictor(tmp_path)


@pytest.mark.parametrize(
    "text, words",
    [
        ("H: scalar su2=2 y=1/2; a, b: scalar", "at most 2 fields; these are 3"),
        ("Q: left su3=3", "not trained on fields like Q: fermion left su3=3"),
        ("H: scalar su2=2 y=1/3", "not trained on fields like H"),
        ("s: real scalar", "not trained on fields like s: real scalar"),
        ("L: left su2=2 copies=3", "L has 3 copies"),
    ],
)
def test_fields_out_of_reach(predictor, text, words):
    with pytest.raises(OutOfReachError, match=words):
        predictor.answer(parse_fields(text))


class Endless(Predictor):
    """It writes until there is no room."""

    def write(self, source, **options):
        return Ragged.of([np.full(64, VOCABULARY.number["+"])] * len(source))


def test_an_answer_without_end_is_said(predictor):
    endless = Endless(predictor.model, predictor.tokens, TINY, 2, 1)
    with pytest.raises(OutOfReachError, match="longer than the 64 tokens"):
        endless.answer(parse_fields("H: scalar su2=2 y=1/2"))


def test_answers_use_the_names_that_were_given(predictor):
    terms = lagrangian_terms(parse_fields("phi: scalar y=1/2"))
    assert predictor.answer(terms.fields, level="grammar").broken == ()
    try:
        text = predictor(terms)
    except OutOfReachError:  # so little training may not have taught it to stop
        pytest.skip("the answer does not end")
    names = {word for line in text.splitlines() if line[0] != "#" for word in line.split()}
    assert names <= {"phi", "phi*", "+", "h.c."}
