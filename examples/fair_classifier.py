"""A classifier that accepts two groups at almost the same rate: a surrogate in a constraint.

    stationary solve examples/fair_classifier.py

What is asked for is a bound on the difference of the acceptance rates. A rate moves only when
someone crosses the line, so its gradient says little; a smoother stand-in, the `surrogate`, gives
the direction to move in while the multiplier and the certificate see the rate itself.
"""

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st

GAP = 0.05
"""The largest difference of the acceptance rates."""


def people(seed, count=1_000):
    """Two groups whose features, and so whose outcomes, differ."""
    random = np.random.default_rng(seed)
    group = random.integers(0, 2, count)
    features = random.normal(size=(count, 3)) + np.outer(group, [0.8, 0.0, -0.4])
    good = features @ [1.0, 0.7, -0.5] + random.logistic(size=count) > 0
    return {"rows": features, "group": group.astype(float), "good": good.astype(float)}


def score(x, data):
    return data["rows"] @ x["weights"] + x["bias"]


def log_loss(x, data):
    s = score(x, data)
    return jnp.mean(jax.nn.softplus(s) - data["good"] * s) + 1e-3 * jnp.sum(x["weights"] ** 2)


def difference(accepted, group):
    """Mean acceptance of group 1 minus that of group 0, both ways round."""
    rates = [jnp.sum(accepted * g) / jnp.sum(g) for g in (group, 1 - group)]
    return jnp.stack([rates[0] - rates[1], rates[1] - rates[0]])


def gap(x, data):
    """Acceptance as a steep slope at score 0: all but the step itself."""
    return difference(jax.nn.sigmoid(20 * score(x, data)), data["group"])


def gentle_gap(x, data):
    """The same with a slope that reaches everyone."""
    return difference(jax.nn.sigmoid(2 * score(x, data)), data["group"])


data = people(seed=0)
problem = st.Minimize(
    log_loss,
    subject_to={"parity": st.at_most(gap, GAP, surrogate=gentle_gap)},
    data=data,
)
x0 = {"weights": np.zeros(3), "bias": np.zeros(())}


def summary(solution):
    """Printed at the end of `stationary solve`."""
    lines = {}
    for name, cases in (("these people", data), ("1,000 others", people(seed=1))):
        accepted = np.asarray(score(solution.value, cases)) > 0
        rates = [accepted[cases["group"] == g].mean() for g in (0, 1)]
        right = (accepted == cases["good"]).mean()
        lines[name] = (
            f"{rates[0]:.1%} of group 0 and {rates[1]:.1%} of group 1 accepted, {right:.1%} right"
        )
    return lines
