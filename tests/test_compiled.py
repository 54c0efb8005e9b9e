"""Compiled programs: what is part of their structure, and what becomes of options XLA lacks."""

import jax
import numpy as np

from stationary import _compiled
from stationary._compiled import FEW, SMALL, TINY, Compiled, Split, jit_once


def test_a_split_is_whole_again_and_only_arrays_are_arguments():
    tree = {"a": np.ones(2), "b": (3, "word", jax.numpy.zeros(()))}
    split = Split.of(tree)
    assert len(jax.tree.leaves(split)) == 2
    whole = split.whole
    assert jax.tree.structure(whole) == jax.tree.structure(tree)
    assert whole["b"][:2] == (3, "word") and whole["a"] is tree["a"]


def test_splits_of_equal_content_share_a_program_and_types_count():
    traced = []

    @jax.jit
    def scaled(split):
        traced.append(1)
        return split.whole["scale"] * split.whole["x"]

    for scale in (2, 2, 2.0, True, 3):
        scaled(Split.of({"scale": scale, "x": np.ones(2)}))
    assert len(traced) == 4  # 2, 2.0, True, 3


def test_compiling_ahead_leaves_nothing_to_the_call():
    traced = []

    def double(x):
        traced.append(1)
        return 2 * x

    program = Compiled(double)
    out, finish = program.ahead(3, np.ones(3))
    assert (out.shape, out.dtype) == ((3,), jax.numpy.ones(1).dtype)
    finish()
    assert program.for_size(3)(np.ones(3)).tolist() == [2, 2, 2]
    assert len(traced) == 1


def test_large_arguments_and_unknown_options_get_the_thorough_program(monkeypatch):
    often, once = Compiled(lambda x: 2 * x), Compiled(lambda x: 2 * x, once=True)
    assert often.for_size(FEW) is not often.for_size(FEW + 1)
    assert often.for_size(TINY) is not often.for_size(TINY + 1)
    assert once.for_size(FEW) is once.for_size(SMALL) is not once.for_size(SMALL + 1)

    monkeypatch.setattr(_compiled, "_haste_is_known", True)  # restored after the test
    for name in ("_OFTEN", "_ONCE"):
        monkeypatch.setattr(_compiled, name, {"xla_no_such_option": True})
    assert jit_once(lambda x: 2 * x)(np.ones(3)).tolist() == [2, 2, 2]

    monkeypatch.setattr(_compiled, "_haste_is_known", True)
    program = Compiled(lambda x: 2 * x)
    _, finish = program.ahead(3, np.ones(3))
    finish()
    assert program.for_size(3) is program.for_size(SMALL + 1)
    assert program.for_size(3)(np.ones(3)).tolist() == [2, 2, 2]


def test_a_function_compiled_once_works_within_others():
    double = jit_once(lambda x: 2 * x)
    assert jax.jit(double)(3.0) == 6
    assert jax.grad(double)(3.0) == 2
    assert jax.vmap(double)(np.arange(2.0)).tolist() == [0, 2]
