"""What was worked out for an object, kept for as long as the object lives."""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

_KEPT = 16
"""Results kept per object; of more, the ones not asked for the longest are forgotten."""

_results: dict[int, tuple[weakref.ref, OrderedDict[Hashable, Any]]] = {}


def remember(
    owner: object,
    key: Hashable,
    make: Callable[[], T],
    *,
    unless: Callable[[T], bool] = lambda result: False,
) -> T:
    """`make()`, or what it returned when it was last called for this owner and key.

    Equinox modules compare by content, which costs as much as what is to be saved, so owners are
    told apart by identity. Nothing here keeps an owner alive, unless a result refers to it.

    **Arguments:**

    - `owner`: any object that can be weakly referenced.
    - `key`: everything besides the owner that the result depends on.
    - `make`: called when nothing is remembered; what it raises is not remembered.
    - `unless`: which results must not be kept.

    !!! example
        >>> class Owner:
        ...     pass
        >>> owner, calls = Owner(), []
        >>> [remember(owner, "answer", lambda: calls.append(1) or 42) for _ in range(3)], calls
        ([42, 42, 42], [1])
    """
    found = _results.get(id(owner))
    if found is None or found[0]() is not owner:
        # Bound here, because at the end of a process the module's own names go first.
        place, forget = id(owner), _results.pop
        found = weakref.ref(owner, lambda _: forget(place, None)), OrderedDict()
        _results[place] = found
    results = found[1]
    if key in results:
        results.move_to_end(key)
        return results[key]
    made = make()
    if not unless(made):
        results[key] = made
        if len(results) > _KEPT:
            results.popitem(last=False)
    return made
