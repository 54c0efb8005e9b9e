"""Where a problem stands: the unknowns and the multipliers of its constraints."""

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, PyTree


class Point(eqx.Module):
    """Primal variables together with the multipliers of the named constraints.

    **Arguments:**

    - `primal`: the unknown, a pytree of arrays; for a `Saddle` the pair `(x, y)`.
    - `duals`: one array per constraint, keyed by its name and shaped like its value. The sign
        follows L = f + <dual, g>: non-negative for `at_most`, free for `equal`, in the polar
        cone for `in_cone`.

    !!! example
        >>> import numpy as np
        >>> Point(np.zeros(2), {"budget": np.array(0.5)}).duals["budget"].item()
        0.5
    """

    primal: PyTree[Array | np.ndarray]
    duals: dict[str, Float[Array | np.ndarray, "..."]]
