"""What is remembered for an object: per key, in bounded number, and no longer than it lives."""

import gc

from stationary import _memory
from stationary._memory import remember


class Owner:
    pass


def test_results_are_kept_per_owner_and_key():
    first, second, made = Owner(), Owner(), []
    for owner in (first, second, first):
        for key in ("a", "b"):
            remember(owner, key, lambda key=key: made.append(key))
    assert made == ["a", "b", "a", "b"]


def test_unwanted_results_and_failures_are_made_again():
    owner, made = Owner(), []
    for _ in range(2):
        remember(owner, "key", lambda: made.append(1) or len(made), unless=lambda n: n < 2)
    assert remember(owner, "key", lambda: made.append(1)) == 2
    assert len(made) == 2


def test_only_so_many_results_are_kept_and_none_beyond_the_owner():
    owner, made = Owner(), []
    before = len(_memory._results)
    for key in range(_memory._KEPT + 1):
        remember(owner, key, lambda key=key: made.append(key))
    remember(owner, 0, lambda: made.append("again"))
    remember(owner, _memory._KEPT, lambda: made.append("never"))
    assert made[-1] == "again"
    del owner
    gc.collect()
    assert len(_memory._results) <= before
