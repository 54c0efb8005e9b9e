"""Whether a scalar potential is bounded below."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from ._potential import ScalarPotential
from ._starts import directions
from ._termset import TermSet


@dataclass(frozen=True, eq=False)
class Boundedness:
    """What was found out about a potential far from the origin.

    **Arguments:**

    - `verdict`: `"bounded"`, `"unbounded"`, or `"marginal"` where the quartic terms vanish along a
        direction and nothing lowers them further.
    - `minimum`: the lowest value of the quartic terms found on the unit sphere of all components.
    - `direction`: where that is, by field: along it an unbounded potential falls.
    - `reason`: the finding in words.
    """

    verdict: str
    minimum: float
    direction: dict[str, np.ndarray]
    reason: str

    def __bool__(self) -> bool:
        return self.verdict == "bounded"

    def __str__(self) -> str:
        return f"{self.verdict}: {self.reason}"


def bounded_below(
    potential: ScalarPotential | TermSet,
    couplings: Mapping[str, Any],
    *,
    starts: int = 64,
    seed: int = 0,
    tol: float | None = None,
) -> Boundedness:
    """Whether a potential is bounded below, by the sign of its quartic terms.

    They are minimised over the unit sphere from many starts by `solve_batch`. A negative value is
    a proof that the potential is unbounded, along the direction that is returned. A positive
    minimum is as good as the search: it is the lowest that was found.

    **Arguments:**

    - `potential`: of one Lagrangian; or the Lagrangian itself.
    - `couplings`: by name, as `ScalarPotential.couplings` takes them.
    - `starts`, `seed`: how many starts, and which.
    - `tol`: what counts as zero, relative to the size of the quartic terms; default 1e-8 in
        float64, 1e-4 in float32.

    **Returns:** a [`Boundedness`][stationary.fieldtheory.Boundedness]; true when bounded.

    **Raises:** `ValueError` for couplings that do not fit the potential.

    !!! example
        >>> from stationary.fieldtheory import bounded_below, model, lagrangian_terms
        >>> potential = lagrangian_terms(model("real singlet")).potential()
        >>> quartics = {"H H H* H*": 0.25, "s s s s": 0.25}
        >>> [
        ...     bounded_below(potential, quartics | {"H H* s s": portal}).verdict
        ...     for portal in (-0.49, -0.51)
        ... ]
        ['bounded', 'unbounded']

    !!! cite "Source"
        Kannike, arXiv:1205.3781: a potential is bounded below when its quartic part is copositive.
    """
    from .._statements import Minimize
    from ..driver import solve_batch
    from ..sets import Sphere

    potential = potential.potential() if isinstance(potential, TermSet) else potential
    given = potential.couplings(couplings)
    quartic = {term.name: given[term.name] * (term.degree == 4) for term in potential.terms}
    vectors = directions(potential, starts, seed)
    x0, origin = jnp.asarray(vectors), np.zeros(potential.size)
    if tol is None:
        tol = 1e-8 if x0.dtype == np.float64 else 1e-4
    lines = [potential.line(origin, u, quartic)[4] for u in vectors]
    size = float(np.max(np.abs(lines)))
    if size == 0:
        return _lower_orders(potential, given, vectors[0], 0.0, tol)
    scaled = {name: value / size for name, value in quartic.items()}
    batch = solve_batch(
        Minimize(potential.at_vector, over=Sphere(), data=scaled), x0, max_steps=2000
    )
    found = np.concatenate([np.asarray(batch.value, float), vectors])
    found = found[np.all(np.isfinite(found), axis=1)]
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    heights = [potential.line(origin, u, quartic)[4] for u in found]
    lowest = int(np.argmin(heights))
    minimum, direction = float(heights[lowest]), found[lowest]
    if abs(minimum) <= tol * size:
        return _lower_orders(potential, given, direction, minimum, tol)
    values = potential.values(potential.unravel(direction))
    if minimum < 0:
        reason = f"the quartic terms are {minimum:.3g} < 0 at a point of the unit sphere"
        return Boundedness("unbounded", minimum, values, reason)
    reason = (
        f"the quartic terms are at least {minimum:.3g} > 0 on the unit sphere ({starts} starts)"
    )
    return Boundedness("bounded", minimum, values, reason)


def _lower_orders(
    potential: ScalarPotential,
    couplings: Mapping[str, Any],
    direction: np.ndarray,
    minimum: float,
    tol: float,
) -> Boundedness:
    line = potential.line(np.zeros(potential.size), direction, couplings)
    if line[3] > 0:
        direction, line = -direction, line * [1, -1, 1, -1, 1]
    scale = max(tol, float(np.max(np.abs(line[1:4])))) * tol
    reason = "the quartic terms vanish along a direction"
    if line[3] < -scale:
        reason += f", and the cubic ones fall there ({line[3]:.3g})"
    elif line[2] < -scale:
        reason += f", and the quadratic ones fall there ({line[2]:.3g})"
    return Boundedness("marginal", minimum, potential.values(potential.unravel(direction)), reason)
