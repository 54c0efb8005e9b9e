"""How accurately a Newton system is solved: as far as the merit needs, and no further."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

MODES = ("practical", "theory")
RATES = ("linear", "superlinear")
_FLOOR = 1e-6
_SPREAD = 20.0


class Demands(NamedTuple):
    """What the accuracy of a linear solve depends on.

    **Arguments:**

    - `residual`: |b|, the size of the Newton system's right-hand side.
    - `system`, `model`, `hessian`, `jacobian`: Frobenius norms of A, B, the Lagrangian's Hessian
        and J.
    - `smallest`: the smallest eigenvalue of J J'.
    - `eta1`, `eta2`, `decrease`: of the exact augmented Lagrangian.
    """

    residual: Float[Array, ""]
    system: Float[Array, ""]
    model: Float[Array, ""]
    hessian: Float[Array, ""]
    jacobian: Float[Array, ""]
    smallest: Float[Array, ""]
    eta1: Float[Array, ""] | float
    eta2: Float[Array, ""] | float
    decrease: float


class AdaptiveAccuracy(eqx.Module):
    """When an iterative linear solver inside `LagrangeNewton` may stop.

    It goes on until the residual is below a goal and the step is one of descent for the merit;
    when it is none, the merit's weights move, the goal tightens, and the solver goes on from where
    it is.

    In `"practical"` mode the goal is |r| <= start |b|, or start min(1, sqrt|b|) |b| for a
    superlinear rate, where b is the right-hand side. In `"theory"` mode it is the paper's
    |A| psi |r| <= theta delta |b|, with psi and delta from bounds on the matrices and theta = 1
    or min(1, |b|). That is what its theorems assume, and it is very small: expect hundreds of
    thousands of row actions.

    **Arguments:**

    - `mode`: `"practical"` or `"theory"`.
    - `rate`: `"linear"` or `"superlinear"`, the local rate of convergence that is aimed at.
    - `start`: the first delta, a share in (0, 1). As an array it can change without compiling anew.
    - `shrink`: the factor by which delta shrinks when a step is none of descent, above 1.

    **Raises:** `ValueError` for anything else.

    !!! example
        >>> from stationary.methods import AdaptiveAccuracy
        >>> AdaptiveAccuracy(rate="linear").mode
        'practical'

    !!! cite "Reference"
        Hong, Na, Mahoney and Kolar (2023), Constrained optimization via exact augmented Lagrangian
        and randomized iterative sketching (arXiv:2305.18379), algorithm 2.
    """

    mode: str = eqx.field(static=True, default="practical")
    rate: str = eqx.field(static=True, default="superlinear")
    start: float | Float[Array, ""] = 0.1
    shrink: float = 1.5**4

    def __check_init__(self):
        for name, known in (("mode", MODES), ("rate", RATES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {list(known)}, got {getattr(self, name)!r}.")
        if not 0 < self.start < 1:
            raise ValueError(f"start must lie in (0, 1), got {self.start}.")
        if not self.shrink > 1:
            raise ValueError(f"shrink must exceed 1, got {self.shrink}.")

    def limited(self, delta: Float[Array, ""], d: Demands) -> Float[Array, ""]:
        """delta, no larger than the theory allows (delta_trial), and no smaller than its floor."""
        if self.mode == "practical":
            return delta
        largest = jnp.maximum(jnp.maximum(d.jacobian, d.hessian), 1.0)
        bound = (0.5 - d.decrease) * d.eta2
        bound /= (1 + d.eta1 + d.eta2) * (largest * _psi(d)) ** 2
        return jnp.maximum(jnp.minimum(delta, bound), _FLOOR)

    def goal(self, delta: Float[Array, ""], d: Demands) -> Float[Array, ""]:
        """The residual |r| to reach."""
        if self.mode == "practical":
            share = jnp.minimum(1.0, jnp.sqrt(d.residual)) if self.rate == "superlinear" else 1.0
            return delta * share * d.residual
        share = jnp.minimum(1.0, d.residual) if self.rate == "superlinear" else 1.0
        return share * delta * d.residual / (d.system * _psi(d))


def _psi(d: Demands) -> Float[Array, ""]:
    """How much an error of the step can exceed the residual, from above (psi)."""
    smallest = jnp.minimum(d.smallest, 1.0) * 0.1
    return _SPREAD * jnp.maximum(d.model**2, 1.0) / jnp.maximum(smallest, 1e-30)
