"""What networks learn of Lagrangians: held-out fields, more fields, and embeddings."""

from dataclasses import replace

import numpy as np

from stationary import plot
from stationary.atlas import Measured, Table
from stationary.fieldtheory import parse_fields
from stationary.fieldtheory.learning import (
    FULL,
    TINY,
    HoldOut,
    LagrangianGrammar,
    Recipe,
    Scores,
    analogy_ranks,
    conjugation_axis,
    encoded,
    evaluate,
    field_embeddings,
    nearest_terms,
    probe_accuracy,
    usual_terms,
)

SEEDS = 2
LAPTOP = Recipe(
    TINY,
    fields=(1, 3),
    examples=60_000,
    unusual=0.6,
    longest=40,
    positions="set",
    rule="muon",
    learning_rate=6e-3,
    steps=1300,
    lengths=4,
)
TABLE = replace(LAPTOP, positions="learned")
ANY_POINTER = replace(LAPTOP, random_pointers=True)
UNSEEN = replace(LAPTOP, hold_out=HoldOut(charges=["1/2"]))
FULL_SIZE = Recipe(
    FULL,
    distribution="mixed",
    fields=(1, 6),
    examples=300_000,
    unusual=0.6,
    preset="base",
    positions="set",
    compute_dtype="bfloat16",
    steps=6000,
    batch=256,
    learning_rate=5e-4,
)
LONGEST = 320
"""The most tokens that an answer may have; the longest target for up to five fields has fewer."""

NAMED = {
    "Higgs and leptons": "H: scalar su2=2 y=1/2; L: left su2=2 y=-1/2; e: left y=1",
    "seesaw type I": "H: scalar su2=2 y=1/2; L: left su2=2 y=-1/2; N: left",
    "seesaw type II": "H: scalar su2=2 y=1/2; L: left su2=2 y=-1/2; D: scalar su2=3 y=1",
    "seesaw type III": "H: scalar su2=2 y=1/2; L: left su2=2 y=-1/2; X: left su2=3",
    "two Higgs doublets": "H, h: scalar su2=2 y=1/2; e: left y=1",
    "Zee singlet": "H: scalar su2=2 y=1/2; L: left su2=2 y=-1/2; h: scalar y=1",
}


def learn(found, seed, observe):
    """Train and score at laptop scale."""
    recipes = [replace(LAPTOP, seed=seed + i) for i in range(SEEDS)]
    trained = []
    for i, recipe in enumerate(recipes):
        observe(f"set encoder, seed {i + 1} of {SEEDS}")
        trained.append(recipe.train(progress=False))
    observe("random pointers")
    anywhere = replace(ANY_POINTER, seed=seed).train(progress=False)
    observe("learned positions")
    table = replace(TABLE, seed=seed).train(progress=False)
    observe("held-out fields")
    test = recipes[0].part("test", 1500)
    scores = [evaluate(p.write(test.source, longest=LONGEST), test) for p in trained]
    found.values["exact match"] = _over([s.exact.mean() for s in scores])
    found.values["terms"] = _over([s.f1.mean() for s in scores])
    found.values["beyond the usual terms"] = _over([s.exact[s.nontrivial].mean() for s in scores])
    named = {f"set encoder, seed {i}": s for i, s in enumerate(scores)}
    for level in ("grammar", "charges"):
        observe(f"held-out fields, {level} kept")
        rule = LagrangianGrammar(test.tokens, level=level, fields=LAPTOP.fields[1])
        written = trained[0].write(test.source, longest=LONGEST, constraint=rule)
        named[f"set encoder, seed 0, {level} kept"] = evaluate(written, test)
    own = replace(ANY_POINTER, seed=seed).part("test", 1500)
    written = anywhere.write(own.source, longest=LONGEST)
    named["set encoder, random pointers"] = evaluate(written, own)
    written = table.write(test.source, longest=LONGEST)
    named["learned positions"] = evaluate(written, test)
    named["the usual terms"] = evaluate(usual_terms(test), test)
    named["nearest example"] = evaluate(nearest_terms(recipes[0].part("train"), test), test)
    anything = replace(recipes[0], longest=None).part("test", 1500)
    written = trained[0].write(anything.source, longest=LONGEST)
    named["set encoder, seed 0, targets of any length"] = evaluate(written, anything)
    _tables(found, named)
    observe("more fields")
    _further(found, table, anywhere, seed, observe)
    observe("an unseen charge")
    _unseen(found, replace(UNSEEN, seed=seed))
    observe("embeddings")
    _embeddings(found, trained, recipes)


def _unseen(found, recipe):
    """What is made of fields whose hypercharge training has left out."""
    predictor = recipe.train(progress=False)
    rows = []
    words = {"test": "hypercharges 0 and 1", "held out": "some field has hypercharge 1/2"}
    for split, called in words.items():
        data = recipe.part(split, 1000)
        s = evaluate(predictor.write(data.source, longest=LONGEST), data)
        usual = evaluate(usual_terms(data), data)
        means = (s.exact.mean(), s.f1.mean(), s.exact[s.nontrivial].mean(), usual.exact.mean())
        rows.append((called, *(round(float(m), 3) for m in means)))
    found.tables["Trained without fields of hypercharge 1/2"] = Table(
        ("held-out sets of fields", "exact", "terms F1", "exact, beyond the usual",
         "exact of the usual terms"),
        tuple(rows),
    )  # fmt: skip


def _over(values) -> Measured:
    return Measured(float(np.mean(values)), samples=tuple(map(float, values)))


def _tables(found, named: dict[str, Scores]):
    columns = ("model", "exact", "token for token", "terms F1", "letters F1", "contractions",
               "length", "invariant", "exact, beyond the usual")  # fmt: skip
    rows = []
    for name, s in named.items():
        mean = s.mean()
        keys = ("exact", "sequence", "f1", "letters", "contraction", "length", "valid")
        hard = s.take(s.nontrivial)
        rows.append((name, *(round(mean[k], 3) for k in keys), round(hard.mean()["exact"], 3)))
    found.tables["Held-out sets of fields, 1 to 3 fields"] = Table(columns, tuple(rows))
    sizes = sorted({n for s in named.values() for n in s.by_fields()})
    found.tables["Exact matches by the number of fields"] = Table(
        ("model", *(f"{n} fields" if n > 1 else "1 field" for n in sizes)),
        tuple(
            (name, *(round(s.by_fields()[n]["exact"], 3) for n in sizes))
            for name, s in named.items()
        ),
    )
    kinds = next(iter(named.values())).by_class()
    found.tables["F1 by class of terms"] = Table(
        ("model", *kinds),
        tuple(
            (name, *(round(s.by_class().get(k, {}).get("f1", np.nan), 3) for k in kinds))
            for name, s in named.items()
        ),
    )


def _further(found, table, as_set, seed, observe):
    exact: dict[str, list[float]] = {"learned positions": [], "set encoder": []}
    terms: dict[str, list[float]] = {"learned positions": [], "set encoder": []}
    usual: list[float] = []
    long: list[float] = []
    sizes = (1, 2, 3, 4, 5)
    for n in sizes:
        observe(f"{n} fields")
        wider = replace(LAPTOP, fields=(n, n), longest=None, seed=seed + 100)
        data = wider.part("test", 500)
        for name, predictor in (("learned positions", table), ("set encoder", as_set)):
            s = evaluate(predictor.write(data.source, longest=LONGEST), data)
            exact[name].append(float(s.exact.mean()))
            terms[name].append(float(s.f1.mean()))
        long.append(float(np.mean(data.target.lengths > LAPTOP.longest)))
        usual.append(float(evaluate(usual_terms(data), data).exact.mean()))
    beyond = [i for i, n in enumerate(sizes) if n > LAPTOP.fields[1]]
    last = sizes.index(LAPTOP.fields[1])
    mine = exact["set encoder"]
    found.values["more fields"] = float(np.mean([mine[i] for i in beyond])) / mine[last]
    gaps = [terms["set encoder"][i] - terms["learned positions"][i] for i in beyond]
    found.values["set encoder"] = float(np.mean(gaps))
    columns = ("model", *(f"{n} fields" if n > 1 else "1 field" for n in sizes))
    found.tables["Exact matches beyond the training (up to 3 fields)"] = Table(
        columns,
        tuple(
            (name, *(round(v, 3) for v in row))
            for name, row in (
                exact | {"the usual terms": usual, "part with more than 40 tokens": long}
            ).items()
        ),
    )
    found.tables["Terms F1 beyond the training (up to 3 fields)"] = Table(
        columns, tuple((name, *(round(v, 3) for v in row)) for name, row in terms.items())
    )
    found.figures["Exact matches by the number of fields; training ends at 3"] = plot.line(
        {name: (np.array(sizes), np.array(row)) for name, row in exact.items()}
        | {"the usual terms": (np.array(sizes), np.array(usual))},
        title="Exact matches by the number of fields; training ends at 3",
        x_label="fields",
        y_label="exact matches",
        standalone=True,
    )
    repeated = replace(LAPTOP, repetition=True, fields=(2, 3), longest=None, seed=seed + 200).part(
        "test", 3000
    )
    twice = [i for i in range(len(repeated)) if _repeats(repeated.fields_of(i))][:300]
    named = encoded([parse_fields(text) for text in NAMED.values()], LAPTOP.tokens)
    rows = []
    for name, predictor in (("learned positions", table), ("set encoder", as_set)):
        data = repeated.take(np.array(twice))
        s = evaluate(predictor.write(data.source, longest=LONGEST), data)
        each = evaluate(predictor.write(named.source, longest=LONGEST), named)
        rows.append((name, round(float(s.exact.mean()), 3), *(round(float(f), 2) for f in each.f1)))
    found.tables["Fields that occur twice (exact), and models with names (F1)"] = Table(
        ("model", f"{len(twice)} with a field twice", *NAMED), tuple(rows)
    )


def _repeats(fields) -> bool:
    seen = [min(str(f.renamed("f")), str(f.conjugate.renamed("f"))) for f in fields]
    return len(set(seen)) < len(seen)


def _embeddings(found, trained, recipes):
    after = [field_embeddings(p) for p in trained]
    before = [field_embeddings(recipe.untrained()) for recipe in recipes]
    axes = [[conjugation_axis(TINY, e) for e in each] for each in (after, before)]
    found.values["conjugation axis"] = _over([axis.deviations for axis in axes[0]])
    found.values["axis is learned"] = _over([axis.deviations for axis in axes[1]])
    fields = [TINY.field(i, "f") for i in range(len(TINY))]
    labels = {
        "SU(2)": [str(dict(f.representations).get("su2", 1)) for f in fields],
        "spin and helicity": [str(f.helicity) for f in fields],
        "sign of charge": [str(np.sign(float(f.charge("u1")))) for f in fields],
    }
    rows = []
    for name, embeddings, axis in zip(
        ("trained", "untrained"), (after[0], before[0]), (axes[0][0], axes[1][0]), strict=True
    ):
        probes = [
            probe_accuracy(embeddings, np.unique(values, return_inverse=True)[1])
            for values in labels.values()
        ]
        ranks = analogy_ranks(TINY, embeddings)
        rows.append(
            (name, *(round(p, 2) for p in probes), float(np.median(ranks)),
             round(float(np.mean(ranks == 1)), 2), round(axis.alignment, 3),
             round(axis.null_mean, 3), round(axis.null_spread, 4))
        )  # fmt: skip
    found.tables["Embeddings of single fields"] = Table(
        (
            "network",
            *(f"probe: {k}" for k in labels),
            "analogies: median place",
            "first place",
            "conjugation: mean cosine",
            "at random",
            "spread at random",
        ),
        tuple(rows),
    )
    centered = after[0] - after[0].mean(axis=0)
    plane = centered @ np.linalg.svd(centered, full_matrices=False)[2][:2].T
    kinds = {None: "scalars", -0.5: "left-handed", 0.5: "right-handed"}
    shown = {}
    for helicity, word in kinds.items():
        rows_of = [i for i, f in enumerate(fields) if f.helicity == helicity]
        shown[word] = (plane[rows_of, 0], plane[rows_of, 1])
    found.figures["Embeddings of single fields in their two main directions"] = plot.scatter(
        shown,
        title="Embeddings of single fields in their two main directions",
        x_label="first direction",
        y_label="second direction",
        standalone=True,
    )


def learn_all(found, seed, observe):
    """Train and score at full scale."""
    recipe = replace(FULL_SIZE, seed=seed)
    observe("training the base model")
    predictor = recipe.train(progress=False)
    exact = []
    for n in range(1, 7):
        data = replace(recipe, distribution="uniform", fields=(n, n)).part("test", 500)
        exact.append(float(evaluate(predictor.write(data.source), data).exact.mean()))
    found.values["accuracy up to six fields"] = float(np.mean(exact))
