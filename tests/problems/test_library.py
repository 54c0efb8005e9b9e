"""The library's answers, checked by the first-order conditions and by SciPy, not by our methods."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

import stationary as st
from stationary import problems
from stationary.problems import Example
from stationary.sets import Euclidean

NAMES = problems.names()
SOLVABLE = [name for name in NAMES if problems.get(name).optimum is not None]
PROGRAMMES = [name for name in NAMES if name.startswith("HS")]


@pytest.mark.parametrize("name", SOLVABLE)
def test_answers_satisfy_the_first_order_conditions(name):
    example = problems.get(name)
    system = example.problem.lower(jax.tree.map(jnp.asarray, example.x0))
    primal = example.problem.embed(jax.tree.map(jnp.asarray, example.optimum))
    duals = system.zero_duals(primal) | {k: jnp.asarray(v) for k, v in example.duals.items()}
    if name == "redundant":
        duals = {"twice": jnp.array([0.1, 0.4])}
    data = jax.tree.map(jnp.asarray, example.problem.data)
    point = st.Point(primal, duals)
    # Its zeros are the stationary points: sets, signs and complementarity included.
    for part in jax.tree.leaves(system.root(point, data)):
        np.testing.assert_allclose(part, 0, atol=1e-11)
    residual = system.residual(point, data)
    for part in jax.tree.leaves((residual.stationarity, residual.primal, residual.dual)):
        np.testing.assert_allclose(part, 0, atol=1e-11)
    if np.isfinite(example.objective):
        value = system.linearize(primal, data).objective
        np.testing.assert_allclose(value, example.objective, rtol=1e-11, atol=1e-12)
    assert example.error(example.optimum) < 1e-14
    assert example.error(example.x0) > 0.05


def bounds(example):
    space = example.problem.over
    if space is None or isinstance(space, Euclidean):
        return None
    shape = np.shape(example.x0)
    low = np.broadcast_to(np.asarray(getattr(space, "lower", 0.0)), shape)
    high = np.broadcast_to(np.asarray(getattr(space, "upper", np.inf)), shape)
    return list(zip(low, high, strict=True))


def slsqp(example, x0):
    """SciPy's answer and multipliers in our convention: it wants g >= 0, and L = f - <m, g>."""
    kinds = {"Zero": "eq", "Nonpositive": "ineq"}
    constraints = []
    for c in example.problem.subject_to.values():
        sign = 1.0 if type(c.cone).__name__ == "Zero" else -1.0

        def value(x, c=c):
            data = example.problem.data
            out = c.fn(x) if data is None else c.fn(x, data)
            return jnp.atleast_1d(out - c.bound)

        constraints.append(
            {
                "type": kinds[type(c.cone).__name__],
                "fun": lambda x, value=value, sign=sign: sign * np.asarray(value(x)),
                "jac": lambda x, value=value, sign=sign: sign * np.asarray(jax.jacobian(value)(x)),
            }
        )
    fn, data = example.problem.objective, example.problem.data
    objective = jax.jit(jax.value_and_grad(fn if data is None else lambda x: fn(x, data)))
    return minimize(
        lambda x: tuple(map(np.asarray, objective(jnp.asarray(x)))),
        x0,
        jac=True,
        method="SLSQP",
        bounds=bounds(example),
        constraints=constraints,
        options={"ftol": 1e-14, "maxiter": 500},
    )


@pytest.mark.parametrize("name", PROGRAMMES)
def test_scipy_finds_the_same_answers_from_the_same_starts(name):
    example = problems.get(name)
    found = slsqp(example, example.x0)
    np.testing.assert_allclose(found.fun, example.objective, atol=1e-7)
    assert example.error(found.x) < 1e-4


@pytest.mark.parametrize("name", ["HS7", "HS14", "HS35", "HS39", "HS43", "HS71", "HS76"])
def test_multipliers_agree_with_scipy_to_six_digits(name):
    example = problems.get(name)
    solution = st.solve(example.problem, example.x0, tol=1e-9, progress=False)
    rows = iter(slsqp(example, example.optimum + 1e-3).multipliers)
    # SciPy wants g >= 0 and subtracts multipliers, so those of g <= 0 agree and the others flip.
    kinds = {n: type(c.cone).__name__ for n, c in example.problem.subject_to.items()}
    for kind, sign in (("Zero", -1.0), ("Nonpositive", 1.0)):  # it lists equalities first
        for constraint in (n for n in kinds if kinds[n] == kind):
            ours = np.atleast_1d(solution.duals[constraint])
            theirs = np.array([sign * next(rows) for _ in ours])
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
            np.testing.assert_allclose(ours, np.atleast_1d(example.duals[constraint]), atol=1e-6)
    assert next(rows, None) is None


def test_programmes_made_to_order_have_the_sizes_asked_for():
    example = problems.random_qp(6, 4, 1, seed=3)
    assert example.optimum.shape == (6,)
    assert example.duals["limits"].shape == (4,) and (example.duals["limits"] > 0).sum() == 2
    assert example.duals["planes"].shape == (1,)
    other = problems.random_qp(6, 4, 1, seed=4)
    assert not np.allclose(example.optimum, other.optimum)
    with pytest.raises(ValueError, match="no freedom"):
        problems.random_qp(3, 4, 1)


def test_names_and_kinds():
    assert len(set(NAMES)) == len(NAMES) > 25
    assert set(problems.names("Saddle")) == {"bilinear", "strongly monotone", "matrix game"}
    assert all(problems.get(name).name == name for name in NAMES)
    assert all(isinstance(problems.get(name), Example) for name in NAMES)
    assert all(problems.get(name).why for name in NAMES)
    with pytest.raises(KeyError, match="HS71"):
        problems.get("HS710")
    with pytest.raises(ValueError, match="Nested"):
        problems.names("Minimise")
    with pytest.raises(ValueError, match="no answer"):
        problems.get("infeasible").error(np.zeros(2))
