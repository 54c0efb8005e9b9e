"""The problems by name, each built when it is asked for."""

import importlib
from collections.abc import Callable
from typing import Any

from ._example import Example

# Modules, not functions: building a problem needs a backend, and naming one must not.
_MODULES = (
    "_hock_schittkowski",
    "_unconstrained",
    "_convex",
    "_sets",
    "_games",
    "_levels",
    "_none",
)


def names(kind: str | None = None) -> list[str]:
    """The names of the problems in the library.

    **Arguments:**

    - `kind`: only those of one statement: `"Minimize"`, `"Saddle"`, `"Nested"` or `"Balance"`.

    **Raises:** `ValueError` for another kind.

    !!! example
        >>> names()[:3], names("Nested")
        (['HS6', 'HS7', 'HS14'], ['nested quadratics'])
    """
    builders = _builders()
    if kind is None:
        return list(builders)
    kinds = {name: type(build().problem).__name__ for name, build in builders.items()}
    if kind not in kinds.values():
        raise ValueError(f"kind is one of {sorted(set(kinds.values()))}, got {kind!r}.")
    return [name for name, own in kinds.items() if own == kind]


def get(name: str) -> Example:
    """A problem by its name.

    **Raises:** `KeyError` for an unknown name, with those that exist.

    !!! example
        >>> example = get("HS71")
        >>> example.x0.tolist(), example.duals["product"].round(3).item()
        ([1.0, 5.0, 5.0, 1.0], 0.552)
    """
    builders = _builders()
    if name not in builders:
        raise KeyError(f"no problem is called {name!r}; there are {', '.join(builders)}.")
    return builders[name]()


def _builders() -> dict[str, Callable[[], Example]]:
    found: dict[str, Any] = {}
    for module in _MODULES:
        found |= importlib.import_module(f"{__package__}.{module}").BUILDERS
    return found
