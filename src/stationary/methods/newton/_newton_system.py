"""The KKT system of a Newton step under equality constraints, solved exactly or iteratively."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ..interior_point._program import Program
from ._adaptive_accuracy import AdaptiveAccuracy, Demands
from ._exact_augmented_lagrangian import ExactAugmentedLagrangian
from ._l1_merit import left_over
from ._merit import AbstractMerit, Move, Place
from ._null_space import (
    Split,
    convexify,
    least_curvature,
    least_squares_multipliers,
    null_space_step,
    split,
)
from ._sketch_project import SketchProject
from ._step import Step, Trouble

_ADAPTATIONS = 100
_SOLVES = 40


def dense_step(
    program: Program,
    merit: AbstractMerit,
    weights: PyTree[Array],
    accuracy: Float[Array, ""],
    at: Place,
) -> Step:
    """The exact solution, and weights under which it is a step of descent."""
    s = split(at.local.jacobian)
    if merit.convexify:
        convex = convexify(at.local.hessian, s, least_curvature(at.x))
        d = jnp.concatenate(null_space_step(at, s, convex))
        singular = jnp.array(False)
    else:
        d, singular = _newton(at)
    move = _move(program, d)

    def adapt(carry):
        weights, _, count = carry
        weights, enough = merit.adapt(program, weights, at, move)
        return weights, enough, count + 1

    def wanting(carry):
        return ~carry[1] & (carry[2] < _ADAPTATIONS)

    start = (weights, jnp.array(False), jnp.zeros((), jnp.int32))
    weights, _, _ = jax.lax.while_loop(wanting, adapt, start)
    return _step(program, at, s, move, weights, accuracy, singular, jnp.ones((), jnp.int32))


class _Attempt(NamedTuple):
    d: Float[Array, "k"]
    weights: PyTree[Array]
    accuracy: Float[Array, ""]
    tightness: Float[Array, ""]
    """The solver's goal as a share of ours: it may measure another norm of another system."""
    work: Int[Array, ""]
    count: Int[Array, ""]
    done: Bool[Array, ""]
    close: Bool[Array, ""]


def iterative_step(
    program: Program,
    merit: AbstractMerit,
    solver: lx.AbstractLinearSolver,
    inexactness: AdaptiveAccuracy | None,
    weights: PyTree[Array],
    accuracy: Float[Array, ""],
    at: Place,
    key: PRNGKeyArray,
) -> Step:
    """A step as accurate as it has to be: solve, look whether it descends, tighten, go on."""
    s = split(at.local.jacobian)
    hessian = at.local.hessian
    if merit.convexify:
        hessian = s.right.T @ convexify(hessian, s, least_curvature(at.x)).modified @ s.right
    matrix = kkt_matrix(hessian, at.local.jacobian)
    b = -at.residual
    in_theory = inexactness is not None and inexactness.mode == "theory"
    scale = jnp.ones_like(b) if in_theory else _equilibrium(matrix)
    scaled = lx.MatrixLinearOperator(scale[:, None] * matrix * scale, lx.symmetric_tag)
    demands = _demands(merit, at, s, hessian, matrix)

    def attempt(a: _Attempt) -> _Attempt:
        now = demands(a.weights)
        own, allowed, goal = solver, a.accuracy, jnp.full_like(accuracy, jnp.inf)
        if inexactness is not None:
            allowed = inexactness.limited(a.accuracy, now)
            goal = inexactness.goal(allowed, now)
            own = _with_goal(solver, a.tightness * goal, b.size)
        options = {"y0": a.d / scale, "key": jax.random.fold_in(key, a.count)}
        value, _, stats = own.compute(own.init(scaled, options), scale * b, options)
        d = scale * value
        close = jnp.linalg.norm(matrix @ d - b) <= goal * (1 + 1e-6)
        weights, enough = merit.adapt(program, a.weights, at, _move(program, d))
        # A step too rough to be judged must not move the weights.
        weights = jax.tree.map(lambda new, old: jnp.where(close, new, old), weights, a.weights)
        if inexactness is not None:
            tighter = inexactness.limited(allowed / inexactness.shrink, demands(weights))
            allowed = jnp.where(close & ~enough, tighter, allowed)
        spent = jnp.asarray(stats.get("num_steps", 1), jnp.int32)
        tightness = jnp.where(close, a.tightness, 0.2 * a.tightness)
        done = close & enough
        return _Attempt(d, weights, allowed, tightness, a.work + spent, a.count + 1, done, close)

    def wanting(a: _Attempt):
        return ~a.done & (a.count < _SOLVES)

    zero, one, no = jnp.zeros((), jnp.int32), jnp.ones_like(accuracy), jnp.array(False)
    start = _Attempt(jnp.zeros_like(b), weights, accuracy, one, zero, zero, no, no)
    a = jax.lax.while_loop(wanting, attempt, start)
    step = _step(program, at, s, _move(program, a.d), a.weights, a.accuracy, no, a.work)
    return step._replace(trouble=jnp.where(a.close, step.trouble, int(Trouble.INACCURATE)))


def _demands(merit: AbstractMerit, at: Place, s: Split, model, matrix):
    """What an accuracy rule asks about, as a function of the merit's weights."""
    residual = jnp.linalg.norm(at.residual)
    norms = map(_norm, (matrix, model, at.local.hessian, at.local.jacobian))
    system, model, hessian, jacobian = norms
    smallest = jnp.min(s.values, initial=jnp.inf) ** 2
    smallest = jnp.where(jnp.any(s.dependent), 0.0, smallest)

    def demands(weights) -> Demands:
        eta1, eta2, decrease = 1.0, 1.0, 0.1
        if isinstance(merit, ExactAugmentedLagrangian):
            eta1, eta2, decrease = weights.eta1, weights.eta2, merit.decrease
        return Demands(
            residual, system, model, hessian, jacobian, smallest, eta1, eta2, decrease
        )  # fmt: skip

    return demands


def _with_goal(solver: lx.AbstractLinearSolver, goal: Float[Array, ""], size: int):
    """A solver that stops at |r| <= goal; Lineax's own stop on the largest entry of r."""
    share = goal if isinstance(solver, SketchProject) else goal / size**0.5
    return eqx.tree_at(lambda t: (t.rtol, t.atol), solver, (jnp.zeros_like(goal), share))


def kkt_matrix(hessian: Float[Array, "n n"], jacobian: Float[Array, "m n"]) -> Float[Array, "k k"]:
    """[[H, J'], [J, 0]]."""
    m = jacobian.shape[0]
    return jnp.block([[hessian, jacobian.T], [jacobian, jnp.zeros((m, m), hessian.dtype)]])


def _newton(at: Place):
    """Newton's step on the Lagrangian as it is, and whether its matrix is singular."""
    matrix = kkt_matrix(at.local.hessian, at.local.jacobian)
    factors, pivots = jax.scipy.linalg.lu_factor(matrix)
    d = jax.scipy.linalg.lu_solve((factors, pivots), -at.residual)
    diagonal = jnp.abs(jnp.diagonal(factors))
    eps = jnp.finfo(d.dtype).eps
    singular = ~(jnp.min(diagonal) > d.size * eps * jnp.max(diagonal)) | ~jnp.all(jnp.isfinite(d))
    return d, singular


def _step(program, at, s: Split, move, weights, accuracy, singular, work) -> Step:
    sound = jnp.all(jnp.isfinite(move.x)) & jnp.all(jnp.isfinite(move.y)) & ~singular
    trouble = jnp.where(jnp.any(s.dependent), int(Trouble.DEPENDENT), int(Trouble.NONE))
    trouble = jnp.where(singular, int(Trouble.SINGULAR), trouble)
    return Step(
        move=move,
        weights=weights,
        accuracy=accuracy,
        sound=sound,
        trouble=trouble,
        dependent=s.dependent,
        left=left_over(program, at, move),
        work=work,
        estimate=least_squares_multipliers(s, at.local.gradient),
    )


def _move(program: Program, d: Float[Array, "k"]) -> Move:
    """A step under equalities alone."""
    n, m = program.size, program.rows
    return Move(d[:n], d[n:], jnp.ones(m, bool), jnp.zeros(n, bool))


def _equilibrium(matrix: Float[Array, "k k"]) -> Float[Array, "k"]:
    """Factors s that bring the largest entry of each row of s A s near 1 (Ruiz, 2001)."""

    def balance(_, s):
        rows = jnp.max(jnp.abs(s[:, None] * matrix * s), axis=1)
        return s / jnp.sqrt(jnp.where(rows > 0, rows, 1.0))

    return jax.lax.fori_loop(0, 5, balance, jnp.ones(matrix.shape[0], matrix.dtype))


def _norm(matrix: Float[Array, "p q"]) -> Float[Array, ""]:
    return jnp.sqrt(jnp.sum(matrix**2))
