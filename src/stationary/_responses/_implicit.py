"""The derivative of the lower answer, by the implicit function theorem."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PyTree

from ..sets import AbstractSet, Nonnegative, Nonpositive, Zero
from ._adjoint import Adjoint, as_solver, solve_adjoint
from ._base import AbstractPairOperator, AbstractResponse, Parts


class Implicit(AbstractResponse):
    """Differentiate the lower answer by the implicit function theorem (one adjoint solve a step).

    The system's unknown is `(x, y)`: x follows the hypergradient at the present y, y descends the
    lower objective, so one loop moves both. The lower problem may have a set, and equality and
    inequality constraints: their multipliers join the unknown, which is then `(x, y, multipliers)`.

    **Arguments:**

    - `solver`: how to solve the adjoint system: [`Neumann`][stationary.Neumann] with a few
        products, [`LeastSquares`][stationary.LeastSquares] for singular lower problems, any Lineax
        solver such as `lineax.CG(1e-6, 1e-6)`, or `None`: factorised up to 2000 unknowns, GMRES
        beyond.

    **Raises:** `TypeError` for anything else.

    !!! cite "Reference"
        Pedregosa (2016), Hyperparameter optimization with approximate gradient, arXiv:1602.02355.
    """

    solver: Any = eqx.field(converter=as_solver, default=None)

    def embed(self, problem, x, y):
        duals = problem.lower_duals(x, y)
        return (x, y, duals) if duals else (x, y)

    def operator(self, parts):
        return HypergradientOperator(parts, self.solver)

    def sets(self, parts, like):
        if not parts.constraints:
            return ()
        return ({name: _polar(c.cone) for name, c in parts.constraints.items()},)

    def check(self, problem):
        for name, constraint in problem.follower.subject_to.items():
            if not isinstance(constraint.cone, Zero | Nonpositive | Nonnegative):
                raise TypeError(
                    f"response=Implicit takes equalities and inequalities of the lower problem, "
                    f"but {name!r} lies in {constraint.cone.describe()}. Use response=KKT()."
                )


class HypergradientOperator(AbstractPairOperator):
    """(hypergradient in x, lower Lagrangian's gradient in y, minus the lower constraints)."""

    parts: Parts
    solver: Any

    undefined = (
        "the lower answer has no derivative there (its second derivatives are singular, as where "
        "it has many answers), or there is a sqrt, norm or division at 0. For lower problems with "
        "many answers use st.Implicit(st.LeastSquares()), st.Averaged() or st.ValueFunction()."
    )

    def lead(self, primal, data, index, upper):
        by_x, by_y = jax.grad(upper, argnums=(0, 1))(*primal[:2])
        found, pull = self.adjoint(primal, by_y, data, index)
        # A lower problem that ignores x would hide that there is no adjoint state.
        return jax.tree.map(
            lambda a, b: jnp.where(found.sound, a - b, jnp.nan), by_x, pull(found.value)
        )

    def adjoint(
        self, primal: tuple, by_y: PyTree[Array], data: PyTree, index: Array
    ) -> tuple[Adjoint, Any]:
        """The adjoint state for a gradient in y, and what turns it into a gradient in x."""
        x, y, *rest = primal
        duals = rest[0] if rest else {}
        flat, unravel = ravel_pytree((y, duals))

        def root(x: PyTree, flat: Array) -> Array:
            y, duals = unravel(flat)
            return ravel_pytree(self.parts.lower_root(x, y, duals, data, index))[0]

        target = ravel_pytree((by_y, jax.tree.map(jnp.zeros_like, duals)))[0]
        found = solve_adjoint(self.solver, lambda v: root(x, v), flat, target)
        _, pullback = jax.vjp(lambda x: root(x, flat), x)
        return found, lambda vector: pullback(vector)[0]

    def remarks(self, primal, data):
        index = jnp.asarray(0)
        by_y = jax.grad(self.lagrangian({}, primal[2:], lambda _: {}, data, index), argnums=1)
        found, _ = self.adjoint(primal, by_y(*primal[:2]), data, index)
        if not bool(found.grows):
            return []
        return [
            "the adjoint system is not solved at this point (relative defect "
            f"{float(found.defect):.2g}), so that hypergradients are wrong: a Neumann series needs "
            "a step below 2 / |second derivative of the lower objective|, and positive curvature."
        ]

    def follow(self, primal, data, index, upper):
        x, y, *rest = primal
        if not rest:
            return (self.parts.lower_gradient(x, y, data, index),)
        by_y = jax.grad(self.parts.lower_lagrangian, argnums=1)(x, y, rest[0], data, index)
        values = self.parts.lower_constraints(x, y, data, index)
        return by_y, jax.tree.map(jnp.negative, values)


def _polar(cone: AbstractSet) -> AbstractSet | None:
    """The set of a constraint's multipliers."""
    if isinstance(cone, Zero):
        return None
    return Nonnegative() if isinstance(cone, Nonpositive) else Nonpositive()
