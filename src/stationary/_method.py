"""The protocol of a method: arrays in, one step, arrays out."""

import abc
import enum
from collections.abc import Iterable
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ._point import Point
from ._status import Status


class Oracle(enum.Enum):
    """What a method may ask of a system, and a system may be able to answer."""

    VALUE = "the value of a single objective"
    GRAD = "gradients"
    HVP = "Hessian-vector products"
    PROJECT = "projection onto the set"
    RETRACT = "retraction onto the manifold"
    LMO = "linear minimisation over the set"
    FULL = "the same full data at every step"
    SAMPLE = "mini-batches"


class Metrics(eqx.Module):
    """How far along a solve is, as scalars that a step has at hand anyway.

    **Arguments:**

    - `objective`: the user's objective at the point (NaN where the statement has none).
    - `residual`: the largest of the scaled stationarity, the violation and the complementarity;
        a solve has converged when it falls below `tol`.
    - `stationarity`, `feasibility`: two of its parts.
    - `violations`: the largest violation of each constraint, by name.
    """

    objective: Float[Array, ""]
    residual: Float[Array, ""]
    stationarity: Float[Array, ""]
    feasibility: Float[Array, ""]
    violations: dict[str, Float[Array, ""]]

    def blown_up(self, scale: Float[Array, ""]) -> Bool[Array, ""]:
        """Whether steps have run away: the residual is out of all proportion to a first one."""
        return self.residual > 1e12 * scale


def unmeasured(names: Iterable[str], dtype: Any) -> Metrics:
    """Metrics before the first step: infinite, for constraints of these names."""
    infinity = jnp.full((), jnp.inf, dtype)
    return Metrics(infinity, infinity, infinity, infinity, dict.fromkeys(names, infinity))


class AbstractMethod(eqx.Module):
    """An algorithm that drives a system's residual to zero.

    A method is configuration only. Everything that changes is in the state that `init` returns:
    a pytree of arrays whose structure, shapes and dtypes never change afterwards. `init` and
    `step` are pure, so they work in a user's own loop, under `jit` and under `vmap`.
    """

    needs: ClassVar[frozenset[Oracle]]
    handles_constraints: ClassVar[bool]
    summary: ClassVar[str]

    @abc.abstractmethod
    def init(self, system: Any, point: Point, data: PyTree = None, *, key: PRNGKeyArray) -> Any:
        """The state before the first step.

        **Arguments:**

        - `system`: the [`System`][stationary.System] of the problem.
        - `point`: where to start, with multipliers.
        - `data`: the statement's data.
        - `key`: the randomness of a randomised method.
        """

    @abc.abstractmethod
    def step(self, system: Any, state: Any, data: PyTree = None) -> tuple[Any, Metrics]:
        """One step: the next state, and the metrics at the point it stands for."""

    @abc.abstractmethod
    def point(self, state: Any) -> Point:
        """The point that a state stands for."""

    def check(self, system: Any, point: Point, data: PyTree = None) -> list[str]:
        """What a method can tell about a start before anything compiles; called by `solve`.

        **Returns:** notices for the solution.

        **Raises:** `ValueError` when the method cannot work from this start.
        """
        return []

    def remarks(self, system: Any, state: Any, status: Status, data: PyTree = None) -> list[str]:
        """What a method can tell about how it ended that its status cannot; called by `solve`.

        **Arguments:**

        - `system`, `data`: as in `init`.
        - `state`: what the last `step` returned.
        - `status`: why it stopped.

        **Returns:** notices for the solution: none, for most methods.
        """
        return []

    def status(self, state: Any, metrics: Metrics, tol: Any) -> Int[Array, ""] | int:
        """Why to stop before the residual is below `tol`; `Status.RUNNING` to go on."""
        return Status.RUNNING

    def log(self, state: Any) -> dict[str, Float[Array, ""]]:
        """The scalars of the last step that a solve is followed by: none, for most methods.

        The driver keeps them in [`Trace.log`][stationary.Trace], a row per record.

        **Arguments:**

        - `state`: what `step` returned.

        **Returns:** scalars of the solve's dtype by name; the names never change.
        """
        return {}


def check_method(method: AbstractMethod, system: Any) -> None:
    """Refuse a method whose oracles the system lacks.

    **Raises:** `TypeError` naming the method, what it needs, why the problem cannot give it and
    which methods can be used instead.
    """
    name = type(method).__name__
    missing = method.needs - system.provides
    remedy = "Leave `method` out to have one chosen, or see `stationary methods`."
    if Oracle.FULL in missing:
        raise TypeError(
            f"{name} works on the full data, but this problem has an Expectation over a stream. "
            f"Use a method that takes mini-batches, such as PrimalDual or from_optax. {remedy}"
        )
    if missing & {Oracle.PROJECT, Oracle.RETRACT, Oracle.LMO}:
        lacking = ", ".join(sorted(oracle.value for oracle in missing))
        raise TypeError(f"{name} needs {lacking}, which {system.space.describe()} lacks. {remedy}")
    if missing:
        lacking = ", ".join(sorted(oracle.value for oracle in missing))
        raise TypeError(f"{name} needs {lacking}, which this kind of statement lacks. {remedy}")
    if system.constraints and not method.handles_constraints:
        raise TypeError(
            f"{name} has no multipliers and would ignore the constraints "
            f"{sorted(system.constraints)}. {remedy}"
        )
