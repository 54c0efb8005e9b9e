"""What `compat_minimize` refuses, and how it says so."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint

import stationary as st


def square(x):
    return x @ x


def assigns(x):
    x[0] = 1.0
    return x @ x


FUNCTIONS = {
    "numpy": (lambda x: np.sin(x)[0], "hands x to NumPy.*jnp.exp for np.exp"),
    "array of entries": (lambda x: np.array([x[0], x[1]]).sum(), "hands x to NumPy"),
    "math": (lambda x: math.sin(x[0]), "needs the number in x.*jnp.sin for math.sin"),
    "branch": (lambda x: x[0] if x[0] > 0 else -x[0], "needs the number in x.*jnp.where"),
    "assignment": (assigns, r"line \d+: x\[0\] = 1.0.*c.at\[i\].set"),
    "index": (lambda x: [1.0, 2.0][x.astype(int)[0]], "as an index"),
    "selection": (lambda x: jnp.sum(x[x > 0]), "by a condition on x"),
}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_function_that_jax_cannot_trace_is_refused_with_what_to_change(kind):
    fun, advice = FUNCTIONS[kind]
    with pytest.raises(TypeError, match=f"(?s)^fun cannot be traced by JAX.*{advice}"):
        st.compat_minimize(fun, [1.0, 2.0])
    with pytest.raises(TypeError, match=r"constraints\[0\]\['fun'\] cannot be traced by JAX"):
        st.compat_minimize(square, [1.0, 2.0], constraints={"type": "eq", "fun": fun})


def test_mistake_in_a_function_is_shown_as_it_is():
    with pytest.raises(NameError, match="undefined_name"):
        st.compat_minimize(lambda x: undefined_name * x[0], [1.0])


ARGUMENTS = [
    ({"fun": lambda x: x}, TypeError, "fun must return a number.*\\(2,\\)"),
    ({"fun": lambda x: "a"}, TypeError, "must return numbers, but returns str"),
    ({"fun": lambda x: 1j * x[0]}, TypeError, "complex"),
    ({"x0": [[1.0, 2.0]]}, ValueError, r"shape \(1, 2\).*use st.solve"),
    ({"x0": {"a": 1.0}}, TypeError, "vector of real numbers.*use st.solve"),
    ({"x0": ["a", "b"]}, TypeError, "vector of real numbers"),
    ({"x0": [np.nan, 1.0]}, ValueError, "NaN"),
    ({"method": "SQLSP"}, ValueError, "did you mean 'slsqp'"),
    ({"method": square}, TypeError, "pass a name such as 'SLSQP'"),
    ({"options": {"max_iter": 3}}, ValueError, "'max_iter'.*did you mean 'maxiter'"),
    ({"jac": "2-points"}, ValueError, "jac is '2-points'"),
    ({"tol": 1e-30}, ValueError, "below what float64 can resolve"),
    ({"bounds": [(0, 1)]}, ValueError, "1 pairs, but x has 2"),
    ({"bounds": [(0, 1), 3]}, ValueError, r"bounds\[1\] is 3; write a pair"),
    ({"bounds": [(0, 1), (2, 1)]}, ValueError, r"x\[1\].*no number fits"),
    ({"bounds": [(0, 1), (np.nan, 1)]}, ValueError, r"bounds\[1\] is NaN"),
    ({"bounds": Bounds([0, 0, 0], 1)}, ValueError, "bounds.lb has shape"),
    ({"constraints": 3}, TypeError, "constraints is 3; pass a dict"),
    ({"constraints": [square]}, TypeError, r"constraints\[0\] is function; pass a dict"),
    ({"constraints": {"type": "eq", "fun": 3.0}}, TypeError, "is 3.0; pass a function of x"),
    ({"constraints": {"type": "ineq"}}, ValueError, "has no 'fun'"),
    ({"constraints": {"type": ">=", "fun": square}}, ValueError, "'eq' for fun.*'ineq'"),
    ({"constraints": {"type": "eq", "func": square}}, ValueError, r"has \['func'\]"),
    ({"constraints": {"type": "eq", "fun": lambda x: x[None]}}, TypeError, r"value.ravel\(\)"),
    ({"constraints": NonlinearConstraint(square, 2, 1)}, ValueError, "row 0 lies between"),
    ({"constraints": NonlinearConstraint(square, [1, 1, 1], 3)}, ValueError, "lb has shape"),
    ({"constraints": NonlinearConstraint(square, np.nan, 3)}, ValueError, "lb is NaN"),
    ({"constraints": LinearConstraint([[1.0, 2.0, 3.0]])}, ValueError, "A has shape .1, 3."),
]


@pytest.mark.parametrize("wrong,kind,message", ARGUMENTS)
def test_bad_argument_is_refused_by_name(wrong, kind, message):
    with pytest.raises(kind, match=f"(?s){message}"):
        st.compat_minimize(**{"fun": square, "x0": [1.0, 2.0], **wrong})


def test_constraint_that_is_not_finite_at_the_start_is_named():
    with pytest.raises(ValueError, match=r"constraint 'constraints\[0\]' is not finite at x0"):
        st.compat_minimize(
            square, [0.0], constraints={"type": "ineq", "fun": lambda x: jnp.log(x - 5)}
        )
