"""A problem together with what is known about its answer."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import PyTree

from .._statements import AbstractStatement
from .._status import Status


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
    """A statement with a start, its answer, and where both come from.

    **Arguments:**

    - `name`: what `problems.get` knows it by.
    - `problem`: the statement.
    - `x0`: the start that the source gives, moved into the set where it lies outside.
    - `optimum`: an answer, structured like `x0`; `None` when there is none.
    - `duals`: the multipliers that are unique, by constraint name; L = f + <dual, g>.
    - `objective`: the objective at the answer.
    - `why`: the source, and what the problem is good for.
    - `outcome`: how an honest solve ends.
    - `nearest`: where the answer is not unique, maps a value to the nearest answer.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> sum_of_squares = st.Minimize(lambda x: jnp.sum(x**2))
        >>> example = Example("bowl", sum_of_squares, np.ones(2), np.zeros(2), {}, 0.0, "a bowl")
        >>> example.error(np.array([0.0, -0.5]))
        0.5
    """

    name: str
    problem: AbstractStatement
    x0: PyTree[np.ndarray]
    optimum: PyTree[np.ndarray]
    duals: dict[str, Any]
    objective: float
    why: str
    outcome: Status = Status.CONVERGED
    nearest: Callable[[Any], Any] | None = None

    def error(self, value: PyTree) -> float:
        """The largest deviation, over all entries, of a value from the nearest answer.

        **Raises:** `ValueError` when the problem has no answer.
        """
        import jax

        if self.optimum is None:
            raise ValueError(f"{self.name} has no answer: it is {self.outcome.word}.")
        answer = self.optimum if self.nearest is None else self.nearest(value)
        gaps = jax.tree.map(lambda a, b: np.max(np.abs(np.asarray(a) - b)), value, answer)
        return float(max(jax.tree.leaves(gaps)))
