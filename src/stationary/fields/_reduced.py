"""The equation with a kink in a few modes, and a bound on what that costs."""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._laplacian import DirichletLaplacian
from ._max_type import MaxTypeElliptic


def proper_orthogonal_basis(
    laplacian: DirichletLaplacian, snapshots: Any, modes: int
) -> Float[np.ndarray, "modes *grid"]:
    """The modes in which a set of fields is best expressed, in the mean square.

    **Arguments:**

    - `laplacian`: the grid.
    - `snapshots`: fields, shape `(m, *grid)`; scale them if some are to count more than others.
    - `modes`: how many modes, at most m.

    **Returns:** orthonormal modes (their products integrate to 0 or 1), the most important first.

    **Raises:** `ValueError` for snapshots of another grid, or too few or linearly dependent ones.

    !!! example
        >>> import numpy as np
        >>> laplacian = DirichletLaplacian(31)
        >>> (x,) = laplacian.points
        >>> fields = np.stack([np.sin(np.pi * x), 2 * np.sin(np.pi * x) + np.sin(2 * np.pi * x)])
        >>> basis = proper_orthogonal_basis(laplacian, fields, 2)
        >>> float(laplacian.inner(basis[0], basis[0])), basis.shape
        (1.0, (2, 31))

    !!! cite "Reference"
        Sirovich (1987), Turbulence and the dynamics of coherent structures.
    """
    rows = np.asarray(snapshots, float)
    if rows.shape[1:] != laplacian.shape:
        raise ValueError(
            f"snapshots must have shape (m, {', '.join(map(str, laplacian.shape))}), got "
            f"{rows.shape}."
        )
    flat = rows.reshape(len(rows), -1) * np.sqrt(laplacian.cell)
    _, sizes, directions = np.linalg.svd(flat, full_matrices=False)
    available = int(np.sum(sizes > sizes[0] * 1e-13)) if sizes.size and sizes[0] > 0 else 0
    if not 1 <= modes <= available:
        raise ValueError(
            f"{modes} modes were asked for, but the {len(rows)} snapshots have {available}."
        )
    return directions[:modes].reshape(modes, *laplacian.shape) / np.sqrt(laplacian.cell)


class ReducedMaxTypeElliptic(eqx.Module):
    """A [`MaxTypeElliptic`][stationary.fields.MaxTypeElliptic] equation in a few modes (Galerkin).

    Fields are combinations of the modes of a basis. The kink is evaluated on the grid, all else in
    the modes.

    **Arguments:**

    - `equation`: the full equation.
    - `basis`: orthonormal modes, shape `(modes, *grid)`, of
        [`proper_orthogonal_basis`][stationary.fields.proper_orthogonal_basis].

    **Raises:** `ValueError` for a basis of another grid, or one that is not orthonormal.

    !!! example
        >>> import jax.numpy as jnp
        >>> equation = MaxTypeElliptic(kappa=10.0, shape=31)
        >>> (x,) = equation.laplacian.points
        >>> sources = jnp.stack([jnp.sin(jnp.pi * x), jnp.sin(2 * jnp.pi * x)])
        >>> states = jnp.stack([equation.solve(u) for u in sources])
        >>> basis = proper_orthogonal_basis(equation.laplacian, states, 2)
        >>> reduced = ReducedMaxTypeElliptic(equation, basis)
        >>> y = reduced.lift(reduced.solve(reduced.project(sources[0])))
        >>> bool(jnp.max(jnp.abs(y - states[0])) < 1e-9)  # a snapshot is met exactly
        True
    """

    equation: MaxTypeElliptic
    basis: Float[Array, "modes *grid"]
    stiffness: Float[Array, "modes modes"]

    def __init__(self, equation: MaxTypeElliptic, basis: Any) -> None:
        laplacian, basis = equation.laplacian, jnp.asarray(basis)
        if basis.shape[1:] != laplacian.shape:
            raise ValueError(
                f"the basis has modes of shape {basis.shape[1:]}, the grid is {laplacian.shape}."
            )
        flat = basis.reshape(len(basis), -1)
        products = np.asarray(laplacian.cell * flat @ flat.T)
        if not np.allclose(products, np.eye(len(basis)), atol=1e-4):
            raise ValueError("the basis is not orthonormal; see proper_orthogonal_basis.")
        bent = jax.vmap(laplacian.apply)(basis).reshape(len(basis), -1)
        self.equation = equation
        self.basis = basis
        self.stiffness = laplacian.cell * flat @ bent.T

    def project(self, field: Float[Array | np.ndarray, "*grid"]) -> Float[Array, "modes"]:
        """The coefficients of a field's best approximation in the modes."""
        return self.equation.laplacian.cell * jnp.tensordot(self.basis, field, field.ndim)

    def lift(self, coefficients: Float[Array, "modes"]) -> Float[Array, "*grid"]:
        """The field of these coefficients."""
        return jnp.tensordot(coefficients, self.basis, 1)

    def solve(self, load: Float[Array, "modes"]) -> Float[Array, "modes"]:
        """The state's coefficients, from those of the source; differentiable as the full one."""
        laplacian = self.equation.laplacian
        kappa = jnp.asarray(self.equation.kappa, load.dtype)
        flat = jnp.sqrt(laplacian.cell) * self.basis.reshape(len(self.basis), -1)
        return _coefficients(self.equation.max_steps, kappa, self.stiffness, flat, load)

    def error_bound(
        self, coefficients: Float[Array, "modes"], source: Float[Array | np.ndarray, "*grid"]
    ) -> Float[Array, ""]:
        """A bound on the distance of a reduced field from the state of a source.

        In the energy norm, the square root of the integral of the squared gradient. Because the
        kink is monotone it is at most the dual norm of the residual, which one solve with the
        Laplacian gives.
        """
        field, laplacian = self.lift(coefficients), self.equation.laplacian
        residual = self.equation.residual(field, source)
        square = laplacian.inner(residual, laplacian.solve(residual))
        return jnp.sqrt(jnp.maximum(square, 0))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _coefficients(
    max_steps: int,
    kappa: Float[Array, ""],
    stiffness: Float[Array, "r r"],
    flat: Float[Array, "r n"],
    load: Float[Array, "r"],
) -> Float[Array, "r"]:
    """Newton's method as for the full equation: the linear equation of the set where y > 0."""

    def step(carry):
        coefficients, positive, _, steps = carry
        coefficients = jnp.linalg.solve(_slope(kappa, stiffness, flat, positive), load)
        now = coefficients @ flat > 0
        return coefficients, now, jnp.all(now == positive), steps + 1

    def going(carry):
        *_, done, steps = carry
        return ~done & (steps < max_steps)

    nowhere = jnp.zeros(flat.shape[1], bool)
    start = (jnp.zeros_like(load), nowhere, jnp.array(False), jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(going, step, start)[0]


def _slope(kappa, stiffness, flat, positive):
    return stiffness + kappa * (flat * positive) @ flat.T


@_coefficients.defjvp
def _coefficients_jvp(max_steps, primals, tangents):
    kappa, stiffness, flat, load = primals
    kappa_dot, stiffness_dot, flat_dot, load_dot = tangents
    found = _coefficients(max_steps, kappa, stiffness, flat, load)

    def residual(kappa, stiffness, flat, load):
        return stiffness @ found + kappa * flat @ jnp.where(positive, found @ flat, 0) - load

    positive = found @ flat > 0
    _, shift = jax.jvp(residual, primals, (kappa_dot, stiffness_dot, flat_dot, load_dot))
    return found, jnp.linalg.solve(_slope(kappa, stiffness, flat, positive), -shift)
