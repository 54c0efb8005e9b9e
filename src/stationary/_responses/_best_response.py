"""A model of the lower answer as a function of x, trained along with it."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PyTree

from ._base import (
    AbstractPairOperator,
    AbstractResponse,
    Parts,
    check_schedule,
    refuse_constraints,
)


class BestResponse(AbstractResponse):
    """Learn the lower answer as a function of x near x, and differentiate through the model.

    The model's parameters p descend the mean of g(h, predict(p, h)) over h = x + spread * normal,
    and x descends F(x, predict(p, x)): no second derivatives, and one training for a whole
    neighbourhood of x. In the literature the model is a hypernetwork; a linear one, of which
    [`linear_response`][stationary.linear_response] makes the smallest, is a self-tuning network's.
    The unknown is `(x, y, parameters)`, with y on its way to predict(parameters, x).

    **Arguments:**

    - `predict`: from parameters and x to y.
    - `parameters`: where they start, a pytree of real floating arrays.
    - `spread`: the deviation of h around x, a number or a schedule of the step's count. The slope
        of a model is off by O(spread^2); too small a spread teaches it no slope.
    - `samples`: pairs of opposite h per step.

    **Raises:** `TypeError` when the lower problem has constraints; `ValueError` for a spread that
    is not positive or fewer samples than 1.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> def upper(x, y):
        ...     return (x - 1.0) ** 2 + y**2
        >>> def lower(x, y):
        ...     return (y - x) ** 2
        >>> start = (jnp.array(0.0), jnp.array(0.0))
        >>> response = st.BestResponse(*st.linear_response(*start), spread=0.3)
        >>> method = st.methods.BilevelDescent(0.05, (None, 0.3), inner_steps=5)
        >>> outcome = st.run(st.Nested(upper, lower, response), start, method, tol=1e-4)
        >>> [round(float(v), 2) for v in outcome.point.primal[:2]]
        [0.5, 0.5]

    !!! cite "Reference"
        Lorraine and Duvenaud (2018), Stochastic hyperparameter optimization through
        hypernetworks, arXiv:1802.09419; MacKay et al. (2019), arXiv:1903.03088.
    """

    predict: Callable[[PyTree, PyTree], PyTree]
    parameters: PyTree
    spread: Any = 0.1
    samples: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        where = "BestResponse(spread=...)"
        check_schedule(self.spread, where, lambda v: 0 < v < float("inf"), "positive and finite")
        if self.samples < 1:
            raise ValueError(f"BestResponse(samples=...) must be at least 1, got {self.samples}.")

    def embed(self, problem, x, y):
        shapes = [jnp.shape(leaf) for leaf in jax.tree.leaves(y)]
        found = jax.eval_shape(self.predict, self.parameters, x)
        if jax.tree.structure(found) != jax.tree.structure(y) or shapes != [
            leaf.shape for leaf in jax.tree.leaves(found)
        ]:
            raise TypeError(
                f"BestResponse: predict(parameters, x) must be like y ({shapes}), but is {found}."
            )
        return x, y, self.parameters

    def operator(self, parts):
        return BestResponseOperator(parts, self.predict, self.spread, self.samples)

    def check(self, problem):
        refuse_constraints(problem, "BestResponse", "response=KKT() or st.Implicit()")


class BestResponseOperator(AbstractPairOperator):
    """(gradient of F along the model, way to its prediction, gradient of the mean lower loss)."""

    parts: Parts
    predict: Callable
    spread: Any
    samples: int = eqx.field(static=True)

    @property
    def natural(self):
        return frozenset({1})

    @property
    def coefficients(self):
        return {"spread": self.spread}

    @property
    def scheduled(self):
        return True  # every step sees other neighbours of x

    def lead(self, primal, data, index, upper):
        x, _, parameters = primal
        return jax.grad(lambda x: upper(x, self._answer(parameters, x)))(x)

    def follow(self, primal, data, index, upper):
        x, y, parameters = primal
        way = jax.tree.map(jnp.subtract, y, self._answer(parameters, x))
        leaves, structure = jax.tree.flatten(x)

        def loss(parameters: PyTree, key: Array, sign: float) -> Array:
            keys = jax.random.split(key, len(leaves))
            near = [
                leaf + sign * self.spread * jax.random.normal(k, leaf.shape, leaf.dtype)
                for leaf, k in zip(leaves, keys, strict=True)
            ]
            h = jax.tree.unflatten(structure, near)
            return self.parts.lower(h, self._answer(parameters, h), data, index)

        def mean(parameters: PyTree) -> Array:
            keys = jax.random.split(jax.random.fold_in(jax.random.key(0), index), self.samples)
            both = [jax.vmap(lambda k, s=s: loss(parameters, k, s))(keys) for s in (1.0, -1.0)]
            return jnp.mean(jnp.stack(both))

        return way, jax.grad(mean)(parameters)

    def _answer(self, parameters: PyTree, x: PyTree) -> PyTree:
        return self.parts.space.project(self.predict(parameters, x))


def linear_response(x: PyTree, y: PyTree) -> tuple[Callable[[PyTree, PyTree], PyTree], PyTree]:
    """The model y + V (h - x), with parameters y and V that start at the given y and at 0.

    **Arguments:**

    - `x`: where the model is centred, a pytree of real floating arrays.
    - `y`: its prediction there, likewise.

    **Returns:** `(predict, parameters)`, for [`BestResponse`][stationary.BestResponse]; the
    parameters are `{"at": (ny,), "slope": (ny, nx)}`.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> predict, parameters = st.linear_response(jnp.zeros(2), {"w": jnp.ones(3)})
        >>> parameters["slope"].shape, predict(parameters, jnp.ones(2))["w"].tolist()
        ((3, 2), [1.0, 1.0, 1.0])
    """
    centre, _ = ravel_pytree(x)
    at, unravel = ravel_pytree(y)

    def predict(parameters: dict[str, Array], h: PyTree) -> PyTree:
        moved = ravel_pytree(h)[0] - centre
        return unravel(parameters["at"] + parameters["slope"] @ moved)

    return predict, {"at": at, "slope": jnp.zeros((at.size, centre.size), at.dtype)}
