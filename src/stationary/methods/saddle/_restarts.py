"""Restarts: go on from the average of the steps so far whenever that pays."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._method import AbstractMethod, Oracle
from ..._point import Point
from ..._system import System
from ._geometry import EuclideanGeometry
from ._iteration import AbstractOperatorMethod, State
from ._joint import operator

_SUFFICIENT, _NECESSARY, _ARTIFICIAL = 0.2, 0.8, 0.36


class RestartedState(eqx.Module):
    """An iteration with restarts under way.

    **Arguments:**

    - `iteration`: the state of the method that is restarted; its average is that of the steps
        since the last restart.
    - `report`: the better of its last point and that average.
    - `residual`: how far a step leads from there.
    - `begun`: the same where the last restart began.
    - `length`: steps since then.
    - `restarts`: how many there were.
    """

    iteration: State
    report: Point
    residual: Float[Array, ""]
    begun: Float[Array, ""]
    length: Int[Array, ""]
    restarts: Int[Array, ""]


class Restarted(AbstractMethod):
    """An extra-gradient method that starts again from its own average, whenever that pays.

    Where players have no curvature of their own, the last point turns around the answer and the
    average approaches it like 1/t. Restarts make that linear on problems that are *sharp*, whose
    residual grows in proportion to the distance from the answers: matrix games, linear programs,
    bilinear problems. Where the last point converges well it is kept, and what is lost is one
    operator call in `inner_steps`.

    Every `inner_steps` steps the average since the last restart and the last point are judged by
    how far one projected step leads from them, and the better one is reported. It becomes the new
    start once its residual has fallen to 0.2 of what it was at the last restart; or to 0.8, and
    rises again; or once 0.36 of all steps came after that restart.

    A step is `inner_steps` steps of the method and one more operator call.

    **Arguments:**

    - `method`: `PastExtraGradient()`, `ExtraGradient()` or another method of this family, with its
        own step size, timescale and weights.
    - `inner_steps`: steps between two tests.

    **Raises:** `TypeError` for a method of another family; `ValueError` for a geometry that is not
    Euclidean (entropic averages gain nothing from restarts), or fewer than one inner step. Noise
    would decide on restarts, so problems with mini-batches are refused.

    !!! example
        >>> import jax, jax.numpy as jnp, stationary as st
        >>> payoff = jax.random.normal(jax.random.key(0), (20, 30))
        >>> game = st.Saddle(lambda x, y: x @ payoff @ y, st.Simplex(), st.Simplex())
        >>> method = st.methods.Restarted(st.methods.PastExtraGradient())
        >>> outcome = st.run(game, (jnp.full(20, 1 / 20), jnp.full(30, 1 / 30)), method)
        >>> x, y = outcome.point.primal
        >>> bool(jnp.max(payoff.T @ x) - jnp.min(payoff @ y) < 1e-3)
        True

    !!! cite "Reference"
        Applegate, Hinder, Lu and Lubin (2023), Faster first-order primal-dual methods for linear
        programming using restarts and sharpness, arXiv:2105.12715; the rules for restarts are
        those of Applegate et al. (2021), arXiv:2106.04756, with the residual in place of the gap.
    """

    method: AbstractOperatorMethod
    inner_steps: int = eqx.field(static=True, default=32)

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.GRAD, Oracle.PROJECT, Oracle.FULL})
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = "an extra-gradient method restarted from its average: matrix games"

    def __check_init__(self):
        if not isinstance(self.method, AbstractOperatorMethod):
            raise TypeError(
                "Restarted takes a method such as PastExtraGradient() or ExtraGradient(), which "
                f"average their steps, got {self.method!r}."
            )
        if not isinstance(self.method.geometry, EuclideanGeometry):
            raise ValueError(
                "Restarted judges points by Euclidean steps, so the geometry of its method must be "
                f"a EuclideanGeometry, got {type(self.method.geometry).__name__}."
            )
        if not self.inner_steps >= 1:
            raise ValueError(
                f"Restarted(inner_steps=...) must be at least 1, got {self.inner_steps}."
            )

    @property
    def calls(self) -> int:
        """Operator calls per step."""
        return self.inner_steps * self.method.calls + 1

    @property
    def _averaging(self) -> AbstractOperatorMethod:
        return eqx.tree_at(lambda method: method.average, self.method, True)

    def init(self, system, point, data=None, *, key=None) -> RestartedState:
        state = self._averaging.init(system, point, data)
        ground = self._averaging._ground(system, state.half)
        residual = ground.residual(state.half, state.step, state.value).astype(state.step.dtype)
        zero = jnp.zeros((), jnp.int32)
        return RestartedState(state, state.half, residual, residual, zero, zero)

    def step(self, system, state, data=None):
        method, run = self._averaging, state.iteration
        run = jax.lax.fori_loop(
            1, self.inner_steps, lambda _, s: method.step(system, s, data)[0], run
        )
        run, last_metrics = method.step(system, run, data)

        ground = method._ground(system, run.half)
        mean = ground.project(method.average_point(run))
        value, at = operator(system, mean, data)
        of_mean = ground.residual(mean, run.step, value)
        of_last = ground.residual(run.half, run.step, run.value)
        averaged = of_mean < of_last
        residual = jnp.where(averaged, of_mean, of_last).astype(state.residual.dtype)
        length = state.length + self.inner_steps
        again = (
            (residual <= _SUFFICIENT * state.begun)
            | ((residual <= _NECESSARY * state.begun) & (residual > state.residual))
            | (length >= _ARTIFICIAL * run.count)
        )

        # The last point goes on as it is: only its average begins anew.
        kept = eqx.tree_at(lambda s: s.weight, run, jnp.zeros_like(run.weight))
        moved = method.begin_again(system, run, mean, value)
        new = RestartedState(
            iteration=_chosen(again, _chosen(averaged, moved, kept), run),
            report=_chosen(averaged, mean, run.half),
            residual=residual,
            begun=jnp.where(again, residual, state.begun),
            length=jnp.where(again, 0, length),
            restarts=state.restarts + again,
        )
        mean_metrics = system.metrics(mean, at, value.primal)
        return new, _chosen(averaged, mean_metrics, last_metrics)

    def point(self, state) -> Point:
        return state.report

    def check(self, system: System, point: Point, data=None) -> list[str]:
        """What the method that is restarted has to say about a start."""
        return self.method.check(system, point, data)

    def status(self, state, metrics, tol):
        return self.method.status(state.iteration, metrics, tol)

    def log(self, state) -> dict[str, Float[Array, ""]]:
        return {"restarts": state.restarts.astype(state.residual.dtype)}


def _chosen(which: Array, yes, no):
    """One of two pytrees of the same structure."""
    return jax.tree.map(lambda a, b: jnp.where(which, a, b), yes, no)
