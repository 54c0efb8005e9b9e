"""The front on a square, with all unknowns and in ten modes."""

import time
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.fields import MaxTypeElliptic, ReducedMaxTypeElliptic, proper_orthogonal_basis
from stationary.pareto import pareto_front, simplex_lattice

from ._control import SIGMA, desired, problem

MODES, SAMPLES = 10, 3


class Modes(NamedTuple):
    """The reduced equation, the desired states in its modes, and what of them no mode reaches."""

    reduced: ReducedMaxTypeElliptic
    wanted: dict[str, jax.Array]
    beyond: dict[str, jax.Array]


def up(control, data: Modes):
    """Half the squared distance to the first desired state, and half the control's cost."""
    return _track(control, data, "up")


def down(control, data: Modes):
    """The same for the second."""
    return _track(control, data, "down")


def _track(control, data: Modes, name: str):
    off = data.reduced.solve(control) - data.wanted[name]
    return 0.5 * (off @ off + data.beyond[name]) + 0.5 * SIGMA * control @ control


def reduced_problem(reduced: ReducedMaxTypeElliptic) -> st.Balance:
    """The same objectives, of the coefficients of the control.

    The modes are data of the problem, so that other modes compile nothing.
    """
    laplacian = reduced.equation.laplacian
    targets = dict(zip(("up", "down"), desired(laplacian), strict=True))
    wanted = {name: reduced.project(target) for name, target in targets.items()}
    beyond = {
        name: laplacian.inner(target, target) - wanted[name] @ wanted[name]
        for name, target in targets.items()
    }
    return st.Balance({"up": up, "down": down}, data=Modes(reduced, wanted, beyond))


def in_modes(equation, statement, weights):
    """Full solves at a few weights, modes of their states and controls, and the reduced front."""
    start = jnp.zeros(equation.laplacian.shape)
    few = weights[np.linspace(0, len(weights) - 1, SAMPLES).astype(int)]
    controls = pareto_front(statement, start, few).points
    states = np.asarray(_solve(equation, controls))
    # A control is the adjoint state up to a factor; every kind of field counts alike.
    targets = desired(equation.laplacian)
    smooth = [np.asarray(equation.laplacian.solve(target)) for target in targets]
    fields = np.concatenate([states, controls, targets, smooth])
    fields /= np.max(np.abs(fields), axis=(1, 2), keepdims=True)
    reduced = ReducedMaxTypeElliptic(
        equation, proper_orthogonal_basis(equation.laplacian, fields, MODES)
    )
    return reduced, pareto_front(reduced_problem(reduced), jnp.zeros(MODES), weights)


@eqx.filter_jit
def _solve(equation, controls):
    return jax.vmap(equation.solve)(controls)


def measure(found, n, divisions, laptop):
    """The claims on the reduced front."""
    equation = MaxTypeElliptic(10.0, (n, n))
    statement, weights = problem(equation), simplex_lattice(2, divisions)
    start = jnp.zeros((n, n))

    def full():
        return pareto_front(statement, start, weights)

    reduced, small = in_modes(equation, statement, weights)
    # That has compiled all that follows.
    began = time.perf_counter()
    front = full()
    between = time.perf_counter()
    if laptop:
        in_modes(equation, statement, weights)
        seconds = between - began, time.perf_counter() - between
        found.values["reduced time"] = seconds[1] / seconds[0]
        found.notes.append(
            f"Seconds on the {n} x {n} grid: {seconds[0]:.2f} full, {seconds[1]:.2f} in modes with "
            "the snapshots."
        )
    controls = jax.vmap(reduced.lift)(jnp.asarray(small.points))
    system = statement.lower(start)
    objectives = jax.jit(
        jax.vmap(lambda u, data: system.linearize(u, data).objectives, in_axes=(0, None))
    )(controls, statement.data)
    table = np.stack([np.asarray(objectives[name]) for name in front.values], axis=1)
    extent = np.ptp(front.table, axis=0)
    found.values["reduced front"] = float(np.max(np.abs(table - front.table) / extent))
    if laptop:
        found.values["error bound"] = float(np.min(_ratios(reduced, small.points, controls)))
    relative = np.max(np.abs(table / front.table - 1))
    found.notes.append(
        f"{MODES} modes of {2 * SAMPLES + 4} snapshots: the states and controls of {SAMPLES} "
        "weights, the desired states, and the states of these as sources without the kink. Error "
        f"of the objectives relative to their own values at its largest: {relative:.2g}."
    )
    found.figures["The front on a square, full and in ten modes"] = plot.front(
        {"full": front.table, "ten modes": table[:: max(1, divisions // 10)]},
        title="Full and reduced front",
        x_label="distance to the first state",
        y_label="distance to the second state",
        standalone=True,
    )


def _ratios(reduced, coefficients, controls):
    """Bound over error in the energy norm, for each reduced state that has one."""
    laplacian = reduced.equation.laplacian

    def ratio(control, source):
        found = reduced.solve(control)
        error = reduced.lift(found) - reduced.equation.solve(source)
        size, whole = (
            jnp.sqrt(laplacian.inner(field, laplacian.apply(field)))
            for field in (error, reduced.lift(found))
        )
        # A snapshot is met exactly: there both numbers are rounding.
        return jnp.where(size > 1e-8 * whole, reduced.error_bound(found, source) / size, jnp.inf)

    return jax.jit(jax.vmap(ratio))(jnp.asarray(coefficients), controls)
