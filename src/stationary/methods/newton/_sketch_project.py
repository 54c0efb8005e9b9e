"""Randomised row actions for linear systems: project onto a random sketch of the equations."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

SKETCHES = ("gaussian", "kaczmarz")


class _Rows(eqx.Module):
    """What a solve keeps of an operator: itself, its transpose, and its rows where one is drawn."""

    forward: lx.AbstractLinearOperator
    backward: lx.AbstractLinearOperator
    matrix: Float[Array, "m n"] | None


class SketchProject(lx.AbstractLinearSolver[_Rows]):
    """Sketch-and-project: a Lineax solver that looks at a few equations at a time.

    Each action draws a random combination S' of the equations A d = b and moves d to the nearest
    point that satisfies it: d - A'S (S'A A'S)^+ S'(A d - b). With `"kaczmarz"` a combination is one
    equation, drawn uniformly; with `"gaussian"` a normal vector; with a number q, a block of q
    normal vectors. Any consistent system will do, square or not, symmetric or not; the answer is
    then the solution nearest to the start.

    The mean squared error falls at least by the factor 1 - lambda_min(E[P]) per action, where P
    projects onto the range of A'S. That is slow when A is ill-conditioned: scale rows first.

    **Arguments:**

    - `sketch`: `"gaussian"`, `"kaczmarz"`, or the number of vectors in a Gaussian block.
    - `rtol`, `atol`: stop when |A d - b| <= atol + rtol |b|, in the Euclidean norm.
    - `max_steps`: the most actions; default 100 per unknown, but at least 100 000.
    - `check_every`: actions between two looks at the residual, which costs one product with A;
        default one look per unknown with `"kaczmarz"`, whose actions are as cheap as a row, else
        after each action.
    - `seed`: the randomness; the option `key` of `linear_solve` replaces it.

    Options of `linear_solve`: `y0`, where to start (default zero), and `key`.

    **Raises:** `ValueError` for an unknown sketch or limits that make no sense; `TypeError` for a
    complex operator.

    !!! example
        >>> import jax.numpy as jnp, lineax as lx
        >>> from stationary.methods import SketchProject
        >>> operator = lx.MatrixLinearOperator(jnp.array([[2.0, 1.0], [1.0, 3.0]]))
        >>> solver = SketchProject("kaczmarz", rtol=1e-6)
        >>> solution = lx.linear_solve(operator, jnp.array([3.0, 4.0]), solver)
        >>> solution.value.round(4).tolist()
        [1.0, 1.0]

    !!! cite "Reference"
        Gower and Richtarik, Randomized iterative methods for linear systems (2015,
        arXiv:1506.03296); as an inner solver, Hong et al. (2023, arXiv:2305.18379), algorithm 1.
    """

    sketch: str | int = eqx.field(static=True, default="gaussian")
    rtol: Any = 1e-6
    atol: Any = 0.0
    max_steps: int | None = eqx.field(static=True, default=None)
    check_every: int | None = eqx.field(static=True, default=None)
    seed: int = eqx.field(static=True, default=0)

    def __check_init__(self):
        block = isinstance(self.sketch, int) and not isinstance(self.sketch, bool)
        if not (self.sketch in SKETCHES or (block and self.sketch >= 1)):  # pyright: ignore
            raise ValueError(
                f'sketch is "gaussian", "kaczmarz" or a block size of at least 1, got '
                f"{self.sketch!r}."
            )
        for name, value in (("rtol", self.rtol), ("atol", self.atol)):
            if isinstance(value, int | float) and not value >= 0:
                raise ValueError(f"{name} must not be negative, got {value}.")
        for name, value in (("max_steps", self.max_steps), ("check_every", self.check_every)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}.")

    def init(self, operator, options) -> _Rows:
        leaves = jax.tree.leaves((operator.in_structure(), operator.out_structure()))
        if any(jnp.issubdtype(leaf.dtype, jnp.complexfloating) for leaf in leaves):
            raise TypeError(
                "SketchProject solves real systems; split a complex one into real and imaginary "
                "parts."
            )
        operator = lx.linearise(operator)
        matrix = operator.as_matrix() if self.sketch == "kaczmarz" else None
        return _Rows(operator, operator.transpose(), matrix)

    def compute(self, state, vector, options):
        target, unravel_target = ravel_pytree(vector)
        zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), state.forward.in_structure())
        start, unravel = ravel_pytree(options.get("y0", zeros))

        def forward(d):
            return ravel_pytree(state.forward.mv(unravel(d)))[0]

        def backward(s):
            return ravel_pytree(state.backward.mv(unravel_target(s)))[0]

        goal = self.atol + self.rtol * jnp.linalg.norm(target)
        act = self._action(state, backward, target)
        every = self.check_every
        if every is None:
            every = target.size if self.sketch == "kaczmarz" else 1
        limit = self._limit(target.size)
        key = options.get("key", jax.random.key(self.seed))

        def unsolved(carry):
            _, residual, steps = carry
            return ~(residual <= goal) & (steps < limit) & jnp.isfinite(residual)

        def look(carry):
            d, _, steps = carry
            taken = jnp.minimum(every, limit - steps)
            d = jax.lax.fori_loop(
                steps, steps + taken, lambda i, d: act(d, jax.random.fold_in(key, i)), d
            )
            return d, jnp.linalg.norm(forward(d) - target), steps + taken

        residual = jnp.linalg.norm(forward(start) - target)
        zero = jnp.zeros((), jnp.int32)
        d, residual, steps = jax.lax.while_loop(unsolved, look, (start, residual, zero))
        failed = lx.RESULTS.where(
            jnp.isfinite(residual), lx.RESULTS.max_steps_reached, lx.RESULTS.singular
        )
        result = lx.RESULTS.where(residual <= goal, lx.RESULTS.successful, failed)
        return unravel(d), result, {"num_steps": steps, "max_steps": limit, "residual": residual}

    def _limit(self, size: int) -> int:
        return max(100_000, 100 * size) if self.max_steps is None else self.max_steps

    def _action(self, state: _Rows, backward, target: Float[Array, "m"]):
        """One projection, as a function of the iterate and a key."""
        tiny = jnp.finfo(target.dtype).tiny
        eps = jnp.finfo(target.dtype).eps
        matrix = state.matrix
        if matrix is not None:

            def row(d, key: PRNGKeyArray):
                i = jax.random.randint(key, (), 0, target.size)
                a = matrix[i]
                return d - (a @ d - target[i]) / jnp.maximum(a @ a, tiny) * a

            return row
        if self.sketch == "gaussian":

            def vector(d, key: PRNGKeyArray):
                s = jax.random.normal(key, target.shape, target.dtype)
                a = backward(s)
                return d - (a @ d - s @ target) / jnp.maximum(a @ a, tiny) * a

            return vector
        count = min(int(self.sketch), target.size)

        def block(d, key: PRNGKeyArray):
            s = jax.random.normal(key, (count, target.size), target.dtype)
            a = jax.vmap(backward)(s)
            gram = a @ a.T
            # A little more than rounding keeps the factor real; the move stays a contraction.
            jitter = 10 * eps * jnp.trace(gram) + tiny
            factor = jnp.linalg.cholesky(gram + jitter * jnp.eye(count, dtype=gram.dtype))
            weights = jax.scipy.linalg.cho_solve((factor, True), a @ d - s @ target)
            return d - weights @ a

        return block

    def transpose(self, state, options):
        rows = None if state.matrix is None else state.matrix.T
        return _Rows(state.backward, state.forward, rows), {}

    def conj(self, state, options):
        return state, options

    def assume_full_rank(self) -> bool:
        return False
