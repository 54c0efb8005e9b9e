"""Where a problem stands: the unknowns and the multipliers of its constraints."""

from typing import Any

import equinox as eqx
from jaxtyping import PyTree


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

    primal: PyTree
    duals: dict[str, Any]
