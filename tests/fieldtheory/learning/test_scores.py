"""Scores and baselines, against answers worked out by hand."""

import numpy as np
import pytest

from stationary.fieldtheory import EXTENSIONS, Field, lagrangian_terms, model, parse_fields
from stationary.fieldtheory.learning import (
    FULL,
    TINY,
    VOCABULARY,
    Sampler,
    Tokens,
    WrittenTerm,
    encoded,
    evaluate,
    failures,
    generate,
    nearest_terms,
    read,
    usual_terms,
    written,
)

DOUBLETS = parse_fields("H, h: scalar su2=2 y=1/2")


def of(text, fields=DOUBLETS, only=True):
    """The scores of one written Lagrangian."""
    data = encoded([fields], Tokens(interactions_only=only))
    return evaluate([VOCABULARY.numbers(text)], data).take(np.array([0]))


def test_the_truth_has_full_scores():
    models = [model(name) for name in EXTENSIONS]
    for tokens in (Tokens(), Tokens("verbose", interactions_only=True)):
        data = encoded(models, tokens)
        scores = evaluate([[*row, 0, 0] for row in data.target], data)
        for name, mean in scores.mean().items():
            assert mean == (len(models) if name == "count" else 1), name
        assert not scores.wrong.any() and not scores.missed.any()
        assert not any(scores.by_failure().values())
        assert set(scores.by_fields()) == {len(fields) for fields in models}
        assert sum(mean["count"] for mean in scores.by_terms().values()) == len(models)
        assert evaluate(data.target, data).exact.all()


def test_scores_of_a_wrong_lagrangian():
    """Truth of one doublet: H H* and H H H* H*."""
    scores = of(
        "[SOS] + QUART F0 F0 F0* F0* + CUB F0 F0 F0* HC + MASS F0 F0* CH 3 + + MASS F0 F0* CH 3 "
        "+ MASS F0 [EOS] + MASS F0 F0*",
        DOUBLETS[:1],
    )
    # Terms: a right one, a cubic one, one mislabelled (twice the same), and two broken pieces.
    assert not scores.exact[0] and not scores.sequence[0]
    assert scores.precision[0] == 1 / 5
    assert scores.recall[0] == 1 / 2
    assert scores.f1[0] == pytest.approx(2 / 7)
    assert scores.letters[0] == pytest.approx(2 * 2 / (3 + 2 + 2))
    assert scores.contraction[0] == 1 / 2
    assert scores.length[0] == pytest.approx(1 - 3 / 5)
    assert scores.valid[0] == 2 / 5
    failing = scores.by_failure()
    assert failing == {
        "grammar": 2,
        "lorentz": 0,
        "su3": 0,
        "su2": 1,
        "u1": 1,
        "statistics": 0,
    }
    by_class = scores.by_class()
    assert by_class["quartic"] == {"count": 1, "precision": 1, "recall": 1, "f1": 1}
    assert by_class["mass"] == {"count": 1, "precision": 0, "recall": 0, "f1": 0}
    assert by_class["cubic"]["count"] == 0 and by_class["cubic"]["precision"] == 0


def test_another_order_is_exact_but_not_the_same_sequence():
    scores = of("+ QUART F0* F0 F0 F0* + MASS F0 F0* [EOS]", DOUBLETS[:1])
    assert scores.exact[0] and not scores.sequence[0]
    assert of("+ MASS F0 F0* + QUART F0 F0 F0* F0*", DOUBLETS[:1]).exact[0]  # no end
    assert not of("+ MASS F0 F0* + QUART F0 F0 F0* F0*", DOUBLETS[:1]).sequence[0]


def test_nothing_written():
    fermion = [Field("f", "1/2", helicity="left", y=1)]
    scores = of("[EOS]", fermion)
    assert scores.exact[0] and scores.f1[0] == 1 and scores.length[0] == 1
    assert np.isnan(scores.valid[0]) and np.isnan(scores.contraction[0])
    scores = of("[EOS]")
    assert not scores.exact[0] and scores.precision[0] == scores.recall[0] == scores.f1[0] == 0
    assert of("+ MASS F0 F0*", fermion).precision[0] == 0


def test_majorana_and_dirac_masses_are_classes_of_their_own():
    fields = parse_fields("N: fermion left; E: dirac y=1; s: scalar y=1/7")
    scores = of("+ MASS F0 F0 HC + MASS F3 F3* + MASS F1 F2 HC [EOS]", fields)
    counts = {name: row["count"] for name, row in scores.by_class().items()}
    assert counts == {"mass": 1, "majorana": 1, "dirac": 1, "quartic": 1}


@pytest.mark.parametrize(
    ("letters", "fields", "broken"),
    [
        ("H L e", "standard", ("u1",)),
        ("H* L e", "standard", ()),
        ("H Q d", "standard", ("u1",)),
        ("Q L H", "standard", ("su3", "su2", "u1")),
        ("Q u* H", "standard", ("lorentz", "su3", "u1")),
        ("s s", "s: scalar su2=2", ("statistics",)),
        ("f f", "f: fermion left su2=2", ("statistics",)),
        ("f f", "f: fermion left su2=3", ()),
        ("s s s", "s: scalar su2=3", ("statistics",)),
        ("s s t", "s: scalar su2=2; t: scalar su2=4", ("su2",)),
    ],
)
def test_what_is_wrong_with_a_term(letters, fields, broken):
    fields = model() if fields == "standard" else parse_fields(fields)
    kind = "yukawa" if len(letters.split()) == 3 and fields[0].fermion else "mass"
    assert failures(WrittenTerm(kind, tuple(letters.split())), fields) == broken


def test_no_true_term_fails():
    sampler = Sampler(FULL, "enriched", fields=(5, 5), repetition=True)
    examples = sampler.block(0, 60)
    for row in range(60):
        fields = sampler.fields_of(examples, row)
        for term in written(lagrangian_terms(fields)):
            assert failures(term, fields) == ()


def test_the_usual_terms_are_exact_on_trivial_models_only(tmp_path):
    sampler = Sampler(TINY, fields=(1, 3), seed=1)
    data = read(generate(tmp_path, 400, sampler))
    scores = evaluate(usual_terms(data), data)
    assert np.array_equal(scores.exact, ~data.nontrivial)
    assert np.array_equal(scores.nontrivial, data.nontrivial)
    assert np.all(scores.precision == 1)


def test_usual_terms_of_a_multiplet_with_several_contractions():
    data = encoded([parse_fields("s: scalar su3=3 su2=2 y=7/6; r: real scalar")], Tokens())
    text = VOCABULARY.text(usual_terms(data)[0])
    assert text.endswith(
        "+ MASS F0 F0* + MASS F1 F1 + QUART F0 F0 F0* F0* CH - 3 , 1 "
        "+ QUART F0 F0 F0* F0* CH 6 , 3 + QUART F1 F1 F1 F1 [EOS]"
    )
    assert data.nontrivial[0]


def test_the_nearest_model_says_what_it_knows():
    a, b, c = (TINY.field(number, name) for number, name in ((2, "a"), (7, "b"), (12, "c")))
    tokens = Tokens()
    train = encoded([[a], [a, b, c], [b.conjugate, a.renamed("A")], [c]], tokens)
    asked = encoded([[b, a], [c.conjugate, c.renamed("C")], [FULL.field(9, "f")]], tokens)
    answers = nearest_terms(train, asked)
    assert answers[0] == asked.target[0].tolist()  # the very model, in another order
    reading = tokens.decode(answers[1], asked.fields_of(1))
    alone = lagrangian_terms(asked.fields_of(1)[:1])
    assert list(reading.terms) == written(alone)  # one of two equal fields
    assert VOCABULARY.text(answers[2]) == "[SOS] + GAUGE SU3 + GAUGE SU2 + GAUGE U1 [EOS]"


def test_as_many_sequences_as_models():
    with pytest.raises(ValueError, match="1 sequences for 2"):
        evaluate([[2]], encoded([DOUBLETS, DOUBLETS], Tokens()))
