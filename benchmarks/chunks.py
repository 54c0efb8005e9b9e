"""What watching over a solve costs: `solve` in chunks against one bare compiled loop."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

import stationary as st

from ._figure import Figure, alternate, ratio, summary

STEPS = 1_000_000
TOL = 1e-12


def run() -> list[Figure]:
    """Chunk overhead over a million steps on one number."""
    problem = st.Minimize(lambda x: jnp.log(jnp.cosh(x - 3)), {"cap": st.at_most(lambda x: x, 1.0)})
    # So slow that neither loop stops before its last step.
    method = st.methods.PrimalDual(optax.adam(1e-7), 1e-7, damping=1.0)
    x0 = jnp.array(0.0)
    system = problem.lower(x0)
    point = st.Point(x0, system.zero_duals(x0))

    @eqx.filter_jit
    def loop(method, system, point, tol):
        def going(carry):
            _, metrics, steps = carry
            return (steps < STEPS) & (metrics.residual > tol)

        def step(carry):
            state, _, steps = carry
            return *method.step(system, state), steps + 1

        state = method.init(system, point, key=jax.random.key(0))
        return jax.lax.while_loop(going, step, (*method.step(system, state), 1))

    stepping: list[float] = []

    def watched():
        solution = st.solve(problem, x0, method, tol=TOL, max_steps=STEPS, progress=False)
        assert solution.stats.steps == STEPS
        stepping.append(solution.stats.run_seconds)

    def bare():
        assert int(jax.block_until_ready(loop(method, system, point, TOL))[2]) == STEPS

    times = alternate(15, bare=bare, solve=watched)
    times["chunks"] = stepping[1:]
    peer = "the same steps in one jitted lax.while_loop"
    detail = summary(times)
    return [
        Figure(
            "stepping in chunks, ratio", ratio(times, "chunks", "bare"), peer, 1.05, None, detail
        ),
        Figure("whole solve with set-up, ratio", ratio(times, "solve", "bare"), peer),
    ]
