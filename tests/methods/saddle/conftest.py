"""The extra-gradient methods, and iterates of theirs."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

import stationary as st
from stationary.methods import saddle

SINGLE_CALL = [saddle.PastExtraGradient, saddle.ReflectedGradient, saddle.OptimisticGradient]


@pytest.fixture(params=[saddle.ExtraGradient, *SINGLE_CALL], ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


@pytest.fixture(params=SINGLE_CALL, ids=lambda kind: kind.__name__)
def single_call(request):
    return request.param


@pytest.fixture
def iterate():
    """States of a method: `iterate(problem, x0, method, steps)` has one row per step."""

    def states(problem, x0, method, steps):
        system = problem.lower(x0)

        @eqx.filter_jit
        def scan(system, x0, data):
            def step(state, _):
                state, metrics = method.step(system, state, data)
                return state, (state, metrics)

            start = method.init(system, st.Point(x0, system.zero_duals(x0)), data)
            return jax.lax.scan(step, start, None, length=steps)[1]

        return scan(system, x0, problem.data)

    return states


@pytest.fixture
def affine(getkey):
    """A strongly monotone affine operator in 30 dimensions, with L = 1 about, and its zero."""
    matrix = jax.random.normal(getkey(), (30, 30)) / 30**0.5
    matrix = (matrix - matrix.T) / 2 + 0.1 * jnp.eye(30)
    zero = jax.random.normal(getkey(), (30,))
    problem = st.VariationalInequality(lambda x, m: m[0] @ (x - m[1]), data=(matrix, zero))
    return problem, zero


@pytest.fixture
def matrix_game(getkey):
    """A random 5 x 6 game on simplices."""
    payoff = jax.random.normal(getkey(), (5, 6))
    simplex = st.sets.Simplex()
    game = st.Saddle(lambda x, y, a: x @ a @ y, simplex, simplex, data=payoff)
    return game, (jnp.full(5, 1 / 5), jnp.full(6, 1 / 6))


@pytest.fixture(scope="session")
def value_of():
    """The value of a matrix game, by its linear program: min v with payoff' x <= v."""

    def value(payoff):
        rows, columns = payoff.shape
        program = linprog(
            np.r_[np.zeros(rows), 1],
            A_ub=np.c_[payoff.T, -np.ones(columns)],
            b_ub=np.zeros(columns),
            A_eq=np.r_[np.ones(rows), 0][None],
            b_eq=[1],
            bounds=[(0, None)] * rows + [(None, None)],
            method="highs",
        )
        return program.fun

    return value
