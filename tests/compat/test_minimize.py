"""`compat_minimize` against SciPy: the same call, the same answer."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint, minimize, rosen

import stationary as st


def hs71(x):
    return x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2]


def distance(x, target):
    return jnp.sum((x - target) ** 2)


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


PROBLEMS = {
    "HS71": (
        {"fun": hs71, "x0": [1.0, 5.0, 5.0, 1.0], "bounds": [(1, 5)] * 4},
        [
            {"type": "ineq", "fun": lambda x: jnp.prod(x) - 25},
            {"type": "eq", "fun": lambda x: x @ x - 40},
        ],
    ),
    "tutorial of SLSQP": (
        {
            "fun": lambda x: (x[0] - 1) ** 2 + (x[1] - 2.5) ** 2,
            "x0": (2, 0),
            "bounds": ((0, None), (0, None)),
        },
        [
            {"type": "ineq", "fun": lambda x: x[0] - 2 * x[1] + 2},
            {"type": "ineq", "fun": lambda x: -x[0] - 2 * x[1] + 6},
            {"type": "ineq", "fun": lambda x: -x[0] + 2 * x[1] + 2},
        ],
    ),
    "in a disc, with arguments": (
        {"fun": distance, "x0": np.zeros(2), "args": (np.array([2.0, 1.0]),)},
        {"type": "ineq", "fun": lambda x, r: r**2 - x @ x, "args": (1.5,)},
    ),
    "two-sided rows of a function": (
        {"fun": distance, "x0": np.full(3, 0.5), "args": np.array([2.0, -1.0, 0.3])},
        NonlinearConstraint(
            lambda x: jnp.stack([x @ x, x[0] + x[1], x[0] - x[2]]),
            [-np.inf, 0.5, 0.25],
            [1.0, 2.0, 0.25],
        ),
    ),
    "linear rows": (
        {"fun": rosenbrock, "x0": np.array([0.1, 0.2]), "bounds": Bounds([0, -0.5], [1.0, 2.0])},
        LinearConstraint([[1, 2], [2, 1], [2, -1]], [-np.inf, -np.inf, 1], [1, 1.5, 1]),
    ),
    "without constraints": ({"fun": rosenbrock, "x0": [-1.2, 1.0]}, ()),
}


def numbers(function):
    """A function of jax.numpy as SciPy wants it."""
    return lambda *args: np.asarray(function(*args))


def for_scipy(constraints):
    """The same constraints with their derivatives, so that differences do not limit SciPy."""
    if isinstance(constraints, dict):
        fun = constraints["fun"]
        return {**constraints, "fun": numbers(fun), "jac": numbers(jax.jacobian(fun))}
    if isinstance(constraints, NonlinearConstraint):
        fun, jac = constraints.fun, jax.jacobian(constraints.fun)
        return NonlinearConstraint(numbers(fun), constraints.lb, constraints.ub, numbers(jac))
    if isinstance(constraints, list | tuple):
        return [for_scipy(one) for one in constraints]
    return constraints


def by_scipy(call, constraints, method="SLSQP", **settings):
    call = {"args": (), **call}
    call["args"] = call["args"] if isinstance(call["args"], tuple) else (call["args"],)
    gradient = numbers(jax.grad(call["fun"]))
    call = call | {"fun": numbers(call["fun"]), "x0": np.asarray(call["x0"], float)}
    with warnings.catch_warnings():  # about equalities and inequalities in one object
        warnings.simplefilter("ignore")
        return minimize(
            **call, jac=gradient, constraints=for_scipy(constraints), method=method, **settings
        )


@pytest.fixture(scope="module")
def solved():
    """Both answers to each problem."""
    found = {}
    for name, (call, constraints) in PROBLEMS.items():
        ours = st.compat_minimize(**call, constraints=constraints, tol=1e-9)
        found[name] = ours, by_scipy(call, constraints, options={"ftol": 1e-11, "maxiter": 500})
    return found


@pytest.mark.parametrize("name", PROBLEMS)
def test_answer_is_that_of_scipy(solved, name):
    ours, theirs = solved[name]
    assert ours.success and theirs.success
    assert ours.fun == pytest.approx(theirs.fun, abs=1e-6)
    np.testing.assert_allclose(ours.x, theirs.x, atol=2e-5)
    assert ours.maxcv < 1e-7
    np.testing.assert_allclose(ours.jac, theirs.jac, atol=1e-3)


def test_multipliers_have_the_opposite_sign_of_those_of_slsqp(solved):
    ours, theirs = solved["HS71"]
    inequality, equality = ours.multipliers
    # SciPy lists the equalities first.
    np.testing.assert_allclose(-theirs.multipliers, [*equality, *inequality], atol=1e-5)
    assert inequality.shape == (1,) and inequality < 0


def test_multipliers_have_the_sign_of_v_of_trust_constr():
    call, constraints = PROBLEMS["two-sided rows of a function"]
    ours = st.compat_minimize(**call, constraints=constraints, tol=1e-9)
    theirs = by_scipy(call, constraints, "trust-constr", options={"gtol": 1e-10, "xtol": 1e-12})
    np.testing.assert_allclose(ours.multipliers[0], theirs.v[0], atol=1e-3)


@pytest.mark.parametrize("name", ["two-sided rows of a function", "linear rows"])
def test_multipliers_balance_the_gradient(solved, name):
    ours, _ = solved[name]
    constraint = PROBLEMS[name][1]
    rows = getattr(constraint, "fun", lambda x: jnp.asarray(constraint.A, float) @ x)
    pulled = ours.jac + ours.multipliers[0] @ np.asarray(jax.jacobian(rows)(jnp.asarray(ours.x)))
    np.testing.assert_allclose(pulled, 0, atol=1e-6)


def test_sparse_rows_are_the_dense_ones():
    rows = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
    answers = [
        st.compat_minimize(
            distance,
            np.zeros(3),
            (np.ones(3),),
            constraints=LinearConstraint(matrix, [-1.0, 0.5], [1.0, 0.5]),
        )
        for matrix in (rows, sparse.csc_array(rows))
    ]
    dense, thin = answers
    np.testing.assert_allclose(thin.x, dense.x, atol=1e-6)
    np.testing.assert_allclose(thin.multipliers[0], dense.multipliers[0], atol=1e-5)


def test_equal_bounds_fix_an_entry():
    found = st.compat_minimize(distance, np.ones(2), (np.zeros(2),), bounds=[(0.7, 0.7), (None, 2)])
    np.testing.assert_allclose(found.x, [0.7, 0.0], atol=1e-6)
    assert found.notices[0].startswith("x0 lay outside the bounds")


def test_rows_without_bounds_ask_for_nothing():
    free = NonlinearConstraint(lambda x: x**3, -np.inf, np.inf)
    found = st.compat_minimize(distance, np.ones(2), (np.zeros(2),), constraints=free)
    np.testing.assert_allclose(found.x, 0.0, atol=1e-6)
    assert found.multipliers[0].tolist() == [0.0, 0.0] and found.solution.duals == {}


def test_other_numbers_compile_nothing():
    def solve(start, target, cap):
        return st.compat_minimize(
            distance,
            np.full(2, start),
            (np.full(2, target),),
            constraints=NonlinearConstraint(lambda x: x.sum(), -np.inf, cap),
        )

    solve(0.0, 2.0, 1.0)
    again = solve(0.3, 3.0, 1.5)
    assert again.solution.stats.traces == 0
    np.testing.assert_allclose(again.x, 0.75, atol=1e-6)


def test_integers_and_words_among_the_arguments_are_fixed():
    def power(x, n, kind):
        return jnp.sum(x**n) if kind == "even" else jnp.sum(jnp.zeros(n)) + x[0] ** 2

    found = st.compat_minimize(power, [0.5, 0.2], (2, "even"))
    np.testing.assert_allclose(found.x, 0.0, atol=1e-6)


def test_functions_may_return_lists_and_pairs():
    def pair(x):
        return jnp.sum((x - 2) ** 2), 2 * (x - 2)

    found = st.compat_minimize(
        pair, [0.0, 0.0], jac=True, constraints={"type": "eq", "fun": lambda x: [x[0], x[1] - 1]}
    )
    np.testing.assert_allclose(found.x, [0.0, 1.0], atol=1e-6)
    assert any("gradient that fun returns" in notice for notice in found.notices)


def test_fields_are_keys_too():
    found = st.compat_minimize(rosenbrock, [0.5, 0.5], method="L-BFGS-B", options={"ftol": 1e-9})
    assert found["x"] is found.x and dict(found)["nit"] == found.nit > 0
    assert found.fun == pytest.approx(rosen(found.x), abs=1e-9)
    assert any("'L-BFGS-B' is SciPy's" in notice for notice in found.notices)
    assert any(notice.startswith("options ftol belong") for notice in found.notices)
    for part in ("success: True", "maxcv: 0.0", "notices: ("):
        assert part in str(found)
    with pytest.raises(KeyError):
        found["hess_inv"]


def test_method_of_ours_is_used():
    method = st.methods.AugmentedLagrangian(direction=st.methods.LBFGS())
    found = st.compat_minimize(rosenbrock, [0.5, 0.5], method=method)
    assert found.solution.stats.method.startswith("AugmentedLagrangian(")
    assert found.notices == ()


def test_limit_and_callback_end_a_solve():
    ended = st.compat_minimize(rosenbrock, [-1.2, 1.0], options={"maxiter": 2})
    assert not ended.success and ended.status is st.Status.MAX_STEPS and ended.nit == 2
    seen = []

    def stop(x):
        seen.append(x)
        raise StopIteration

    def watch(intermediate_result):
        seen.append(intermediate_result.fun)
        return True

    for callback in (stop, watch):
        found = st.compat_minimize(
            rosenbrock, [-1.2, 1.0], method=st.methods.PrimalDual(1e-7), callback=callback
        )
        assert found.status is st.Status.STOPPED
    assert seen[0].shape == (2,) and isinstance(seen[1], float)


def test_contradiction_is_no_success():
    found = st.compat_minimize(
        lambda x: x @ x, [0.5], bounds=[(0, 1)], constraints=LinearConstraint([[1.0]], 2.0, 3.0)
    )
    assert not found.success and found.status is st.Status.INFEASIBLE
    assert found.maxcv == pytest.approx(1.0, abs=1e-4)
