"""Which papers there are: every package two levels below this one that declares a `paper`."""

import functools
import importlib
import pkgutil

from ._paper import Paper


def papers() -> list[Paper]:
    """All papers of the atlas, by number. Imports their declarations, never their experiments.

    **Raises:** `ValueError` when two papers share a number.

    !!! example
        >>> from stationary import atlas
        >>> 97 in [paper.number for paper in atlas.papers()]
        True
    """
    return list(_by_number().values())


def paper(number: int) -> Paper:
    """The paper of a number.

    **Raises:** `ValueError` naming the numbers that exist.

    !!! example
        >>> from stationary import atlas
        >>> atlas.paper(97).theme
        'saddle points and games'
    """
    found = _by_number().get(number)
    if found is None:
        known = ", ".join(str(n) for n in _by_number())
        raise ValueError(f"the atlas has no paper {number}; it has {known}.")
    return found


@functools.cache
def _by_number() -> dict[int, Paper]:
    import stationary.atlas as root

    found: dict[int, Paper] = {}
    for theme in _packages(root):
        for module in _packages(theme):
            declared = getattr(module, "paper", None)
            if not isinstance(declared, Paper):  # what several papers of a theme share
                continue
            if declared.number in found:
                other = found[declared.number].module
                raise ValueError(f"{module.__name__} and {other} are both {declared.number}.")
            found[declared.number] = declared
    return dict(sorted(found.items()))


def _packages(parent):
    for info in pkgutil.iter_modules(parent.__path__):
        if info.ispkg and not info.name.startswith("_"):
            yield importlib.import_module(f"{parent.__name__}.{info.name}")
