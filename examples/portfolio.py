"""The portfolio of least risk with a wanted return: a quadratic problem, and what its duals say.

    stationary solve examples/portfolio.py

The dual of a constraint is the price of its bound: raising the wanted return by a little costs
that little times the dual of "return". It is the slope of the frontier of risk against return.
"""

import jax.numpy as jnp
import numpy as np

import stationary as st

NAMES = ("shares", "small firms", "bonds", "property", "gold", "cash")
RETURN = np.array([7.0, 8.5, 3.0, 5.0, 4.0, 1.5])  # per cent a year
DEVIATION = np.array([15.0, 20.0, 5.0, 12.0, 16.0, 0.5])
CORRELATION = np.array(
    [
        [1.0, 0.8, 0.1, 0.6, 0.0, 0.0],
        [0.8, 1.0, 0.0, 0.5, 0.0, 0.0],
        [0.1, 0.0, 1.0, 0.2, 0.2, 0.1],
        [0.6, 0.5, 0.2, 1.0, 0.1, 0.0],
        [0.0, 0.0, 0.2, 0.1, 1.0, 0.0],
        [0.0, 0.0, 0.1, 0.0, 0.0, 1.0],
    ]
)
WANTED = 5.0


def variance(x, data):
    return x @ data["covariance"] @ x


def invested(x):
    return jnp.sum(x)


def lack_of_return(x, data):
    return data["wanted"] - data["return"] @ x


problem = st.Minimize(
    variance,
    subject_to={"return": st.at_most(lack_of_return), "invested": st.equal(invested, 1.0)},
    over=st.sets.Box(0.0, 0.4),  # nothing sold short, no more than 40 % in one place
    data={
        "covariance": CORRELATION * np.outer(DEVIATION, DEVIATION),
        "return": RETURN,
        "wanted": np.array(WANTED),
    },
    convex=True,
)
x0 = np.full(len(NAMES), 1 / len(NAMES))


def summary(solution):
    """Printed at the end of `stationary solve`."""
    shares = sorted(zip(solution.value, NAMES, strict=True), reverse=True)
    deviation = float(np.sqrt(solution.objective))
    # d deviation = d variance / (2 deviation), and d variance = dual * d wanted.
    slope = float(solution.duals["return"]) / (2 * deviation)
    return {
        "portfolio": ", ".join(f"{share:.1%} {name}" for share, name in shares if share > 1e-4),
        "standard deviation": f"{deviation:.2f} % a year",
        "one more per cent of return costs": f"about {slope:.2f} % of deviation",
    }
