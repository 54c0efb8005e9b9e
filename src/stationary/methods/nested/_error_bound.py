"""How well a lower problem's residual tells the distance to its answers."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ..._dtypes import as_arrays, working_dtype
from ..._nested import Nested
from ..._registry import choose_method
from ..._responses import ValueFunction
from ..._run import run
from ..._start import prepare, with_data
from ..._statements import Minimize
from ._below import Mixture


def error_bound(
    problem: Nested,
    x: PyTree,
    y: PyTree,
    *,
    data: PyTree = None,
    proximal: float = 1.0,
    radius: float = 0.1,
    samples: int = 32,
    key: PRNGKeyArray | None = None,
) -> Float[Array, ""]:
    """The constant of the proximal error bound of a penalised lower problem, from samples.

    The smallest |w - prox(w)| / (proximal * distance of w from the answers) over points w around
    the penalised answer, where prox is that of g + F / penalty on the set of y. Where it is small,
    small residuals are far from answers, and penalised values and hypergradients may be far from
    the true ones. The distance is to the answer that descent from w reaches, so that the constant
    comes from above.

    **Arguments:**

    - `problem`: a `Nested` of full data without lower constraints, with `ValueFunction`.
    - `x`: where.
    - `y`: where the lower solve starts.
    - `data`: replaces the statement's data.
    - `proximal`: the step of prox.
    - `radius`: how far the samples are from the answer, times normal numbers.
    - `samples`: how many.
    - `key`: their randomness.

    **Returns:** a scalar; infinite where every sample is an answer.

    **Raises:** `TypeError` for another response.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Nested(
        ...     lambda x, y: y**2, lambda x, y: 0.5 * (y - x) ** 2, st.ValueFunction(100.0)
        ... )
        >>> bound = st.methods.error_bound(problem, jnp.array(1.0), jnp.array(0.0))
        >>> round(float(bound), 2)
        0.5

    !!! cite "Reference"
        Kwon, Kwon, Wright and Nowak (2024), arXiv:2309.01753, assumption 1.
    """
    if not isinstance(problem.response, ValueFunction):
        raise TypeError(f"error_bound needs response=ValueFunction, got {problem.response}.")
    data = as_arrays(problem.data if data is None else data)
    system, point, data = prepare(with_data(problem, data), (x, y))
    x, y, _ = point.primal
    dtype = working_dtype(y)
    whole: Any = system.operator
    operator = whole.at(0, dtype)
    one = jnp.ones((), dtype)
    given = (x, data, 1 / operator.penalty, one)
    plain = Minimize(Mixture(operator.parts), over=problem.follower.over, data=given)
    method, _ = choose_method(plain.lower(y))
    answer = run(plain, y, method, differentiable=False).point.primal
    nearby = Minimize(
        _Proximal(Mixture(operator.parts), proximal),
        over=problem.follower.over,
        data=(answer, given),
    )
    flat, unravel = ravel_pytree(answer)
    space = operator.parts.space

    def ratio(key: PRNGKeyArray) -> Float[Array, ""]:
        moved = flat + radius * jax.random.normal(key, flat.shape, flat.dtype)
        start = space.project(unravel(moved))
        here = ravel_pytree(start)[0]
        options = {"tol": 1e-9 if dtype == jnp.float64 else None, "differentiable": False}
        near = run(nearby, start, method, data=(start, given), **options).point.primal
        reached = run(plain, start, method, data=given, **options).point.primal
        step = jnp.linalg.norm(here - ravel_pytree(near)[0]) / proximal
        distance = jnp.linalg.norm(here - ravel_pytree(reached)[0])
        meaningful = distance > 1e-6 * (1 + jnp.linalg.norm(here))
        return jnp.where(meaningful, step / jnp.where(meaningful, distance, 1), jnp.inf)

    key = jax.random.key(0) if key is None else key
    return jnp.min(jax.lax.map(ratio, jax.random.split(key, samples)))


class _Proximal(eqx.Module):
    """The mixture and |w - centre|^2 / (2 proximal), with data (centre, the mixture's data)."""

    mixture: Mixture
    proximal: float

    def __call__(self, y: PyTree, data: tuple) -> Array:
        centre, rest = data
        gap = ravel_pytree(jax.tree.map(jnp.subtract, y, centre))[0]
        return self.mixture(y, rest) + gap @ gap / (2 * self.proximal)
