"""Train a transformer to write Lagrangians, and score it on fields that it has not seen.

    python examples/write_lagrangians.py                            # a few minutes on two cores
    python examples/write_lagrangians.py --universe full --distribution mixed --fields 6 \
        --preset base --steps 6000 --batch 256 --rule adamw --rate 5e-4 --examples 300000 \
        --bfloat16                                                  # on a large GPU

With --out, the model is kept in a folder, with its command and its scores. Training goes on where
it stopped when the command is given again with --checkpoint.
"""

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import jax

from stationary.fieldtheory.learning import (
    FULL,
    TINY,
    LagrangianGrammar,
    Recipe,
    Scores,
    evaluate,
    nearest_terms,
    usual_terms,
)

UNIVERSES = {"tiny": TINY, "full": FULL}


def main(words: list[str]) -> int:
    """Train, score, and keep the model."""
    args = arguments().parse_args(words)
    recipe = Recipe(
        UNIVERSES[args.universe],
        distribution=args.distribution,
        fields=(1, args.fields),
        repetition=args.repetition,
        examples=args.examples,
        unusual=args.unusual,
        longest=args.longest,
        preset=args.preset,
        positions=args.positions,
        random_pointers=args.random_pointers,
        compute_dtype="bfloat16" if args.bfloat16 else None,
        steps=args.steps,
        batch=args.batch,
        lengths=args.buckets,
        rule=args.rule,
        learning_rate=args.rate,
        seed=args.seed,
    )
    several = jax.devices() if len(jax.devices()) > 1 else None
    predictor = recipe.train(
        checkpoint=args.checkpoint, resume=args.checkpoint is not None, devices=several
    )
    test = recipe.part("test", args.tests)
    pointers = {} if args.random_pointers else {"fields": args.fields}
    rule = LagrangianGrammar(recipe.tokens, "charges", **pointers)
    scores = {
        "the model": evaluate(predictor.write(test.source), test),
        "the model, charges kept": evaluate(predictor.write(test.source, constraint=rule), test),
        "the usual terms": evaluate(usual_terms(test), test),
        "nearest example": evaluate(nearest_terms(recipe.part("train"), test), test),
    }
    for name, found in scores.items():
        print(
            f"{name:24}", ", ".join(f"{key} {value:.3f}" for key, value in summary(found).items())
        )
    if args.out is not None:
        command = shlex.join(["python", "examples/write_lagrangians.py", *words])
        about = {"command": command} | {name: summary(found) for name, found in scores.items()}
        replace(predictor, about=about).save(args.out)
        print(f"kept in {args.out}")
    return 0


def summary(scores: Scores) -> dict[str, float]:
    """The scores in a line: all models, those with unusual terms, and by the number of fields."""
    found = {
        "exact": scores.exact.mean(),
        "terms F1": scores.f1.mean(),
        "exact beyond the usual terms": scores.exact[scores.nontrivial].mean(),
    }
    for count, mean in scores.by_fields().items():
        found[f"exact of {count}"] = mean["exact"]
    return {name: round(float(value), 3) for name, value in found.items()}


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--universe", choices=UNIVERSES, default="tiny", help="field types")
    parser.add_argument(
        "--distribution", choices=("uniform", "enriched", "mixed"), default="uniform"
    )
    parser.add_argument("--fields", type=int, default=3, help="the most fields of a model")
    parser.add_argument("--repetition", action="store_true", help="fields may occur twice")
    parser.add_argument("--examples", type=int, default=60_000)
    parser.add_argument(
        "--unusual", type=float, default=0.6, help="what part of the examples have unusual terms"
    )
    parser.add_argument("--longest", type=int, help="leave out targets with more tokens")
    parser.add_argument("--tests", type=int, default=1500)
    parser.add_argument("--preset", choices=("nano", "small", "base", "large"), default="nano")
    parser.add_argument("--positions", choices=("learned", "rotary", "set"), default="set")
    parser.add_argument(
        "--random-pointers", action="store_true", help="to read more fields than in training"
    )
    parser.add_argument("--bfloat16", action="store_true", help="compute products in bfloat16")
    parser.add_argument("--steps", type=int, default=1300)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--buckets", type=int, default=4, help="lengths that targets are padded to")
    parser.add_argument("--rule", choices=("adamw", "muon"), default="muon")
    parser.add_argument("--rate", type=float, default=6e-3, help="the highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="a file to go on from")
    parser.add_argument("--out", type=Path, help="a folder for the model")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
