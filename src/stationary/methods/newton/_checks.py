"""What Newton's method refuses, and how it names what is in its way."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
from jaxtyping import Array, Bool, PyTree

from ..._point import Point
from ..._system import System
from ...sets import Euclidean, Zero
from ..interior_point._advice import BOUNDING, ORTHANTS
from ..interior_point._program import Program
from ._merit import AbstractMerit
from ._null_space import split
from ._step import Trouble


def equalities_alone(system: System) -> bool:
    """Whether a problem has equality constraints only, or none, and no set."""
    unbounded = all(isinstance(s, Euclidean) for s in system.space.leaves)
    return unbounded and all(isinstance(c.cone, Zero) for c in system.constraints.values())


def refuse(
    system: System,
    primal: PyTree[Array],
    merit: AbstractMerit,
    linear_solver: lx.AbstractLinearSolver | None,
) -> None:
    """Everything that shapes and kinds already tell is wrong.

    **Raises:** `TypeError` for a set or cone that Newton steps cannot handle; `ValueError` for what
    the merit or the linear solver cannot handle.
    """
    for s in system.space.leaves:
        if not isinstance(s, BOUNDING):
            raise TypeError(
                f"LagrangeNewton handles bounds on entries, but `over` is {s.describe()}. State it "
                "as constraints, or use AugmentedLagrangian, which projects onto it."
            )
    for name, constraint in system.constraints.items():
        if not isinstance(constraint.cone, ORTHANTS):
            raise TypeError(
                f"LagrangeNewton handles equalities and inequalities, but {name!r} must lie in "
                f"{constraint.cone.describe()}. Use AugmentedLagrangian."
            )
        if constraint.surrogate is not None:
            raise ValueError(
                f"constraint {name!r} has a surrogate, whose second derivatives say nothing about "
                "it. Use AugmentedLagrangian or PrimalDual."
            )
    if merit.inequalities:
        if linear_solver is not None:
            raise ValueError(
                "the problem has inequalities or bounds, so each step is a quadratic programme: "
                "linear_solver cannot be used. Leave it out."
            )
        return
    if not equalities_alone(system):
        names = [n for n, c in system.constraints.items() if not isinstance(c.cone, Zero)]
        what = f"inequalities {names}" if names else f"bounds ({system.space.describe()})"
        raise ValueError(
            f"{type(merit).__name__} is a merit for equality constraints only, but the problem has "
            f"{what}. Use LagrangeNewton(L1Merit()), or turn inequalities into equalities with "
            "slacks."
        )
    rows = sum(int(np.prod(c.shape)) for c in system.constraints.values())
    size = sum(leaf.size for leaf in jax.tree.leaves(primal))
    if rows > size:
        raise ValueError(
            f"{rows} equalities for {size} unknowns: no point satisfies them in "
            "general. Drop some, minimise their squares, or use LagrangeNewton(L1Merit()), which "
            "looks for the least violation."
        )


@eqx.filter_jit
def dependent_rows(system: System, point: Point, data: PyTree) -> Bool[Array, "m"]:
    """The equality rows whose gradients at a point are linear combinations of others'."""
    program = Program(system, point.primal, data)
    x, y = program.flatten(point.primal), program.stack(point.duals)
    jacobian = program.derivatives(x, y, second=False).jacobian
    rows = np.flatnonzero(program.equality)
    found = split(jacobian[rows]).dependent
    return jnp.zeros(program.rows, bool).at[rows].set(found)


def named_rows(program: Program, rows: Bool[np.ndarray, "m"]) -> str:
    """Rows of the stacked constraints, by the users' names: `'flow'[2], 'sum'`."""
    found, start = [], 0
    for name in program.names:
        shape = program.system.constraints[name].shape
        own = rows[start : start + int(np.prod(shape))].reshape(shape)
        start += own.size
        places = [""] if own.ndim == 0 else [str(list(map(int, i))) for i in np.argwhere(own)]
        if own.any():
            found += [f"{name!r}{place}" for place in places]
    return ", ".join(found)


def words(trouble: Trouble, program: Program, dependent: Bool[np.ndarray, "m"]) -> str:
    """What stood in the way, and what to do about it."""
    match trouble:
        case Trouble.DEPENDENT:
            return (
                f"the gradients of {named_rows(program, dependent)} are linearly dependent: drop "
                "what is redundant; if nothing is, the constraints may contradict each other"
            )
        case Trouble.SINGULAR:
            return (
                "the Newton system is singular: start from other multipliers (least-squares ones "
                "are the default when none are given), or use a merit that modifies the Hessian, "
                "such as ExactAugmentedLagrangian()"
            )
        case Trouble.NO_DESCENT:
            return (
                "no length of the last step improved the merit: the point is as good as the "
                "arithmetic allows, or the functions are not smooth there"
            )
        case Trouble.INACCURATE:
            return (
                "the linear solver or quadratic programme did not reach the accuracy that was "
                "asked of it: raise max_steps, scale the constraints, or solve exactly"
            )
    return "nothing stood in the way"
