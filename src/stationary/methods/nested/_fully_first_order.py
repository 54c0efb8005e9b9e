"""The schedules of the fully first-order method for stochastic bilevel problems."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._responses import ValueFunction
from ..constrained._duals import check_positive
from ._descent import BilevelDescent
from ._estimators import AbstractEstimator

_EXPONENTS = {"none": (1 / 3, 0.0), "upper": (3 / 5, 2 / 5), "both": (5 / 7, 4 / 7)}
"""Of alpha_k and gamma_k, by where gradients are noisy."""


def fully_first_order(
    rate: float,
    penalty: float = 1.0,
    *,
    noise: str = "both",
    upper: float = 0.5,
    offset: float = 1.0,
    inner_steps: int = 1,
    momentum: Any = None,
    estimator: AbstractEstimator | None = None,
    shared_samples: bool = True,
) -> tuple[ValueFunction, BilevelDescent]:
    """F2SA: a response and a method whose penalty and rates change together as its theory asks.

    With t = 1 + k / offset at step k the lower copies move at gamma_k = rate t^-c and gamma_k / 2,
    the penalty is lambda_k = penalty t^(a - c), and x moves at upper gamma_k / (2 lambda_k); the
    exponents a and c are those of the best proved rate for the noise there is.

    **Arguments:**

    - `rate`: of the lower problem, below 1 / (steepness of its gradient).
    - `penalty`: at the start, at least 2 (steepness of F's gradient) / (curvature of g) in theory.
    - `noise`: which gradients are estimated: `"none"`, `"upper"` or `"both"`.
    - `upper`: the rate of x relative to that of y.
    - `offset`: how many steps the first values are kept, about.
    - `inner_steps`: lower steps per upper step.
    - `momentum`: as in [`BilevelDescent`][stationary.methods.BilevelDescent] (F3SA); makes all
        steps simultaneous.
    - `estimator`: as in [`BilevelDescent`][stationary.methods.BilevelDescent]: with
        [`SAGA`][stationary.methods.SAGA] the noise fades, and the schedules of `noise="none"` fit.
    - `shared_samples`: as in [`ValueFunction`][stationary.ValueFunction].

    **Returns:** `(response, method)`: the first goes into the `Nested`, the second into a solve.

    **Raises:** `ValueError` for numbers that are not positive or an unknown noise.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> response, method = st.methods.fully_first_order(0.4, 2.0, noise="none")
        >>> problem = st.Nested(
        ...     lambda x, y: (x - 1.0) ** 2 + y**2, lambda x, y: 0.5 * (y - x) ** 2, response
        ... )
        >>> x0 = (jnp.array(0.0), jnp.array(0.0))
        >>> outcome = st.run(problem, x0, method, max_steps=20_000, differentiable=False)
        >>> round(float(outcome.point.primal[0]), 2)
        0.51

    !!! cite "Reference"
        Kwon, Kwon, Wright and Nowak (2023), A fully first-order method for stochastic bilevel
        optimization, arXiv:2301.10945, theorem 4.1 and corollary 4.2.
    """
    named = {"rate": rate, "penalty": penalty, "upper": upper, "offset": offset}
    for name, value in named.items():
        check_positive(value, f"fully_first_order({name}=...)")
    if noise not in _EXPONENTS:
        raise ValueError(
            f"fully_first_order(noise=...) is one of {', '.join(_EXPONENTS)}, got {noise!r}."
        )
    import optax  # not needed by other methods, and slow to import

    fast, slow = _EXPONENTS[noise]

    def weight(count: Any) -> Float[Array, ""]:
        return penalty * (1 + count / offset) ** (fast - slow)

    def below(count: Any) -> Float[Array, ""]:
        return rate * (1 + jnp.asarray(count) / offset) ** -slow

    rules = (
        optax.sgd(lambda k: 0.5 * upper * below(k) / weight(k)),
        (optax.sgd(lambda k: below(k) / 2), optax.sgd(below)),
    )
    order = "alternating" if momentum is None else "simultaneous"
    method = BilevelDescent(
        *rules, inner_steps=inner_steps, order=order, momentum=momentum, estimator=estimator
    )
    return ValueFunction(weight, shared_samples=shared_samples), method
