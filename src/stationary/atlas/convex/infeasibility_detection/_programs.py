"""Random linear programs whose outcome is known, and what proves it, in plain NumPy.

min c'x subject to Ax = b, x >= 0; the outcome is asked of HiGHS too.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stationary as st

INFEASIBLE, UNBOUNDED = "primal infeasible", "dual infeasible"
ROWS, COLUMNS = 20, 40


class Program(NamedTuple):
    """The numbers of one program."""

    a: Float[Array | np.ndarray, "rows columns"]
    b: Float[Array | np.ndarray, "rows"]
    c: Float[Array | np.ndarray, "columns"]


def infeasible(rng, m=ROWS, n=COLUMNS) -> Program:
    """With a y such that A'y <= -U[0, 1/2] in every entry, and b'y = 1."""
    a, b, y = rng.normal(size=(m, n)), rng.normal(size=m), rng.normal(size=m)
    a -= np.outer(y, np.maximum(a.T @ y + rng.uniform(0, 0.5, n), 0)) / (y @ y)
    b += y * (1 - b @ y) / (y @ y)
    return Program(a, b, rng.normal(size=n))


def unbounded(rng, m=ROWS, n=COLUMNS) -> Program:
    """With a feasible point, and a sparse d >= 0 such that Ad = 0 and c'd = -1."""
    d = rng.uniform(size=n) * (rng.uniform(size=n) < 0.3)
    a, c = rng.normal(size=(m, n)), rng.normal(size=n)
    a -= np.outer(a @ d, d) / (d @ d)
    c -= d * (c @ d + 1) / (d @ d)
    return Program(a, a @ np.maximum(rng.normal(size=n), 0), c)


def feasible(rng, m=ROWS, n=COLUMNS) -> Program:
    """With a feasible point and feasible multipliers."""
    a, x = rng.normal(size=(m, n)), np.maximum(rng.normal(size=n), 0)
    return Program(a, a @ x, a.T @ rng.normal(size=m) + rng.uniform(size=n) * (x == 0))


def outcome(program: Program) -> str:
    """What HiGHS finds: one of the kinds, or "feasible"."""
    from scipy.optimize import linprog

    found = linprog(program.c, A_eq=program.a, b_eq=program.b, method="highs")
    if found.status == 4:  # infeasible or unbounded: a zero objective tells which
        zero = linprog(0 * program.c, A_eq=program.a, b_eq=program.b, method="highs")
        return UNBOUNDED if zero.status == 0 else INFEASIBLE
    return {0: "feasible", 2: INFEASIBLE, 3: UNBOUNDED}[found.status]


def some_point(program: Program) -> np.ndarray:
    """A feasible point, by HiGHS."""
    from scipy.optimize import linprog

    return linprog(0 * program.c, A_eq=program.a, b_eq=program.b, method="highs").x


def substituted(program: Program, kind: str, x: np.ndarray, y: np.ndarray) -> float:
    """How far -v = (x, y) is from the proof of a kind, by its definition; infinite for none."""
    if kind == INFEASIBLE:  # L = f + <y, Ax - b>, so that y is minus the usual Farkas vector
        height, wrong = -program.b @ y, np.maximum(-program.a.T @ y, 0)
    else:
        height, wrong = -program.c @ x, np.concatenate([program.a @ x, np.minimum(x, 0)])
    return float(np.max(np.abs(wrong)) / height) if height > 0 else np.inf


def cost(x, data):
    return data.c @ x


def rows(x, data):
    return data.a @ x - data.b


def statement(program: Program) -> st.Minimize:
    """The program as a user would state it."""
    data = Program(*map(jnp.asarray, program))
    return st.Minimize(cost, {"rows": st.equal(rows)}, st.Box(0, np.inf), data=data, convex=True)
