"""Random models, against the generator for single models."""

import numpy as np
import pytest

from stationary.fieldtheory import Field, lagrangian_terms, model
from stationary.fieldtheory.learning import (
    FULL,
    OCTETS,
    TINY,
    Sampler,
    Tokens,
    Universe,
    key_of,
    split_of,
    splits_of_keys,
    written,
)


def usual(term):
    names = {letter.removesuffix("*") for letter in term.letters}
    return len(names) == 1 and len(term.letters) in (2, 4) and term.self_conjugate


@pytest.mark.parametrize("distribution", ["uniform", "enriched", "mixed"])
@pytest.mark.parametrize("repetition", [False, True])
@pytest.mark.parametrize(
    ("universe", "tokens"),
    [
        (TINY, Tokens(interactions_only=True)),
        (FULL, Tokens()),
        (FULL, Tokens("verbose")),
        (OCTETS, Tokens("verbose", interactions_only=True)),
    ],
)
def test_every_example_is_what_the_exact_generator_gives(
    universe, tokens, distribution, repetition
):
    sampler = Sampler(
        universe,
        distribution,
        fields=(1, 7),
        repetition=repetition,
        tokens=tokens,
        random_pointers=tokens.style == "compact",
        seed=3,
    )
    examples = sampler.block(5, 25)
    assert len(examples) == 25
    for row in range(25):
        fields = sampler.fields_of(examples, row)
        pointers = examples.pointers[row, : len(fields)]
        terms = lagrangian_terms(fields)
        assert tokens.encode(fields, pointers=pointers) == examples.source[row].tolist()
        assert tokens.encode(terms, pointers=pointers) == examples.target[row].tolist()
        lines = written(terms, interactions_only=True)
        assert examples.fields[row] == len(fields)
        assert examples.terms[row] == len(lines)
        assert examples.nontrivial[row] == (not all(map(usual, lines)))
        assert int(examples.keys[row]) == key_of(fields)


def test_ten_fields():
    sampler = Sampler(FULL, "enriched", fields=(10, 10))
    examples = sampler.block(0, 5)
    for row in range(5):
        fields = sampler.fields_of(examples, row)
        expected = sampler.tokens.encode(lagrangian_terms(fields))
        assert expected == examples.target[row].tolist()


def test_blocks_depend_on_their_index_and_the_seed_alone():
    sampler = Sampler(TINY, fields=(1, 3))
    first, again, part = sampler.block(2, 500), sampler.block(2, 500), sampler.block(2, 100)
    assert np.array_equal(first.target.tokens, again.target.tokens)
    assert np.array_equal(first.types[:100], part.types)
    assert not np.array_equal(first.types, sampler.block(3, 500).types)
    assert not np.array_equal(first.types, Sampler(TINY, fields=(1, 3), seed=1).block(2, 500).types)


def test_uniform_models_are_uniform():
    examples = Sampler(TINY, fields=(1, 3)).block(0)
    assert np.allclose(np.bincount(examples.fields)[1:] / len(examples), 1 / 3, atol=0.02)
    single = examples.types[examples.fields == 1, 0]
    # Every type of 45 in a third of 8192 examples, within four standard deviations.
    expected = single.size / 45
    assert np.all(np.abs(np.bincount(single, minlength=45) - expected) < 4 * expected**0.5)


@pytest.mark.parametrize("distribution", ["uniform", "enriched"])
def test_without_repetition_no_field_comes_twice(distribution):
    for repetition in (False, True):
        examples = Sampler(TINY, distribution, fields=(4, 4), repetition=repetition).block(0)
        classes = np.sort(TINY.classes[examples.types[:, :4]], axis=1)
        twice = np.any(classes[:, 1:] == classes[:, :-1], axis=1)
        assert twice.any() == repetition


def test_enriched_models_have_terms_of_three_letters():
    share = {}
    for distribution in ("uniform", "enriched"):
        sampler = Sampler(FULL, distribution, fields=(4, 4))
        examples = sampler.block(0, 150)
        found = [
            any(len(t.letters) == 3 for t in lagrangian_terms(sampler.fields_of(examples, i)).terms)
            for i in range(150)
        ]
        share[distribution] = np.mean(found)
    assert share["uniform"] < 0.15
    assert share["enriched"] > 0.7


def test_presentations_do_not_prefer_an_order_or_a_description():
    """Completing fields come last when they are drawn, and must not when they are shown."""
    examples = Sampler(FULL, "enriched", fields=(3, 3)).block(0)
    scalars = FULL.spin_of[examples.types[:, :3]] == 0
    assert np.ptp(scalars.mean(axis=0)) < 0.03
    left, right = (np.sum(FULL.spin_of[examples.types[:, :3]] == s) for s in (1, 2))
    assert abs(left - right) < 4 * (left + right) ** 0.5


def test_random_pointers_rise_and_reach_all():
    examples = Sampler(TINY, fields=(2, 2), random_pointers=True).block(0)
    pointers = examples.pointers[:, :2]
    assert np.all(pointers[:, 0] < pointers[:, 1])
    assert np.all(np.bincount(pointers.ravel(), minlength=10) > 1000)


def test_universes_name_types_and_conjugates():
    for universe in (TINY, FULL, OCTETS):
        assert np.array_equal(universe.conjugates[universe.conjugates], np.arange(len(universe)))
        for number in range(0, len(universe), 7):
            field = universe.field(number, "f")
            conjugate = universe.field(int(universe.conjugates[number]), "f")
            assert field.conjugate == conjugate
            assert universe.type_of(field) == number
    assert FULL.type_of(Field("f", su3=8)) is None


def test_universes_are_closed_under_conjugation():
    with pytest.raises(ValueError, match="su3 lacks -3"):
        Universe(su3=(1, 3))
    with pytest.raises(ValueError, match="charges lacks -1/2"):
        Universe(charges=("1/2",))
    with pytest.raises(ValueError, match="spins lacks right"):
        Universe(spins=("left",))
    with pytest.raises(ValueError, match="distinct"):
        Universe(su2=(2, 2))
    with pytest.raises(ValueError, match="spins are of"):
        Universe(spins=("vector",))


def test_a_universe_without_fermions_can_be_sampled():
    universe = Universe(su2=(1, 2), charges=("-1/2", 0, "1/2"), spins=("scalar",))
    sampler = Sampler(universe, "enriched", fields=(3, 4))
    examples = sampler.block(0, 30)
    for row in range(30):
        expected = sampler.tokens.encode(lagrangian_terms(sampler.fields_of(examples, row)))
        assert expected == examples.target[row].tolist()


def test_settings_that_cannot_be_are_refused():
    for options in (
        {"distribution": "normal"},
        {"fields": (0, 2)},
        {"fields": (3, 2)},
        {"fields": (1, 11)},
        {"tokens": Tokens("verbose"), "random_pointers": True},
    ):
        with pytest.raises(ValueError):
            Sampler(FULL, **options)
    with pytest.raises(ValueError, match=r"1\.\.3"):
        Sampler(Universe(charges=("-1/2", "1/2"), spins=("scalar", "left", "right")), fields=(1, 5))
    with pytest.raises(ValueError, match="block"):
        Sampler().block(0, 10_000)


def test_splits_ignore_order_description_and_names():
    rng = np.random.default_rng(0)
    for _ in range(50):
        fields = [FULL.field(int(t), f"a{i}") for i, t in enumerate(rng.integers(351, size=4))]
        split = split_of(fields)
        shown = [fields[i].conjugate if rng.random() < 0.5 else fields[i] for i in (2, 0, 3, 1)]
        assert split_of([f.renamed(f"b{i}") for i, f in enumerate(shown)]) == split
        assert key_of([*fields, fields[0]]) != key_of(fields)


def test_splits_have_their_shares_and_share_no_key():
    examples = Sampler(FULL, fields=(4, 4)).block(0)
    splits = splits_of_keys(examples.keys)
    shares = np.bincount(splits, minlength=3) / len(splits)
    assert np.allclose(shares, (0.9, 0.05, 0.05), atol=0.01)
    for key in np.unique(examples.keys):
        assert np.unique(splits[examples.keys == key]).size == 1


def test_named_models_are_for_testing():
    fields = model()
    for chosen in (fields[:1], fields[2:5], fields):
        assert split_of(chosen) == "named"
    assert split_of(model("two Higgs doublets")) == "named"
    assert split_of([field.conjugate for field in model("real octet")][::-1]) == "named"
    assert split_of(fields[:1] * 2) != "named"
