"""MINRES as a Lineax solver: the least residual over Krylov spaces of a symmetric system."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, Int


class _Progress(NamedTuple):
    """Two basis vectors, two directions, two plane rotations, and what is left of the residual."""

    x: Float[Array, "n"]
    basis: Float[Array, "2 n"]
    directions: Float[Array, "2 n"]
    cosines: Float[Array, "2"]
    sines: Float[Array, "2"]
    beta: Float[Array, ""]
    left: Float[Array, ""]
    steps: Int[Array, ""]


class Minres(lx.AbstractLinearSolver):
    """MINRES of Paige and Saunders (1975), for symmetric matrices of any signature.

    **Arguments:**

    - `rtol`, `atol`: stop when the root mean square of the residual is at most atol, plus rtol
        times that of the right-hand side.
    - `max_steps`: the most products with the matrix.
    """

    rtol: Any = 1e-6
    atol: Any = 0.0
    max_steps: int = 10_000

    def init(self, operator, options):
        return operator

    def compute(self, state, vector, options):
        start = options.get("y0", jnp.zeros_like(vector))
        residual = vector - state.mv(start)
        size = jnp.linalg.norm(residual)
        goal = self.atol * vector.size**0.5 + self.rtol * jnp.linalg.norm(vector)
        eps = jnp.finfo(vector.dtype).eps
        tiny = jnp.finfo(vector.dtype).tiny

        def unsolved(p: _Progress):
            # Without a further basis vector the Krylov space holds the solution.
            further = (p.steps == 0) | (p.beta > eps * size)
            return (jnp.abs(p.left) > goal) & (p.steps < self.max_steps) & further

        def step(p: _Progress) -> _Progress:
            older, v = p.basis
            image = state.mv(v)
            alpha = v @ image
            image = image - alpha * v - p.beta * older
            beta = jnp.linalg.norm(image)
            # The new column of the tridiagonal matrix, turned by the last two rotations.
            (c2, c1), (s2, s1) = p.cosines, p.sines
            third = s2 * p.beta
            second = c1 * c2 * p.beta + s1 * alpha
            first = c1 * alpha - s1 * c2 * p.beta
            diagonal = jnp.maximum(jnp.hypot(first, beta), tiny)
            c, s = first / diagonal, beta / diagonal
            direction = (v - second * p.directions[1] - third * p.directions[0]) / diagonal
            return _Progress(
                p.x + c * p.left * direction,
                jnp.stack([v, image / jnp.maximum(beta, tiny)]),
                jnp.stack([p.directions[1], direction]),
                jnp.stack([c1, c]),
                jnp.stack([s1, s]),
                beta,
                -s * p.left,
                p.steps + 1,
            )

        nothing = jnp.zeros_like(vector)
        p = jax.lax.while_loop(
            unsolved,
            step,
            _Progress(
                start,
                jnp.stack([nothing, residual / jnp.maximum(size, tiny)]),
                jnp.stack([nothing, nothing]),
                jnp.ones(2, vector.dtype),
                jnp.zeros(2, vector.dtype),
                jnp.zeros_like(size),
                size,
                jnp.zeros((), jnp.int32),
            ),
        )
        done = jnp.abs(p.left) <= goal
        result = lx.RESULTS.where(done, lx.RESULTS.successful, lx.RESULTS.max_steps_reached)
        return p.x, result, {"num_steps": p.steps, "max_steps": self.max_steps}

    def transpose(self, state, options):
        return state, options  # symmetric

    def conj(self, state, options):
        return state, options

    def assume_full_rank(self):
        return True
