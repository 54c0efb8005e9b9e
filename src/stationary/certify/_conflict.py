"""The constraints that a ray weighs, in words."""

from typing import NamedTuple

import numpy as np

from ._measure import Local

_SHOWN = 5


class Entries(NamedTuple):
    """The entries of multipliers that matter, heaviest first.

    **Arguments:**

    - `names`, `weights`: in words; the largest weight shown is 1.
    - `unit`: the multiplier that 1 stands for.
    """

    names: list[str]
    weights: list[str]
    unit: float


def named_entries(vector: dict[str, np.ndarray], local: Local) -> Entries:
    """The entries of multipliers that matter: their own size times that of their row decides."""
    entries = []
    for name, weights in vector.items():
        sizes = np.broadcast_to(np.asarray(local.sizes[name]), weights.shape)
        for index in np.ndindex(weights.shape):
            place = f"[{', '.join(map(str, index))}]" if weights.size > 1 else ""
            # A row that ignores x weighs what its multiplier does.
            weight, size = float(weights[index]), float(sizes[index]) or 1.0
            entries.append((abs(weight) * size, f"'{name}{place}'", weight))
    entries.sort(key=lambda entry: -entry[0])
    heaviest = max(entries[0][0], 1e-300)
    kept = [entry for entry in entries if entry[0] > 1e-4 * heaviest]
    top = max(abs(weight) for _, _, weight in kept[:_SHOWN])
    names = [name for _, name, _ in kept[:_SHOWN]]
    weights = [f"{weight / top:.3g}" for _, _, weight in kept[:_SHOWN]]
    if len(kept) > _SHOWN:
        names.append(f"{len(kept) - _SHOWN} more")
        weights.append("smaller ones")
    return Entries(names, weights, top)


def contradiction(entries: Entries, leaning: list[str], least: float, where: str, why: str) -> str:
    """What no point can satisfy, and how that is seen.

    **Arguments:**

    - `entries`: the multipliers.
    - `leaning`: the sets that take part.
    - `least`, `where`: how small their product with the constraints can be, and for which x.
    - `why`: what makes that certain.
    """
    names, weights, unit = entries
    inside = f" within {listed(leaning)}" if leaning else ""
    if len(names) == 1:
        what = f"{names[0]} cannot be satisfied{inside}"
        how = "it is" if weights[0] == "1" else f"{weights[0]} times it is"
    else:
        what = f"{listed(names)} contradict each other{inside}"
        how = f"with weights {listed(weights)} they add up to"
    return (
        f"{what}: {how} at least {least / unit:.3g} {where}, where at most 0 is allowed; the "
        f"constraints are {why}"
    )


def standoff(names: list[str]) -> str:
    """Which constraints cannot all be improved by a small move."""
    if len(names) == 1:
        return f"no small move brings {names[0]} closer to being satisfied"
    return f"{listed(names)} hold against each other here: no small move reduces what they miss"


def listed(words: list[str]) -> str:
    """`"a, b and c"`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
