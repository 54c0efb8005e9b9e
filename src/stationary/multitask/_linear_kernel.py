"""The kernel of linear functions that share a part."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._arguments import check_positive, floating
from ._kernel import AbstractTaskKernel


class LinearMultitaskKernel(AbstractTaskKernel):
    """The kernel of linear functions whose weights share a part: (a + b_t [t = t']) x . x'.

    The weights of task t are w_0 + v_t with independent normal entries, of variance a in w_0 and
    b_t in v_t. As b goes to 0 there is one function for all tasks, as a goes to 0 they have
    nothing in common.

    **Arguments:**

    - `shared`: a, a positive number.
    - `own`: b, a positive number per task, shape `(T,)`.

    **Raises:** `ValueError` for numbers that are not positive, and for an `own` that is not a
    vector.

    !!! example
        >>> import numpy as np
        >>> kernel = LinearMultitaskKernel(1.0, np.array([0.5, 2.0]))
        >>> kernel(np.array([[1.0], [3.0]]), np.array([0, 1])).tolist()
        [[1.5, 3.0], [3.0, 27.0]]
    """

    shared: Float[Array, ""]
    own: Float[Array, "T"]
    tasks: int = eqx.field(static=True)

    def __init__(self, shared: Any, own: Any) -> None:
        if np.ndim(shared) != 0 or np.ndim(own) != 1 or not np.size(own):
            raise ValueError(
                "LinearMultitaskKernel needs one number `shared` and a vector `own` with a number "
                f"per task, got shapes {np.shape(shared)} and {np.shape(own)}."
            )
        check_positive("LinearMultitaskKernel: shared", shared)
        check_positive("LinearMultitaskKernel: own", own)
        self.shared, self.own = floating(shared), floating(own)
        self.tasks = np.size(own)

    def covariance(self, inputs, tasks, other_inputs, other_tasks):
        same = jnp.asarray(tasks)[:, None] == jnp.asarray(other_tasks)[None, :]
        strength = self.shared + jnp.where(same, self.own[tasks][:, None], 0)
        return strength * jnp.matmul(inputs, other_inputs.T, precision="highest")

    def variance(self, inputs, tasks):
        return (self.shared + self.own[tasks]) * jnp.sum(inputs**2, axis=1)

    def free(self):
        return {"shared": jnp.log(self.shared), "own": jnp.log(self.own)}

    def bound(self, free):
        logs = jnp.exp(free["shared"]), jnp.exp(free["own"])
        return eqx.tree_at(lambda kernel: (kernel.shared, kernel.own), self, logs)

    def check_inputs(self, inputs):
        del inputs  # any dimension will do
