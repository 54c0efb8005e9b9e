"""Where epsilon descent stands between two steps."""

import equinox as eqx
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._method import Metrics
from ..._operators import Duals
from ..._point import Point
from ._bundle import Bundle


class EpsilonDescentState(eqx.Module):
    """A point, the subgradients sampled around it, and where the sampling stands.

    A function is an objective or, at the end, the largest entry of all constraints.

    **Arguments:**

    - `primal`, `values`: the point, and each function there, objectives in alphabetical order.
    - `entries`, `slopes`: the constraints there, and the lengths of the objectives' subgradients.
    - `duals`: the multipliers by the bundle's weights.
    - `bundle`: the sampled subgradients; minus the shortest vector of their hull is the direction.
    - `epsilon`, `delta`: the radius, and the length of that vector that ends it.
    - `phase`: what the next step does.
    - `pending`: the functions that the direction does not improve enough at the radius.
    - `low`, `high`, `slack`, `drift`: per function, the ends of its bisection along the
        direction, what is bisected at `high`, and the slope it is tilted by.
    - `trials`: bisections since the direction was chosen.
    - `length`: of the next trial of the line search, or of the last move.
    - `subgradients`, `moves`: how many have been evaluated and made.
    - `fault`: the function whose bisection found nothing, or -1.
    - `rest`, `reached`: the last point at which the radius shrank, and the metrics there.
    - `flat`: what could still be gained drowns in rounding.
    - `settled`: whether that ended the search for a direction, so that `rest` is the answer.
    """

    primal: PyTree[Array]
    values: Float[Array, "functions"]
    entries: Duals
    slopes: Float[Array, "objectives"]
    duals: Duals
    bundle: Bundle
    epsilon: Float[Array, ""]
    delta: Float[Array, ""]
    phase: Int[Array, ""]
    pending: Bool[Array, "functions"]
    low: Float[Array, "functions"]
    high: Float[Array, "functions"]
    slack: Float[Array, "functions"]
    drift: Float[Array, "functions"]
    trials: Int[Array, ""]
    length: Float[Array, ""]
    subgradients: Int[Array, ""]
    moves: Int[Array, ""]
    fault: Int[Array, ""]
    rest: Point
    reached: Metrics
    flat: Bool[Array, ""]
    settled: Bool[Array, ""]
