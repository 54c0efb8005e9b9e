"""Statements: what is refused at the boundary, and how a problem reads in words."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st


def square(x):
    return jnp.sum(x**2)


START = np.ones(2)


@pytest.mark.parametrize(
    ("problem", "x0", "error", "words"),
    [
        (st.Minimize(lambda x: x), START, TypeError, "one real floating scalar"),
        (st.Minimize(lambda x: (square(x), x)), START, TypeError, "has_aux"),
        (
            st.Minimize(square, {"pair": st.equal(lambda x: (x, x))}),
            START,
            TypeError,
            "constraint 'pair' must return one real floating array",
        ),
        (
            st.Minimize(square, {"count": st.at_most(lambda x: jnp.sum(x > 0))}),
            START,
            TypeError,
            "constraint 'count'",
        ),
        (
            st.Minimize(square, {"wide": st.at_most(jnp.sum, np.ones(3))}),
            START,
            ValueError,
            "constraint 'wide': a bound of shape",
        ),
        (
            st.Minimize(square, {"log": st.at_most(lambda x: jnp.log(x - 9))}),
            START,
            ValueError,
            "constraint 'log' is not finite at x0",
        ),
        (st.Minimize(lambda x: jnp.log(x[0] - 9)), START, ValueError, "objective is not finite"),
        (
            st.Minimize(lambda x: jnp.sqrt(-(jnp.sum(x) ** 2))),
            np.zeros(2),
            ValueError,
            "the gradient is not finite",
        ),
        (st.Minimize(square), np.array([1, 2]), TypeError, r"x0 has dtype int.*astype\(float\)"),
        (st.Minimize(square), np.array([np.nan, 0]), ValueError, "x0 has NaN"),
        (st.Minimize(square), [], TypeError, "x0 is empty"),
        (
            st.Minimize(square, over=st.sets.Positive()),
            -START,
            ValueError,
            "open and has no nearest point",
        ),
        (st.Minimize(square, over={"a": st.sets.Box(0, 1)}), START, ValueError, "over"),
        (st.Saddle(lambda x, y: x @ y), START, TypeError, r"the pair \(x, y\)"),
        (st.VariationalInequality(lambda x: x[:1]), START, TypeError, "structure and shapes of x"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_refused_by_name(problem, x0, error, words):
    with pytest.raises(error, match=words):
        st.solve(problem, x0, st.methods.AugmentedLagrangian())


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: st.at_most(square, np.nan), ValueError, "finite"),
        (lambda: st.at_most(square, []), ValueError, "empty"),
        (lambda: st.sets.Box(1.0, 0.0), ValueError, "lower"),
        (lambda: st.Balance({}), ValueError, "at least one objective"),
        (lambda: st.Batches(np.ones(3), 4), ValueError, "batch_size"),
        (lambda: st.Batches(np.ones(3), 2, shuffle="rows"), ValueError, "'batches', got 'rows'"),
        (lambda: st.Batches({"a": np.ones(3), "b": np.ones(2)}, 1), ValueError, "leading"),
        (lambda: st.Draws(lambda key: 0.0, 0), ValueError, "batch_size"),
    ],
)
def test_bad_parts_are_refused_when_built(build, error, words):
    with pytest.raises(error, match=words):
        build()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("st.in_cone(abs, st.sets.Box(0, 1))", "in_cone needs a closed convex cone"),
        ("st.Minimize(abs, {'c': abs})", "constraint 'c' is builtin_function_or_method"),
        ("st.solve(st.Minimize(abs), 1.0, st.methods.LBFGS)", "pass an instance such as"),
        ("st.solve(st.Minimize(abs), 'start')", "must be a real floating array"),
    ],
)
def test_wrong_kinds_of_arguments_are_refused(code, words):
    # In a process of its own: here the type checker of the tests would answer first.
    script = f"import stationary as st\n{code}"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "TypeError" in result.stderr and words in result.stderr


def test_unknown_duals_are_refused():
    problem = st.Minimize(square, {"sum": st.equal(jnp.sum, 1.0)})
    with pytest.raises(ValueError, match="duals name 'total'.*'sum'"):
        st.solve(problem, START, duals={"total": 1.0})
    with pytest.raises(ValueError, match="shape"):
        st.solve(problem, START, duals={"sum": np.ones(2)})


def test_a_start_outside_the_set_is_projected_with_a_notice():
    problem = st.Minimize(square, over=st.sets.Box(-1, 1))
    with pytest.warns(UserWarning, match="projected"):
        solution = st.solve(problem, 3 * START)
    assert "projected" in solution.stats.notices[0]
    np.testing.assert_allclose(solution.value, 0, atol=1e-6)


def test_methods_refuse_what_they_cannot_do():
    stream = st.Batches(np.ones((4, 2)), 2)
    noisy = st.Minimize(st.Expectation(lambda x, row: jnp.sum((x - row) ** 2), stream))
    with pytest.raises(TypeError, match="full data.*Expectation"):
        st.solve(noisy, START, st.methods.AugmentedLagrangian())
    with pytest.raises(TypeError, match="this kind of statement lacks"):
        saddle = st.Saddle(lambda x, y: x @ y)
        st.solve(saddle, (START, START), st.methods.AugmentedLagrangian())


def test_a_tolerance_beyond_the_arithmetic_is_refused():
    with pytest.raises(ValueError, match="below what float32 can resolve"):
        st.solve(st.Minimize(square), np.ones(2, np.float32), tol=1e-12)


def test_functions_get_the_data_they_ask_for():
    def with_data(x, data):
        return jnp.sum((x - data) ** 2)

    problem = st.Minimize(with_data, {"cap": st.at_most(lambda x: x, 0.5)}, data=np.ones(2))
    solution = st.solve(problem, START)
    np.testing.assert_allclose(solution.value, 0.5, atol=1e-5)


def test_a_problem_reads_in_words():
    problem = st.Minimize(
        square,
        {"sum": st.at_most(jnp.sum, 2), "unit": st.equal(jnp.max, 1)},
        over=st.sets.Box(0.0, 1.0),
    )
    assert problem.describe()[:3] == [
        "minimise square(x)",
        "subject to sum: sum at most 2",
        "subject to unit: max equal to 1",
    ]
    nested = st.Nested(lambda x, y: x + y, st.Minimize(lambda x, y: y**2, over=st.sets.Box(0, 1)))
    assert nested.describe()[0] == "minimise over x: <lambda>(x, y)"


def test_maximise_flips_the_objective_only():
    problem = st.Maximize(jnp.sum, {"ball": st.at_most(square, 1.0)})
    solution = st.solve(problem, np.zeros(2), tol=1e-8)
    np.testing.assert_allclose(solution.value, np.sqrt(0.5), atol=1e-6)
    assert solution.objective == pytest.approx(np.sqrt(2), abs=1e-6)
    assert float(solution.duals["ball"]) == pytest.approx(np.sqrt(0.5), abs=1e-5)


@pytest.mark.parametrize("sampled", [False, True])
def test_an_operator_may_return_a_pytree(sampled):
    def field(x, rows):
        return {"a": x["a"] - jnp.mean(rows), "b": 2 * x["b"] + x["a"][0]}

    rows = np.arange(4.0)
    stream = st.Batches(rows[:, None], batch_size=4, shuffle=False)
    operator = st.Expectation(field, stream) if sampled else field
    problem = st.VariationalInequality(operator, data=None if sampled else rows)
    x0 = {"a": jnp.zeros(2), "b": jnp.zeros(2)}
    method = st.methods.ExtraGradient(0.3)
    found = st.run(problem, x0, method, tol=1e-9, differentiable=False).point.primal
    np.testing.assert_allclose(found["a"], 1.5, atol=1e-8)
    np.testing.assert_allclose(found["b"], -0.75, atol=1e-8)
