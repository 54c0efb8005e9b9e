"""Convex programmes with answers made to order, and degenerate ones."""

import jax.numpy as jnp
import numpy as np

from .._constraints import at_most, equal
from .._statements import Minimize
from ._example import Example


def random_qp(
    variables: int = 8, inequalities: int = 5, equalities: int = 2, *, seed: int = 0
) -> Example:
    """A strictly convex quadratic programme with a random answer, known exactly.

    The answer and its multipliers are drawn first, about half of the inequalities active and all
    of those with a positive multiplier; the linear term and the bounds are then what makes the
    first-order conditions hold. Its functions take the arrays as data, so that all programmes of
    one size share a compiled solver.

    **Arguments:**

    - `variables`, `inequalities`, `equalities`: the sizes; the constraints that hold with
        equality at the answer must be fewer than the variables.
    - `seed`: which programme.

    **Returns:** the [`Example`][stationary.problems.Example]; `problem.data` holds its arrays.

    **Raises:** `ValueError` when there are too many constraints.

    !!! example
        >>> import stationary as st
        >>> example = random_qp(5, 3, 1, seed=2)
        >>> solution = st.solve(example.problem, example.x0)
        >>> example.error(solution.value) < 1e-5
        True
    """
    active = (inequalities + 1) // 2
    if active + equalities >= variables:
        raise ValueError(
            f"{active} active inequalities and {equalities} equalities leave no freedom to "
            f"{variables} variables; ask for fewer."
        )
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(variables, variables))
    hessian = root @ root.T / variables + 0.1 * np.eye(variables)
    rows, planes = (
        rng.normal(size=(inequalities, variables)),
        rng.normal(size=(equalities, variables)),
    )
    answer = rng.normal(size=variables)
    binding = np.arange(inequalities) < active
    limits = np.where(binding, rng.uniform(0.5, 2.0, inequalities), 0.0)
    free = rng.normal(size=equalities)
    slack = np.where(binding, 0.0, rng.uniform(0.5, 2.0, inequalities))
    data = {
        "hessian": hessian,
        "linear": -(hessian @ answer + rows.T @ limits + planes.T @ free),
        "rows": rows,
        "bounds": rows @ answer + slack,
        "planes": planes,
        "levels": planes @ answer,
    }
    problem = Minimize(
        _quadratic, {"limits": at_most(_limits), "planes": equal(_planes)}, data=data, convex=True
    )
    return Example(
        "random QP",
        problem,
        np.zeros(variables),
        answer,
        {"limits": limits, "planes": free},
        float(answer @ hessian @ answer / 2 + data["linear"] @ answer),
        f"strictly convex, strictly complementary; built around its answer (seed {seed})",
    )


def _quadratic(x, data):
    return x @ data["hessian"] @ x / 2 + data["linear"] @ x


def _limits(x, data):
    return data["rows"] @ x - data["bounds"]


def _planes(x, data):
    return data["planes"] @ x - data["levels"]


def redundant() -> Example:
    """One constraint stated twice: the multipliers' sum is unique, they are not."""
    return Example(
        "redundant",
        Minimize(
            lambda x: x @ x / 2,
            {"twice": at_most(lambda x: jnp.stack([1 - jnp.sum(x)] * 2))},
            convex=True,
        ),
        np.zeros(2),
        np.full(2, 0.5),
        {},
        0.25,
        "dependent constraint gradients: multipliers are not unique, but sum to 1/2",
    )


def weakly_active() -> Example:
    """A constraint that holds with equality and zero multiplier."""
    return Example(
        "weakly active",
        Minimize(lambda x: (x - 1) ** 2, {"cap": at_most(lambda x: x, 1.0)}, convex=True),
        np.array(-2.0),
        np.array(1.0),
        {"cap": np.array(0.0)},
        0.0,
        "no strict complementarity: the answer has one-sided derivatives only",
    )


BUILDERS = {"random QP": random_qp, "redundant": redundant, "weakly active": weakly_active}
