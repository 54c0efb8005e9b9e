"""What a step costs in derivatives and in memory."""

from typing import Any

import jax
import jax.numpy as jnp

import stationary as st
from stationary.methods import BilevelDescent

from ._toy import METHOD, balance, lower, problem, start


def derivatives(found, *_):
    """Second derivatives taken while a step is traced: none, where other ways take some."""
    taken = []

    @jax.custom_jvp
    def slope(y):
        return jnp.sinh(y)

    @slope.defjvp
    def _(primals, tangents):
        taken.append("second")
        return slope(*primals), jnp.cosh(*primals) * tangents[0]

    @jax.custom_jvp
    def bowl(y):
        return jnp.sum(jnp.cosh(y))

    @bowl.defjvp
    def _(primals, tangents):
        return bowl(*primals), jnp.vdot(slope(*primals), tangents[0])

    def above(x, y):
        return jnp.sum(x * jnp.cosh(y))

    def below(x, y):
        return bowl(y) - x @ y

    pair = jnp.zeros(3), jnp.zeros(3)

    def traced(stated, method):
        taken.clear()
        system, unknown = stated.lower(pair), stated.embed(pair)
        state = method.init(system, st.Point(unknown, system.zero_duals(unknown)))
        taken.clear()  # learning rates are estimated at the start from how steep the slopes are
        jax.make_jaxpr(lambda s: method.step(system, s))(state)
        return len(taken)

    rows = st.Minimize(below, {"sum": st.equal(lambda x, y: jnp.sum(x) + jnp.sum(y))})
    proximal = st.Nested(above, rows, st.ProximalLagrangian(2.0))
    found.values["no second derivative"] = traced(proximal, METHOD)
    averaged = traced(st.Nested(above, below, st.Averaged(0.5)), BilevelDescent(0.1))
    found.notes.append(
        f"Second derivatives: the same count is {averaged} for the averaged method of multipliers, "
        "which multiplies by the lower Hessian."
    )


def memory(found, *_):
    """Memory of a compiled step, and of one gradient."""
    size = 10_000
    stated = problem(5.0)
    system, unknown = stated.lower(start(size)), stated.embed(start(size))
    point = st.Point(unknown, system.zero_duals(unknown))
    state = jax.jit(lambda point: METHOD.init(system, point))(point)

    def gradient(x, y, m):
        return jax.grad(lambda x, y: lower(x, y) + m * balance(x, y), argnums=(0, 1))(x, y)

    def held(program: Any, *args: Any) -> int:
        """Bytes of inputs, outputs and between; those of a state that is written over, once."""
        bytes_of: Any = program.lower(*args).compile().memory_analysis()
        whole = bytes_of.argument_size_in_bytes + bytes_of.temp_size_in_bytes
        return whole + bytes_of.output_size_in_bytes - bytes_of.alias_size_in_bytes

    step = held(jax.jit(lambda s: METHOD.step(system, s), donate_argnums=0), state)
    one = held(jax.jit(gradient), *start(size), jnp.zeros(()))
    found.values["memory"] = step / one
    found.notes.append(
        f"Memory: {step / 1e6:.3g} MB for a step that writes over its state, {one / 1e6:.3g} MB "
        "for a gradient."
    )
