"""A smooth value function of a constrained lower problem, as a penalty."""

from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from .._constraints import Constraint, ConstraintTerm, bind_constraint
from .._dtypes import working_dtype
from ..sets import AbstractSet, Box, Nonpositive, Zero
from ._base import AbstractPairOperator, AbstractResponse, Parts, check_schedule


class ProximalLagrangian(AbstractResponse):
    """Penalise the gap to a proximal Lagrangian value function: for constrained lower problems.

    v(x, y, z) = min over w, max over the multipliers l of
    g(x, w) + <l, h(x, w)> + |w - y|^2 / (2 proximal) - |l - z|^2 / (2 dual_proximal)
    is smooth, g - v is at least 0 where (x, y) is feasible, and 0 exactly at lower answers y with
    their multipliers z. The system is stationary for F / penalty + g - v with the lower
    constraints holding at (x, y), as constraints named `"lower ..."`. First derivatives only; the
    lower problem is convex, and may have many answers. The unknown is `(x, y, z, w, l)`.

    **Arguments:**

    - `penalty`: a positive number, or a schedule of the step's count; default 5 (k + 1)^0.49. Its
        growth must be slower than the square root. Early values below 1 let F dominate.
    - `proximal`, `dual_proximal`: positive numbers. The saddle of (w, l) is strongly monotone with
        modulus 1 / max of the two; scale the constraints so that their slopes are about 1.
    - `bound`: the largest multiplier of the lower problem that is looked for; `solve` says so
        where an answer has one at the bound.

    **Raises:** `ValueError` for numbers that are not positive, and for a penalty that grows like
    the square root or faster; `TypeError` for lower constraints that are neither equalities nor
    inequalities.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> lower = st.Minimize(
        ...     lambda x, y: 0.5 * (y - x) ** 2, {"cap": st.at_most(lambda x, y: y, 1.0)}
        ... )
        >>> problem = st.Nested(
        ...     lambda x, y: 0.5 * (y - 2) ** 2 + 0.05 * (x - 2) ** 2,
        ...     lower,
        ...     st.ProximalLagrangian(10.0),
        ... )
        >>> method = st.methods.BilevelDescent(0.5, 0.5, projection_steps=20)
        >>> outcome = st.run(problem, (jnp.array(0.0), jnp.array(0.0)), method)
        >>> [round(float(v), 2) for v in outcome.point.primal[:2]]
        [2.0, 1.0]

    !!! cite "Reference"
        Yao, Yu, Zeng and Zhang (2024), Constrained bi-level optimization: proximal Lagrangian
        value function approach and Hessian-free algorithm, arXiv:2401.16164, equation (4).
    """

    penalty: Any = None
    proximal: Any = 1.0
    dual_proximal: Any = 1.0
    bound: float = 1e3

    def __check_init__(self):
        for name in ("penalty", "proximal", "dual_proximal", "bound"):
            value = getattr(self, name)
            if value is not None:
                where = f"ProximalLagrangian({name}=...)"
                check_schedule(value, where, lambda v: 0 < v < float("inf"), "positive and finite")
        _check_growth(self.penalty)

    def embed(self, problem, x, y):
        duals = problem.lower_duals(x, y)
        return x, y, duals, y, duals

    def operator(self, parts):
        penalty = _slow if self.penalty is None else self.penalty
        return ProximalOperator(parts, penalty, self.proximal, self.dual_proximal, self.bound)

    def sets(self, parts, like):
        multipliers = {name: self._range(c.cone) for name, c in parts.constraints.items()}
        return multipliers, parts.space.sets, multipliers

    def constraints(self, parts, like, data):
        dtype = working_dtype(like)
        found = {}
        for own, c in parts.constraints.items():
            name = f"lower {own}"
            stated = Constraint(_OfPair(c), np.zeros(()), c.cone, None)
            found[name] = bind_constraint(name, stated, like, data, dtype)
        return found

    def check(self, problem):
        for name, constraint in problem.follower.subject_to.items():
            if not isinstance(constraint.cone, Zero | Nonpositive):
                raise TypeError(
                    "response=ProximalLagrangian takes equalities and at_most of the lower "
                    f"problem, but {name!r} lies in {constraint.cone.describe()}. Use "
                    "response=KKT()."
                )
        if problem.is_sampled and problem.follower.subject_to:
            raise TypeError(
                "response=ProximalLagrangian needs lower constraints of all the data, not an "
                "Expectation."
            )

    def _range(self, cone: AbstractSet) -> Box:
        return Box(-self.bound if isinstance(cone, Zero) else 0.0, self.bound)


class ProximalOperator(AbstractPairOperator):
    """Gradients of F / penalty + g - v in (x, y, z), and the saddle field of v in (w, l)."""

    parts: Parts
    penalty: Any
    proximal: Any
    dual_proximal: Any
    bound: Any

    saddle = (3, 4)

    @property
    def additive(self):
        return True

    def inner(self, entries):
        return self.saddle

    @property
    def modulus(self):
        return 1 / jnp.maximum(self.proximal, self.dual_proximal)

    @property
    def coefficients(self):
        return {
            "penalty": self.penalty,
            "proximal": self.proximal,
            "dual_proximal": self.dual_proximal,
        }

    @property
    def share(self):
        return 1 / self.penalty

    def lead(self, primal, data, index, upper):
        x, y, _, inner, duals = primal
        steer = jax.grad(upper)(x, y)
        here = jax.grad(self.parts.lower)(x, y, data, index)
        there = jax.grad(self.parts.lower_lagrangian)(x, inner, duals, data, index)
        return jax.tree.map(lambda f, a, b: f / self.penalty + a - b, steer, here, there)

    def follow(self, primal, data, index, upper):
        x, y, anchor, inner, duals = primal
        steer = jax.grad(upper, argnums=1)(x, y)
        here = self.parts.lower_gradient(x, y, data, index)
        apart = jax.tree.map(lambda a, b: (a - b) / self.proximal, inner, y)
        by_y = jax.tree.map(lambda f, g, d: f / self.penalty + g + d, steer, here, apart)
        pulled = jax.tree.map(lambda a, b: (a - b) / self.dual_proximal, duals, anchor)
        there = jax.grad(self.parts.lower_lagrangian, argnums=1)(x, inner, duals, data, index)
        by_inner = jax.tree.map(jnp.add, there, apart)
        values = self.parts.lower_constraints(x, inner, data, index)
        by_duals = jax.tree.map(jnp.subtract, pulled, values)
        return by_y, jax.tree.map(jnp.negative, pulled), by_inner, by_duals

    def remarks(self, primal, data):
        bound = float(self.bound)
        found = []
        for name in self.parts.constraints:
            values = [np.ravel(np.asarray(entry[name])) for entry in (primal[2], primal[4])]
            largest = max(np.concatenate(values), key=abs, default=0.0)
            if abs(largest) >= bound * (1 - 1e-6):
                found.append(
                    f"the lower multiplier of {name!r} ended at {largest:.6g}, the bound of "
                    f"ProximalLagrangian(bound={bound:g}): the true one may lie beyond. Raise the "
                    "bound."
                )
        return found


class _OfPair(eqx.Module):
    """A lower constraint as a function of the whole unknown."""

    constraint: ConstraintTerm

    def __call__(self, unknown: tuple, data: PyTree) -> Array:
        return self.constraint.value(unknown[:2], data, jnp.asarray(0))


def _check_growth(penalty: Any) -> None:
    """Refuse a schedule that grows too fast for the proximal terms to follow.

    **Raises:** `ValueError`.
    """
    if not callable(penalty):
        return
    with jax.ensure_compile_time_eval():
        early, late = (penalty(jnp.asarray(count, jnp.int32)) for count in (10**4, 10**6))
    if isinstance(early, jax.core.Tracer) or isinstance(late, jax.core.Tracer):
        return
    power = float(np.log(np.asarray(late, float) / np.asarray(early, float)) / np.log(100.0))
    if power >= 0.5 - 1e-4:
        raise ValueError(
            "ProximalLagrangian(penalty=...) must grow more slowly than the square root of the "
            f"step's count, but the schedule grows like its power {power:.2g}."
        )


def _slow(count: Any) -> Any:
    return 5.0 * (count + 1.0) ** 0.49
