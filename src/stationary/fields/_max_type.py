"""An elliptic equation with a kink, solved by a semismooth Newton method."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._conjugate_gradients import conjugate_gradients
from ._laplacian import DirichletLaplacian, Field


class NewtonState(NamedTuple):
    """What a Newton method ended with.

    **Arguments:**

    - `field`: the solution.
    - `steps`: linear systems solved.
    - `residual`: the largest entry of the equation's residual, over that of the source.
    """

    field: Float[Array, "..."]
    steps: Int[Array, ""]
    residual: Float[Array, ""]


class MaxTypeElliptic(eqx.Module):
    """The state equation -Laplace y + kappa max(0, y) = u with y = 0 at the boundary.

    On the unit interval, square or cube, by second differences. Newton's method takes the slope
    kappa where y > 0, strictly, and 0 elsewhere; its iterates fall monotonically, and finitely many
    steps solve the discrete equation exactly. Linear systems are tridiagonal on an
    interval. On a square or cube they are solved by conjugate gradients, preconditioned by sine
    transforms, to the precision of the dtype; no matrix is formed.

    The solution is differentiable in u and kappa, forwards and backwards, through the equation that
    it satisfies and with the same slope at 0: one linear system more, whatever the number of steps.
    Gradients are those of sums over grid points. For the gradient in the sense of integrals, which
    does not depend on the grid, divide by `laplacian.cell`.

    **Arguments:**

    - `kappa`: the slope of the kink, not negative.
    - `shape`: inner grid points per axis, at least 3; an int for an interval.
    - `max_steps`: the limit of Newton steps; a handful are needed.

    **Raises:** `ValueError` for a negative kappa, with which solutions need not be unique, and for
    grids that are too small.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> equation = MaxTypeElliptic(kappa=10.0, shape=63)
        >>> (x,) = equation.laplacian.points
        >>> y = equation.solve(jnp.sin(2 * jnp.pi * x))
        >>> bool(y[15] > 0), bool(y[47] < 0), bool(y[15] < -y[47])
        (True, True, True)
        >>> slope = jax.grad(lambda u: jnp.sum(equation.solve(u)))(jnp.zeros(63))
        >>> bool(jnp.allclose(slope, x * (1 - x) / 2))  # at y = 0 the kink does not count
        True

    !!! cite "Reference"
        Christof and Müller (2021), Multiobjective optimal control of a non-smooth semilinear
        elliptic partial differential equation; Hintermüller, Ito and Kunisch (2003), The
        primal-dual active set strategy as a semismooth Newton method.
    """

    kappa: Float[Array | np.ndarray, ""] | float
    laplacian: DirichletLaplacian
    max_steps: int = eqx.field(static=True)

    def __init__(self, kappa: Any, shape: int | Sequence[int], *, max_steps: int = 50) -> None:
        if not isinstance(kappa, jax.core.Tracer) and not float(kappa) >= 0:
            raise ValueError(
                f"kappa must not be negative, got {kappa}: the equation would lose its "
                "monotonicity, and with it the uniqueness of its solution."
            )
        if max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {max_steps}.")
        self.kappa = kappa
        self.laplacian = DirichletLaplacian(shape)
        self.max_steps = max_steps

    def solve(self, source: Field) -> Float[Array, "..."]:
        """The state y of a source u: a field of the grid's shape; differentiable.

        **Raises:** `ValueError` for a source of another shape.
        """
        source = self._checked(source)
        kappa = jnp.asarray(self.kappa, source.dtype)
        return _state(self.laplacian, self.max_steps, kappa, source)

    def newton(self, source: Field) -> NewtonState:
        """The same with the number of Newton steps and the residual; not to be differentiated.

        **Raises:** `ValueError` for a source of another shape.
        """
        source = self._checked(source)
        kappa = jnp.asarray(self.kappa, source.dtype)
        return _newton(self.laplacian, self.max_steps, kappa, source)

    def residual(self, field: Field, source: Field) -> Float[Array, "..."]:
        """-Laplace y + kappa max(0, y) - u."""
        return self.laplacian.apply(field) + self.kappa * jnp.maximum(field, 0) - source

    def _checked(self, source: Any) -> Float[Array, "..."]:
        source = jnp.asarray(source)
        if source.shape != self.laplacian.shape:
            raise ValueError(
                f"the source has shape {source.shape}, but the grid has {self.laplacian.shape}."
            )
        return source.astype(jnp.result_type(source.dtype, jnp.float32))


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _state(
    laplacian: DirichletLaplacian,
    max_steps: int,
    kappa: Float[Array, ""],
    source: Float[Array, "..."],
) -> Float[Array, "..."]:
    return _newton(laplacian, max_steps, kappa, source).field


@_state.defjvp
def _state_jvp(laplacian, max_steps, primals, tangents):
    (kappa, source), (kappa_dot, source_dot) = primals, tangents
    field = _state(laplacian, max_steps, kappa, source)
    positive = field > 0
    # Where the field is positive kappa acts on it; the slope is that of the last Newton step.
    right = source_dot - kappa_dot * jnp.where(positive, field, 0)
    return field, solve_linear(laplacian, kappa, positive, right)


def _newton(
    laplacian: DirichletLaplacian,
    max_steps: int,
    kappa: Float[Array, ""],
    source: Float[Array, "..."],
) -> NewtonState:
    # kappa max(0, y) is kappa y where y > 0, so a Newton step is the linear equation of its set.
    eps = float(jnp.finfo(source.dtype).eps)
    stiffness = sum(4 / h**2 for h in laplacian.spacing)

    def step(carry):
        field, positive, _, steps = carry
        field = solve_linear(laplacian, kappa, positive, source, start=field)
        now = field > 0
        # Points that change sides count only beyond the rounding of the equation itself.
        off = kappa * jnp.max(jnp.where(now != positive, jnp.abs(field), 0))
        noise = 10 * eps * (stiffness * jnp.max(jnp.abs(field)) + jnp.max(jnp.abs(source)))
        return field, now, off <= noise, steps + 1

    def going(carry):
        *_, done, steps = carry
        return ~done & (steps < max_steps)

    zero = jnp.zeros_like(source)
    start = (zero, zero > 0, jnp.array(False), jnp.zeros((), jnp.int32))
    field, _, _, steps = jax.lax.while_loop(going, step, start)
    off = laplacian.apply(field) + kappa * jnp.maximum(field, 0) - source
    size = jnp.max(jnp.abs(source))
    return NewtonState(field, steps, jnp.max(jnp.abs(off)) / jnp.where(size > 0, size, 1))


def solve_linear(
    laplacian: DirichletLaplacian,
    kappa: Float[Array, ""],
    positive: Bool[Array, "..."],
    right: Float[Array, "..."],
    start: Float[Array, "..."] | None = None,
) -> Float[Array, "..."]:
    """The solution of -Laplace z + kappa 1{positive} z = right."""
    slope = jnp.where(positive, kappa, 0)
    if len(laplacian.shape) == 1:
        import lineax as lx  # a tenth of a second that only solving needs to spend

        h = laplacian.spacing[0]
        beside = jnp.full(right.size - 1, -1 / h**2, right.dtype)
        operator = lx.TridiagonalLinearOperator(2 / h**2 + slope, beside, beside)
        return lx.linear_solve(operator, right, lx.Tridiagonal()).value

    def multiply(z):
        return laplacian.apply(z) + slope * z

    def solve(multiply, b):
        # Between the Laplacian and the Laplacian plus kappa, half of it is as near as one can be.
        return conjugate_gradients(multiply, b, lambda r: laplacian.solve(r, kappa / 2), start)

    return jax.lax.custom_linear_solve(multiply, right, solve, symmetric=True)
