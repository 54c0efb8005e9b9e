"""Lagrangians by enumeration, beside basisgen; and how fast data sets of them are made."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence

from stationary.fieldtheory import STANDARD_MODEL, Field, lagrangian_terms
from stationary.fieldtheory.learning import FULL, Sampler, Tokens, generate

from ._figure import Figure, seconds

MODELS, FIELDS, SEED, ROUNDS = 200, 4, 0, 3
EXAMPLES = 1 << 19


def models() -> list[tuple[Field, ...]]:
    """Random models of a few fields."""
    sampler = Sampler(FULL, fields=(FIELDS, FIELDS), seed=SEED)
    examples = sampler.block(0, MODELS)
    return [sampler.fields_of(examples, row) for row in range(MODELS)]


def ours(fields: Sequence[Field]) -> int:
    """The number of real couplings, by this library."""
    return lagrangian_terms(fields).real_parameters


def theirs(fields: Sequence[Field]) -> int:
    """The same, by basisgen."""
    from stationary.atlas.fieldtheory.lagrangians._basisgen import operators

    return operators(fields, STANDARD_MODEL)


SIDES: dict[str, Callable[[Sequence[Field]], int]] = {"ours": ours, "theirs": theirs}


def measure(side: str) -> dict[str, object]:
    """Processor seconds for all models where nothing was counted before, and the counts."""
    if side == "theirs":
        import basisgen  # noqa: F401
    # Drawing the models uses our tables of invariants: text has no memory of them.
    chosen = _drawn_elsewhere()
    began = time.process_time()
    counts = [SIDES[side](fields) for fields in chosen]
    return {"seconds": time.process_time() - began, "counts": counts}


def _drawn_elsewhere() -> list[tuple[Field, ...]]:
    from stationary.fieldtheory import parse_fields

    lines = _python("draw")
    return [parse_fields(text) for text in lines]


def _python(what: str):
    command = [sys.executable, "-m", "benchmarks.lagrangians", what]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def against_basisgen() -> Figure:
    """How many times faster than basisgen, each from a cold start; the least of a few rounds.

    **Raises:** `AssertionError` when a model has another number of operators.
    """
    least: dict[str, float] = {}
    operators = 0
    for _ in range(ROUNDS):
        found = {side: _python(side) for side in SIDES}
        if found["ours"]["counts"] != found["theirs"]["counts"]:
            raise AssertionError("basisgen counts other numbers of operators")
        operators = sum(found["ours"]["counts"])
        for side, row in found.items():
            least[side] = min(least.get(side, row["seconds"]), row["seconds"])
    return Figure(
        f"{MODELS} models of {FIELDS} fields, times faster",
        least["theirs"] / least["ours"],
        "basisgen",
        at_least=100,
        detail={
            "ours, s": round(least["ours"], 4),
            "basisgen, s": round(least["theirs"], 3),
            "operators": operators,
        },
    )


def rate(style: str, workers: int, count: int) -> Figure:
    """Examples a second, up to six fields, with sequences and writing Parquet."""
    sampler = Sampler(FULL, "enriched", tokens=Tokens(style), seed=SEED)
    before, began = _processor_seconds(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        generate(folder, count, sampler, workers=workers, progress=False)
    took = time.perf_counter() - began
    return Figure(
        f"{style} data by {workers} process{'es' * (workers > 1)}, examples a second",
        count / took,
        "",
        at_least=20_000,
        # On a busy machine processor seconds, of all processes, are the steadier figure.
        detail={
            "examples": count,
            "seconds": round(took, 2),
            "processor seconds": round(_processor_seconds() - before, 2),
        },
    )


def decoding(batch: int = 64, batches: int = 8, tokens: int = 40) -> Figure:
    """Lagrangians a second that the model of the package writes, of at most so many tokens."""
    from stationary.fieldtheory.learning import Recipe, load_predictor

    predictor = load_predictor()
    if predictor is None:
        predictor = Recipe(FULL, positions="set").untrained()
    recipe = Recipe(
        predictor.universe,
        fields=(1, predictor.most_fields),
        tokens=predictor.tokens,
        longest=tokens,
    )
    source = recipe.part("validation", batch * batches).source
    predictor.write(source, longest=tokens, batch=batch)  # compiles
    took = min(
        seconds(lambda: predictor.write(source, longest=tokens, batch=batch)) for _ in range(ROUNDS)
    )
    return Figure(
        f"greedy decoding at batch {batch}, Lagrangians a second",
        len(source) / took,
        "",
        at_least=200,
        detail={"Lagrangians": len(source), "seconds": round(took, 3), "tokens": tokens},
    )


def page() -> Figure:
    """How long the local page waits for its exact part, for the slowest of the named models."""
    from stationary.fieldtheory import EXTENSIONS, model
    from stationary.web import make_server

    server = make_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/api/lagrangian"
    slowest, which = 0.0, ""
    for name in EXTENSIONS:
        fields = [str(field) for field in model(name, generations=3)]
        body = json.dumps({"fields": fields, "group": str(STANDARD_MODEL)}).encode()
        request = urllib.request.Request(
            address, body, {"Content-Type": "application/json"}, method="POST"
        )

        def answer(request=request) -> None:
            with urllib.request.urlopen(request) as reply:
                reply.read()

        slowest, which = max((slowest, which), (seconds(answer), name))
    server.shutdown()
    server.server_close()
    return Figure(
        "the page's exact part, slowest of the named models, milliseconds",
        1e3 * slowest,
        "",
        at_most=200,
        detail={"model": which},
    )


def _processor_seconds() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def run(options: Sequence[str] = ()) -> list[Figure]:
    """The comparison with basisgen, rates of making and writing, and the page's waiting time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks lagrangians")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="in each data set")
    count = parser.parse_args(list(options)).examples
    rates = [rate(style, n, count) for style in ("compact", "verbose") for n in (1, 2)]
    return [against_basisgen(), *rates, decoding(), page()]


if __name__ == "__main__":
    if sys.argv[1] == "draw":
        print(json.dumps(["\n".join(map(str, fields)) for fields in models()]))
    else:
        print(json.dumps(measure(sys.argv[1])))
