"""A game of two players with opposed interests: find the strategies that neither would change.

    stationary solve examples/matrix_game.py

Colonel Blotto in small: each side sends four companies to two passes; sending more than the enemy
takes a pass, and with it the companies the enemy sent there. Both sides play at random by a
distribution over the five ways to split.
"""

import numpy as np

import stationary as st

SPLITS = [(4 - i, i) for i in range(5)]


def payoff(ours, theirs):
    """What the row player wins: for each pass, 1 and the enemy's companies there, or minus ours."""
    won = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        won += (other + 1 if mine > other else 0) - (mine + 1 if mine < other else 0)
    return won


def loss(x, y, data):
    """What the row player expects to lose."""
    return -(x @ data @ y)


problem = st.Saddle(
    loss,
    minimize_over=st.sets.Simplex(),
    maximize_over=st.sets.Simplex(),
    data=np.array([[payoff(ours, theirs) for theirs in SPLITS] for ours in SPLITS]),
)
x0 = (np.full(5, 0.2), np.full(5, 0.2))


def summary(solution):
    """Printed at the end of `stationary solve`."""
    lines = {"value of the game": f"{-solution.objective:.4f}"}
    for name, strategy in zip(("ours", "theirs"), solution.value, strict=True):
        pairs = zip(np.asarray(strategy), SPLITS, strict=True)
        lines[name] = ", ".join(f"{a}+{b} with {p:.3f}" for p, (a, b) in pairs if p > 1e-4)
    return lines
