"""Which method a problem gets when its user names none."""

from functools import cache

from .._method import AbstractMethod, Oracle
from .._registry import register_chooser
from .._responses import AbstractPairOperator
from .._responses._kkt import KKTOperator
from .._system import System
from .constrained import AugmentedLagrangian, PrimalDual
from .descent import from_optax
from .interior_point import InteriorPoint
from .interior_point._advice import is_dense, obstacle
from .nested._descent import BilevelDescent
from .saddle import ExtraGradient, PastExtraGradient
from .trust_region import TrustRegionSQP


@register_chooser
def default_method(system: System) -> tuple[AbstractMethod, str]:
    """The method for a system by what it provides, and why in words.

    **Arguments:**

    - `system`: a lowered problem.

    **Returns:** the method, and the reason.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Saddle(lambda x, y: x * y)
        >>> method, reason = default_method(problem.lower((jnp.array(1.0), jnp.array(1.0))))
        >>> type(method).__name__, reason
        ('PastExtraGradient', 'players with opposed interests: one operator call a step')
    """
    constrained = " with constraints" if system.constraints else ""
    if isinstance(system.operator, AbstractPairOperator):
        if system.operator.parts.players:
            return ExtraGradient(), "players with opposed interests above a nested problem"
        if system.is_stochastic:
            return _bilevel_adam(), "a nested problem estimated from mini-batches"
        return BilevelDescent(inner_steps=10), "a nested problem: first-order steps on both levels"
    if system.is_stochastic:
        if Oracle.VALUE in system.provides and not system.constraints:
            return _adam(), "one objective estimated from mini-batches"
        if Oracle.VALUE in system.provides:
            return PrimalDual(), f"one objective estimated from mini-batches{constrained}"
    elif Oracle.VALUE in system.provides:
        nested = isinstance(system.operator, KKTOperator)
        if system.constraints and not nested and obstacle(system, "InteriorPoint") is None:
            if is_dense(system):
                return InteriorPoint(), "smooth constraints on few unknowns: second derivatives pay"
            return TrustRegionSQP(), "smooth constraints on many unknowns: products only"
        without = "" if constrained else ": descent, no multipliers needed"
        return AugmentedLagrangian(), f"one smooth objective{constrained} on full data{without}"
    if len(system.blocks) > 1 and system.blocks[1].sense == "maximize":
        return PastExtraGradient(), "players with opposed interests: one operator call a step"
    return ExtraGradient(), f"an operator without a potential{constrained}"


@cache
def _adam() -> AbstractMethod:
    """One instance for all solves: Optax rules are compared by identity, and so share a program."""
    import optax

    return from_optax(optax.adam(1e-2))


@cache
def _bilevel_adam() -> AbstractMethod:
    import optax

    rule = optax.adam(1e-2)
    return BilevelDescent(rule, rule)
