"""Random quadratic games: the certificate against the spectral radius of every step."""

import jax
import numpy as np

import stationary as st
from stationary.atlas import Table
from stationary.certify import MinimaxVerdict

TIMESCALE, SIZE = 1e7, 3


def _objective(x, y, data):
    a, b, c = data
    return x @ a @ x / 2 + x @ c @ y + y @ b @ y / 2


GAME = st.Saddle(_objective)


def random_game(rng, rank):
    """Second derivatives A, B and C; B is negative semidefinite of the given rank."""
    a = rng.standard_normal((SIZE, SIZE))
    turn, _ = np.linalg.qr(rng.standard_normal((SIZE, SIZE)))
    values = np.zeros(SIZE)
    values[:rank] = -rng.uniform(0.5, 2.0, rank)
    return (a + a.T) / 2, turn * values @ turn.T, rng.standard_normal((SIZE, SIZE))


def stable(data, steps):
    """Whether each step of extragradient contracts: the spectral radius of its matrix."""
    a, b, c = data
    jacobian = np.block([[a / TIMESCALE, c / TIMESCALE], [-c.T, -b]])
    scaled = steps[:, None, None] * jacobian
    matrices = np.eye(2 * SIZE) - scaled + scaled @ scaled
    return np.abs(np.linalg.eigvals(matrices)).max(axis=1)


def certificate(found, key, laptop):
    """Verdicts and step intervals on random quadratic games."""
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    origin = (np.zeros(SIZE), np.zeros(SIZE))
    counts = {rank: [0, 0, 0] for rank in (1, 2, 3)}
    false, wrong = 0, 0
    for i in range(300 if laptop else 60):
        rank = 1 + i % 3
        data = random_game(rng, rank)
        point = st.classify_stationary(GAME, origin, data=data, rtol=1e-9)
        interval = point.step_interval(TIMESCALE)
        steps = np.geomspace(1e-3, 1 / np.abs(np.linalg.eigvalsh(data[1])).max(), 400)
        radius = stable(data, steps)
        clear = np.abs(radius - 1) > 1e-13
        said = np.array([step in interval for step in steps])
        wrong += int(np.sum(clear & (said != (radius < 1))))
        if point.verdict is MinimaxVerdict.NOT:
            counts[rank][0] += 1
            false += int(np.any(clear & (radius < 1)) or not interval.empty)
        elif point.verdict in (MinimaxVerdict.STRICT, MinimaxVerdict.CALM):
            counts[rank][2 if interval.empty else 1] += 1
    found.values["no false answers"] = false
    repelling = sum(count[2] for count in counts.values())
    found.values["few repelling answers"] = repelling / sum(map(sum, counts.values()))
    found.values["intervals"] = wrong
    found.tables["Random quadratic games by the rank of y's curvature"] = Table(
        ("rank", "no local minimax", "attracts at some step", "repels at every step"),
        tuple((rank, *count) for rank, count in counts.items()),
    )
    found.notes.append(
        "Some calm local minimax points repel at every step; the certificate reports an empty "
        "interval there. The 300 games are those of one seed, a third for each rank."
    )
