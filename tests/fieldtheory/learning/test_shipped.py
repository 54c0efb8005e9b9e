"""The weights that come with the package: small, and as good as they say."""

import pytest

from stationary.fieldtheory import grade, lagrangian_terms, model, parse_fields
from stationary.fieldtheory.learning import (
    LagrangianGrammar,
    OutOfReachError,
    Recipe,
    evaluate,
    load_predictor,
)
from stationary.fieldtheory.learning._predictor import SHIPPED


@pytest.fixture(scope="module")
def predictor():
    return load_predictor()


def test_they_are_small_and_say_how_they_came_about(predictor):
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 5_000_000
    assert predictor.about["command"].startswith("python examples/write_lagrangians.py")
    for baseline in ("the usual terms", "nearest example"):
        kept = predictor.about["the model, charges kept"]["exact"]
        assert kept > predictor.about[baseline]["exact"]


def test_they_score_what_they_say(predictor):
    recipe = Recipe(
        predictor.universe,
        distribution="mixed",
        fields=(1, predictor.most_fields),
        longest=64,
        seed=1,
    )
    test = recipe.part("test", 192)
    rule = LagrangianGrammar(test.tokens, "charges", fields=predictor.most_fields)
    for name, constraint in (("the model", None), ("the model, charges kept", rule)):
        scores = evaluate(predictor.write(test.source, constraint=constraint), test)
        # Four standard errors of a share among 192.
        assert abs(scores.exact.mean() - predictor.about[name]["exact"]) < 0.1


def test_a_scalar_alone_is_written_and_a_crowd_is_refused(predictor):
    truth = lagrangian_terms(parse_fields("phi: scalar su3=3 su2=1 y=1/3"))
    assert grade(predictor(truth), truth, interactions_only=True).exact
    with pytest.raises(OutOfReachError, match="at most 3 fields"):
        predictor(lagrangian_terms(model()))
