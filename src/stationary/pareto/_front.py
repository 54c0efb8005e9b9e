"""What is known about a Pareto front: points of it, and how each was found."""

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int, PyTree

from .._statements import Balance
from .._status import Status
from ._dominance import hypervolume, nondominated

if TYPE_CHECKING:
    from ..certify import Certificate


@dataclasses.dataclass(frozen=True, eq=False)
class ParetoFront:
    """Points of a Pareto front: every array has a leading axis over the m points.

    **Arguments:**

    - `problem`: the problem with several objectives.
    - `points`: the unknowns, a pytree of NumPy arrays `(m, ...)`.
    - `values`: each objective by name, shape `(m,)`.
    - `duals`: the constraints' multipliers by name, shape `(m, ...)`; those of the scalarised
        problem, that is for the weighted sum of the objectives with `weights`.
    - `weights`: the objectives' multipliers, shape `(m, k)`, summing to one: those asked for, or
        those that the distance to a reference point comes to.
    - `reference_points`: the targets, shape `(m, k)`, NaN where there was none; or `None`.
    - `statuses`: why each solve stopped.
    - `steps`: the steps of each.
    - `certificates`: how stationary each point is, where asked for.
    - `method`, `seconds`: how it was solved, and how long all took.
    - `notices`: what the reader should know about single points.
    """

    problem: Balance
    points: PyTree[np.ndarray]
    values: dict[str, Float[np.ndarray, "m"]]
    duals: dict[str, Float[np.ndarray, "m ..."]]
    weights: Float[np.ndarray, "m k"]
    reference_points: Float[np.ndarray, "m k"] | None
    statuses: tuple[Status, ...]
    steps: Int[np.ndarray, "m"]
    certificates: "tuple[Certificate, ...] | None"
    method: str
    seconds: float
    notices: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.statuses)

    @property
    def table(self) -> Float[np.ndarray, "m k"]:
        """The objective values, a row per point and a column per objective."""
        return np.stack(list(self.values.values()), axis=1)

    @cached_property
    def nondominated(self) -> Bool[np.ndarray, "m"]:
        """Which points no other one is better than; see `nondominated`."""
        return nondominated(self.table)

    @property
    def converged(self) -> Bool[np.ndarray, "m"]:
        """Which solves converged."""
        return np.array([status is Status.CONVERGED for status in self.statuses])

    def hypervolume(self, reference: Any) -> float:
        """The volume between the points and a reference point; see `hypervolume`."""
        return hypervolume(self.table, reference)

    def __repr__(self) -> str:
        words, counts = np.unique([s.word for s in self.statuses], return_counts=True)
        tally = ", ".join(f"{count} {word}" for word, count in zip(words, counts, strict=True))
        return (
            f"ParetoFront({', '.join(self.values)}: {len(self)} points, {tally}; "
            f"{int(self.nondominated.sum())} nondominated; {self.seconds:.3g} s)"
        )
