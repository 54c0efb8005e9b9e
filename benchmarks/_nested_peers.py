"""Nested problems as they are solved without this library: loops in NumPy, CVXPY and PyTorch."""

from typing import Any, NamedTuple

import numpy as np


class Rates(NamedTuple):
    """Learning rates of the proximal Lagrangian's loop."""

    upper: float
    anchor: float
    inner: float
    duals: float


def conic_loop(split: Any, pair: tuple, rates: Rates, steps: int, project: Any) -> np.ndarray:
    """The validation loss at every step of the proximal Lagrangian's loop in NumPy.

    The problem and the order of the steps are those of `atlas.nested.proximal_lagrangian`;
    `project` is the conic solver that returns to the constraints.
    """
    rows, labels = split.train
    valid, valid_labels = split.valid
    count, features = rows.shape
    slopes = np.hstack([labels[:, None] * rows, labels[:, None]]) / count**0.5
    x = np.array(pair[0])
    y = np.concatenate([pair[1]["w"], [pair[1]["b"]], pair[1]["slack"]])
    inner, anchor, duals = y.copy(), np.zeros(count), np.zeros(count)
    losses = []

    def values(at):
        return 1 - at[features + 1 :] - slopes @ at[: features + 1]

    def pull(weights):
        return np.concatenate([-slopes.T @ weights, -weights])

    def below(x, at):
        """The slope of the training loss in y, and in x."""
        slack = at[features + 1 :]
        by_y = np.concatenate([at[:features] / count, [0.0], np.exp(x) * slack])
        return 100 * by_y, 50 * np.exp(x) * slack**2

    def above(at):
        """The validation loss and its slope in w and b."""
        w, b = at[:features], at[features]
        size = np.linalg.norm(w)
        score = valid_labels * (valid @ w + b)
        errors = 1 / (1 + np.exp(5 * score / size))
        outer = -5 * errors * (1 - errors) / (size * valid_labels.size)
        by_w = valid.T @ (outer * valid_labels) - (outer @ score) * w / size**2
        return errors.mean(), np.concatenate([by_w, [outer @ valid_labels], np.zeros(count)])

    for k in range(steps):
        cost = 0.1 * (k + 1) ** 0.3
        by_inner = below(x, inner)[0] + pull(duals) + inner - y
        by_duals = duals - anchor - values(inner)
        inner = inner - rates.inner * by_inner
        duals = np.maximum(duals - rates.duals * by_duals, 0.0)
        loss, steer = above(y)
        losses.append(loss)
        by_y, by_x = below(x, y)
        by_x = by_x - below(x, inner)[1]
        by_anchor = anchor - duals
        y = project(y - rates.upper * (steer / cost + by_y + inner - y))
        x = np.clip(x - rates.upper * by_x, -9.0, -2.0)
        anchor = np.maximum(anchor - rates.anchor * by_anchor, 0.0)
    return np.array(losses)


def torch_loop(
    data: dict[str, np.ndarray], settings: Any, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """x and y of one degenerate quadratic after some steps on the value function, in PyTorch."""
    import torch

    torch.set_num_threads(1)  # vectors of 1000 numbers are not worth sharing
    own = {name: torch.from_numpy(value) for name, value in data.items()}

    def upper(x, y):
        off = y - own["T"] @ x - own["y0"]
        return 0.5 * (off @ off) + 0.5 * ((x - own["x0"]) @ (x - own["x0"]))

    def lower(x, y):
        off = own["A"] @ y - own["C"] @ x
        return 0.5 * (off @ off)

    x = torch.zeros_like(own["x0"], requires_grad=True)
    y = torch.zeros_like(own["y0"], requires_grad=True)
    z = torch.zeros_like(own["y0"], requires_grad=True)
    below = torch.optim.SGD(
        [y, z], lr=settings.rate, momentum=settings.momentum, nesterov=True, foreach=False
    )
    for k in range(steps):
        penalty = settings.penalty_at(k)
        for _ in range(settings.inner):
            (y.grad,) = torch.autograd.grad(
                lower(x.detach(), y) + upper(x.detach(), y) / penalty, y
            )
            (z.grad,) = torch.autograd.grad(lower(x.detach(), z), z)
            below.step()
        inner = lower(x, y.detach()) - lower(x, z.detach())
        (slope,) = torch.autograd.grad(upper(x, y.detach()) + penalty * inner, x)
        with torch.no_grad():
            x -= settings.upper * slope
    return x.detach().numpy(), y.detach().numpy()


def implicit_loop(
    data: dict[str, np.ndarray], settings: Any, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """x and y of one degenerate quadratic, with hypergradients by conjugate gradients in SciPy."""
    from scipy.sparse.linalg import aslinearoperator, cg

    a, c, t = data["A"], data["C"], data["T"]
    x, y = np.zeros_like(data["x0"]), np.zeros_like(data["y0"])
    hessian = aslinearoperator(a.T) @ aslinearoperator(a)
    with np.errstate(all="ignore"):  # the adjoint system has no solution
        for _ in range(steps):
            for _ in range(settings.inner):
                y = y - settings.rate * (a.T @ (a @ y - c @ x))
            off = y - t @ x - data["y0"]
            adjoint, _ = cg(hessian, off, rtol=1e-8, maxiter=50)
            x = x - settings.upper * (x - data["x0"] - t.T @ off + c.T @ (a @ adjoint))
    return x, y
