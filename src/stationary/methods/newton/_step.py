"""A step before it is searched along, and what may stand in its way."""

import enum
from typing import Any, NamedTuple

from jaxtyping import Array, Bool, Float, Int

from ._merit import Move


class Trouble(enum.IntEnum):
    """What stood in the way of the last step."""

    NONE = 0
    DEPENDENT = 1
    SINGULAR = 2
    NO_DESCENT = 3
    INACCURATE = 4


class Step(NamedTuple):
    """A step, and what its computation found out.

    **Arguments:**

    - `move`: the step itself.
    - `weights`, `accuracy`: the merit's weights and the accuracy from now on.
    - `sound`: whether the step can be used at all.
    - `trouble`: a [`Trouble`] as a number.
    - `dependent`: constraints whose gradients depend on those of others.
    - `left`: the violation that the linearised constraints keep after the full step.
    - `work`: iterations of the linear solver or of quadratic programmes.
    - `estimate`: least-squares multipliers.
    """

    move: Move
    weights: Any
    accuracy: Float[Array, ""]
    sound: Bool[Array, ""]
    trouble: Int[Array, ""]
    dependent: Bool[Array, "m"]
    left: Float[Array, ""]
    work: Int[Array, ""]
    estimate: Float[Array, "m"]
