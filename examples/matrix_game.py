"""A game of two players with opposed interests: find the strategies that neither would change.

    stationary solve examples/matrix_game.py

Colonel Blotto in small: we have four companies, the enemy three, and there are two passes to hold.
Who sends more to a pass takes it, and with it the companies that the other side sent there. Each
side draws one of its splits at random; what is sought is how often to draw which.
"""

import numpy as np

import stationary as st

OURS = [(4 - i, i) for i in range(5)]
THEIRS = [(3 - i, i) for i in range(4)]


def payoff(ours, theirs):
    """What we win: for each pass taken 1 and the companies there, less the same for each lost."""
    won = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        won += (other + 1 if mine > other else 0) - (mine + 1 if mine < other else 0)
    return won


def loss(x, y, data):
    """What we expect to lose, when x and y say how often each split is drawn."""
    return -(x @ data @ y)


problem = st.Saddle(
    loss,
    minimize_over=st.sets.Simplex(),
    maximize_over=st.sets.Simplex(),
    data=np.array([[payoff(ours, theirs) for theirs in THEIRS] for ours in OURS]),
)
x0 = (np.full(5, 1 / 5), np.full(4, 1 / 4))


def summary(solution):
    """Printed at the end of `stationary solve`."""
    lines = {"value of the game": f"{-solution.objective:.4f}"}
    for name, strategy, splits in zip(
        ("ours", "theirs"), solution.value, (OURS, THEIRS), strict=True
    ):
        pairs = zip(np.asarray(strategy), splits, strict=True)
        lines[name] = ", ".join(f"{a}+{b} with {p:.3f}" for p, (a, b) in pairs if p > 1e-4)
    return lines
