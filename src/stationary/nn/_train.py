"""Training: a thin layer over `solve`, with the usual rule and schedule."""

import dataclasses
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from .._functions import Expectation
from .._solution import Solution
from .._statements import Minimize
from .._streams import AbstractStream
from ..driver import Callback, solve
from ..methods import OptaxDescent, from_optax
from ._buckets import LengthBuckets
from ._check import check_elements, check_vocabulary
from ._loss import cross_entropy
from ._ragged import Ragged
from ._seq2seq import Seq2Seq
from ._sharded import Sharded


def train(
    model: Seq2Seq,
    sequences: tuple[Ragged, Ragged] | LengthBuckets,
    *,
    steps: int,
    rule: str = "adamw",
    learning_rate: float = 2e-3,
    final_learning_rate: float = 1e-5,
    warm_up: int | None = None,
    batch: int = 64,
    lengths: int | Sequence[int] = 4,
    source_lengths: int = 1,
    seed: int = 0,
    devices: Sequence[Any] | None = None,
    callback: Callback | None = None,
    progress: bool | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: float = 30.0,
    resume: bool = False,
    max_seconds: float | None = None,
) -> tuple[Seq2Seq, Solution]:
    """Train a model to write targets, given sources: [`solve`][stationary.solve] with AdamW.

    States the mean [`cross_entropy`][stationary.nn.cross_entropy] over
    [`LengthBuckets`][stationary.nn.LengthBuckets] and minimises it by AdamW with b = (0.9, 0.98),
    weight decay 0.01 and gradients clipped to norm 1, or by Muon. The rate rises linearly and then
    falls along a cosine. Progress, checkpoints, Ctrl-C and limits are those of `solve`.

    **Arguments:**

    - `model`: where to start.
    - `sequences`: sources and targets, or a stream that was made of them.
    - `steps`: how many.
    - `rule`: `"adamw"`, or `"muon"`, which makes the steps of all weight matrices of blocks
        orthogonal and takes those of AdamW, with Nesterov's momentum, for the rest; its learning
        rates are of the same size, and may often be larger.
    - `learning_rate`, `final_learning_rate`: the highest and the last.
    - `warm_up`: steps until the highest; default 500, or a tenth of all where that is less.
    - `batch`, `lengths`, `source_lengths`: rows per step, and buckets; see `LengthBuckets`. A
        stream has its own.
    - `seed`: which order of the data.
    - `devices`: spread every batch over these devices.
    - `callback`, `progress`, `checkpoint`, `checkpoint_every`, `resume`, `max_seconds`: as for
        `solve`. What is resumed must have the same `steps`, which the schedule depends on; to stop
        early use a limit, a callback or Ctrl-C.

    **Returns:** the trained model, and the solution it is the value of. The solution's certificate
    looks at as many fresh examples as the stream says (`check`).

    **Raises:** `ValueError` for another rule, for sequences that the model cannot read, naming
    which, and what `LengthBuckets` and `solve` raise.

    !!! example
        >>> import jax, numpy as np
        >>> rows = [np.array([5, 6, 7])[: 1 + i % 3] for i in range(6)]
        >>> pairs = Ragged.of(rows), Ragged.of([[1, *row, 2] for row in rows])
        >>> model = Seq2Seq.preset("nano", 8, positions="rotary", key=jax.random.key(0))
        >>> trained, solution = train(model, pairs, steps=3, batch=6, lengths=1)
        >>> solution.status.word
        'max steps'

    !!! cite "Reference"
        Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019. Jordan et al.,
        Muon: an optimizer for hidden layers in neural networks, 2024; with the scale of Liu et al.,
        Muon is scalable for LLM training, 2025, equation (4).
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}.")
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}.")
    stream = sequences
    if not isinstance(stream, LengthBuckets):
        check_sequences(model, *stream)
        stream = LengthBuckets(
            *stream,
            lengths=lengths,
            source_lengths=source_lengths,
            batch=batch,
            seed=seed,
            padding=model.padding,
            parts=1 if devices is None else len(devices),
        )
    spread: AbstractStream = stream if devices is None else Sharded(stream, devices)
    if warm_up is None:
        warm_up = min(500, steps // 10)
    method = _method(rule, steps, warm_up, learning_rate, final_learning_rate)
    solution = solve(
        Minimize(Expectation(cross_entropy, spread)),
        model,
        method,
        tol=_NEVER,
        max_steps=steps,
        max_seconds=max_seconds,
        callback=callback,
        progress=progress,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        resume=resume,
        seed=seed,
    )
    # The same mean over smaller batches, so that a certificate need not look at whole ones.
    looked_at = Minimize(Expectation(cross_entropy, stream.thin()))
    return solution.value, dataclasses.replace(solution, problem=looked_at)


_NEVER = 2e-6
"""A gradient that a mini-batch does not come to by luck; about what float32 can tell from 0."""


RULES = ("adamw", "muon")


@lru_cache(maxsize=32)
def _method(rule: str, steps: int, warm_up: int, highest: float, last: float) -> OptaxDescent:
    """A rule behind a clip of the gradient's norm; made once, so that it is compiled once."""
    import optax

    rate = optax.warmup_cosine_decay_schedule(
        0.0 if warm_up else highest, highest, warm_up, max(steps, warm_up + 1), last
    )
    if rule == "adamw":
        chosen = optax.adamw(rate, b1=0.9, b2=0.98, weight_decay=0.01)
    else:
        from optax.contrib import muon

        chosen = muon(
            rate,
            weight_decay=0.01,
            adam_b1=0.9,
            adam_b2=0.98,
            adam_weight_decay=0.01,
            consistent_rms=0.2,
            muon_weight_dimension_numbers=_matrices,
        )
    return from_optax(optax.chain(optax.clip_by_global_norm(1.0), chosen))


def _matrices(model: PyTree) -> PyTree:
    """Which axes of each parameter are a matrix's; None for tables and scales.

    Parameters of blocks are stacked along their first axis.
    """
    from optax.contrib import MuonDimensionNumbers

    return jax.tree.map(lambda x: MuonDimensionNumbers(1, 2) if x.ndim == 3 else None, model)


def check_sequences(model: Seq2Seq, source: Ragged, target: Ragged) -> None:
    """Refuse sequences that a model cannot learn from.

    **Raises:** `ValueError` naming the first row at fault.
    """
    for what, ragged, longest in (
        ("source", source, model.max_source),
        ("target", target, None if model.max_target is None else model.max_target + 1),
    ):
        if ragged.tokens.size:
            check_vocabulary(model, ragged.tokens, what)
        _refuse(ragged.tokens == model.padding, ragged, f"{what} contains padding")
        if longest is not None and np.any(ragged.lengths > longest):
            too_long = np.flatnonzero(ragged.lengths > longest)
            raise ValueError(
                f"{too_long.size} of {len(ragged)} {what}s are longer than the {longest} tokens "
                f"that this model was made for, the first in row {too_long[0]}; the longest has "
                f"{int(ragged.lengths.max())}."
            )
    for place, token, word in ((0, model.begin, "begin"), (-1, model.end, "end")):
        ends = target.offsets[:-1] if place == 0 else target.offsets[1:] - 1
        rows = np.flatnonzero(target.lengths == 0)
        if rows.size == 0:
            rows = np.flatnonzero(target.tokens[ends] != token)
        if rows.size:
            raise ValueError(
                f"{rows.size} of {len(target)} targets do not {word} with the token {token}, the "
                f"first in row {rows[0]}."
            )
    if model.places is not None and source.tokens.size:
        check_elements(model, source.padded(padding=model.padding))


def _refuse(wrong: Any, ragged: Ragged, problem: str) -> None:
    if np.any(wrong):
        row = int(np.searchsorted(ragged.offsets, np.argmax(wrong), side="right")) - 1
        raise ValueError(f"{problem} in row {row}; sequences are padded by the stream.")
