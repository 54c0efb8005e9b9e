"""Momentum with a complex coefficient, for games in which players oppose or help one another."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Complex, Float, Int, PyTree

if TYPE_CHECKING:
    import optax

Rate = float | complex | Float[Array, ""] | Complex[Array, ""] | Callable[[Int[Array, ""]], Any]
Number = float | Float[Array, ""]


class ComplexMomentumState(NamedTuple):
    """Moves made so far, and the complex buffer of past gradients, laid out like the unknown."""

    count: Int[Array, ""]
    buffer: PyTree[Complex[Array, "..."]]


class ComplexAdamState(NamedTuple):
    """Moves made so far, the complex first moment, and the real second one."""

    count: Int[Array, ""]
    buffer: PyTree[Complex[Array, "..."]]
    squares: PyTree[Float[Array, "..."]]


def complex_momentum(
    learning_rate: Rate, momentum: Number = 0.9, phase: Number = math.pi / 8
) -> "optax.GradientTransformation":
    """Gradient steps with momentum whose coefficient is complex: one rule for all games.

    With m a complex buffer, each step is m <- momentum e^(i phase) m + gradient and
    x <- x - Re(learning_rate m). Phase 0 is ordinary momentum, which suits players that help one
    another and diverges where they oppose one another; phase pi is negative momentum; phases
    between converge on both kinds at once.

    Use it through [`from_optax`][stationary.methods.from_optax] on a `Saddle`, or in a loop of
    your own on the operator of the game.

    **Arguments:**

    - `learning_rate`: a number, complex if you like; or a schedule, a function of the moves made.
    - `momentum`: the modulus of the coefficient, in [0, 1).
    - `phase`: its angle in radians, real.

    **Returns:** an `optax.GradientTransformation`. Its state holds arrays only.

    **Raises:** `ValueError` for a modulus of 1 or more and for a learning rate that is zero or not
    finite; `TypeError` for a phase that is not real, and at `init` for complex unknowns.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> game = st.Saddle(lambda x, y: x * y)
        >>> method = st.methods.from_optax(st.methods.complex_momentum(0.1, 0.9, jnp.pi / 4))
        >>> outcome = st.run(game, (jnp.array(1.0), jnp.array(1.0)), method)
        >>> [abs(round(float(leaf), 4)) for leaf in outcome.point.primal]
        [0.0, 0.0]

    !!! cite "Reference"
        Lorraine, Acuna, Vicol and Duvenaud (2022), Complex momentum for optimization in games,
        arXiv:2102.08431.
    """
    import optax

    _check(learning_rate, momentum, phase, "complex_momentum")

    def init(params: PyTree) -> ComplexMomentumState:
        return ComplexMomentumState(jnp.zeros((), jnp.int32), _buffer(params, "complex_momentum"))

    def update(updates: PyTree, state: Any, params: PyTree = None):
        del params
        buffer = _added(state.buffer, updates, momentum, phase)
        moves = jax.tree.map(
            lambda m, g: -jnp.real(_rate(learning_rate, state.count, m) * m).astype(g.dtype),
            buffer,
            updates,
        )
        return moves, ComplexMomentumState(state.count + 1, buffer)

    return optax.GradientTransformation(init, update)


def complex_adam(
    learning_rate: Rate,
    momentum: Number = 0.9,
    phase: Number = math.pi / 8,
    decay: Number = 0.999,
    epsilon: Number = 1e-8,
) -> "optax.GradientTransformation":
    """Adam whose first moment has a complex decay.

    The buffer is that of [`complex_momentum`][stationary.methods.complex_momentum]; its real part
    takes the place of the first moment, with the weights and the correction of its bias that go
    with the modulus. At phase 0 this is Adam.

    **Arguments:**

    - `learning_rate`, `momentum`, `phase`: as for `complex_momentum`.
    - `decay`: of the mean of squared gradients, in [0, 1).
    - `epsilon`: added to the root of that mean.

    **Returns:** an `optax.GradientTransformation`. Its state holds arrays only.

    **Raises:** as `complex_momentum` does; `ValueError` for a decay outside [0, 1).

    !!! example
        >>> import jax.numpy as jnp, optax
        >>> from stationary.methods import complex_adam
        >>> rule, params = complex_adam(0.1), jnp.array([1.0, -2.0])
        >>> move, _ = rule.update(2 * params, rule.init(params))
        >>> optax.apply_updates(params, move).round(4).tolist()
        [0.9, -1.9]

    !!! cite "Reference"
        Lorraine, Acuna, Vicol and Duvenaud (2022), Complex momentum for optimization in games,
        arXiv:2102.08431.
    """
    import optax

    _check(learning_rate, momentum, phase, "complex_adam")
    if _known(decay) and not 0 <= decay < 1:
        raise ValueError(f"complex_adam: decay must lie in [0, 1), got {decay}.")

    def init(params: PyTree) -> ComplexAdamState:
        buffer = _buffer(params, "complex_adam")
        zeros = jax.tree.map(jnp.zeros_like, params)
        return ComplexAdamState(jnp.zeros((), jnp.int32), buffer, zeros)

    def update(updates: PyTree, state: Any, params: PyTree = None):
        del params
        count = state.count + 1
        buffer = _added(state.buffer, updates, momentum, phase)
        squares = jax.tree.map(
            lambda s, g: (decay * s + (1 - decay) * g**2).astype(s.dtype), state.squares, updates
        )

        def move(m: Array, s: Array, g: Array) -> Array:
            steps = count.astype(s.dtype)
            step = _rate(learning_rate, state.count, m) * m
            mean = (1 - momentum) * jnp.real(step) / (1 - momentum**steps)
            size = jnp.sqrt(s / (1 - decay**steps)) + epsilon
            return (-mean / size).astype(g.dtype)

        moves = jax.tree.map(move, buffer, squares, updates)
        return moves, ComplexAdamState(count, buffer, squares)

    return optax.GradientTransformation(init, update)


def _buffer(params: PyTree, owner: str) -> PyTree[Complex[Array, "..."]]:
    def zeros(path: tuple, leaf: Any) -> Array:
        if not jnp.issubdtype(jnp.result_type(leaf), jnp.floating):
            where = f"the unknown{jax.tree_util.keystr(path)}"
            raise TypeError(
                f"{owner}: {where} has dtype {jnp.result_type(leaf)}, but must be real and "
                "floating: the imaginary part of the buffer is memory, and never moves it."
            )
        return jnp.zeros(jnp.shape(leaf), jnp.result_type(leaf, jnp.complex64))

    return jax.tree_util.tree_map_with_path(zeros, params)


def _added(buffer: PyTree, gradient: PyTree, momentum: Number, phase: Number) -> PyTree:
    """The buffer after one more gradient."""

    def one(m: Array, g: Array) -> Array:
        angle = jnp.asarray(phase, jnp.real(m).dtype)
        turn = jax.lax.complex(momentum * jnp.cos(angle), momentum * jnp.sin(angle))
        return (turn * m + g).astype(m.dtype)

    return jax.tree.map(one, buffer, gradient)


def _rate(learning_rate: Rate, count: Array, like: Array) -> Array:
    given = learning_rate(count) if callable(learning_rate) else learning_rate
    return jnp.asarray(given).astype(like.dtype)


def _known(number: Any) -> bool:
    return not isinstance(number, Tracer)


def _check(learning_rate: Rate, momentum: Number, phase: Number, owner: str) -> None:
    if _known(learning_rate) and not callable(learning_rate):
        if not np.isfinite(learning_rate) or learning_rate == 0:
            raise ValueError(
                f"{owner}: learning_rate must be finite and not zero, got {learning_rate}."
            )
    if _known(momentum) and not (np.isreal(momentum) and 0 <= np.real(momentum) < 1):
        raise ValueError(
            f"{owner}: momentum is the modulus of the coefficient and must lie in [0, 1), got "
            f"{momentum}. Its angle is the phase."
        )
    if jnp.iscomplexobj(phase) or (_known(phase) and not np.isfinite(phase)):
        raise TypeError(f"{owner}: phase is an angle in radians, real and finite; got {phase!r}.")
