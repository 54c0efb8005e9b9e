"""Problems of CUTEst, as `sif2jax` has them, one at a time.

Importing `sif2jax` builds every problem of the collection, which takes minutes. Here its packages
are stood in for by empty ones that know only where their files are, so that a problem costs its own
module and nothing else. Wanted only by benchmarks: `sif2jax` is in the `bench` extra.
"""

import importlib
import importlib.util
import re
import sys
import types
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

import stationary as st

# Where a class is defined in more than one of them, the first counts.
_FOLDERS = (
    "_constrained_minimisation",
    "_quadratic_problems",
    "_nonlinear_equations",
    "_bounded_minimisation",
    "_unconstrained_minimisation",
)


class Case(NamedTuple):
    """A problem of the collection in this project's form, and flat for solvers that want arrays.

    **Arguments:**

    - `name`: of the problem in CUTEst.
    - `statement`, `x0`: what `st.solve` takes; the collection's start, moved into the bounds.
    - `flat`: the same on flat arrays.
    """

    name: str
    statement: st.Minimize
    x0: Any
    flat: "Flat"


class Flat(NamedTuple):
    """min f(x) subject to c(x) in [low, high] and lower <= x <= upper, on flat float64 arrays.

    **Arguments:**

    - `objective`: `f(x)`, a scalar, of x of shape `(n,)`.
    - `constraints`: `c(x)` of shape `(m,)`, equalities first; `None` without constraints.
    - `equalities`: how many of them are equalities, c = 0; the rest ask for c <= 0.
    - `x0`, `lower`, `upper`: start and bounds, shape `(n,)`.
    - `unflatten`: from a flat x to the statement's.
    """

    objective: Any
    constraints: Any
    equalities: int
    x0: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    unflatten: Any

    @property
    def m(self) -> int:
        """The number of constraints besides bounds."""
        if self.constraints is None:
            return 0
        return jax.eval_shape(self.constraints, self.x0).shape[0]

    def duals(self, multipliers: Any) -> dict[str, np.ndarray]:
        """Multipliers of `constraints`, by the names that the statement gives them."""
        values = np.asarray(multipliers, float)
        parts = {"equalities": values[: self.equalities], "inequalities": values[self.equalities :]}
        return {name: part for name, part in parts.items() if part.size}


def find(name: str) -> Any:
    """The problem of a name, as `sif2jax` has it, from its own module alone.

    **Raises:** `ImportError` without `sif2jax`; `KeyError` when no class has the name.
    """
    _stand_in()
    folder, stem = _where(name)
    return getattr(importlib.import_module(f"sif2jax.cutest.{folder}.{stem}"), name)()


def load(name: str) -> Case:
    """The problem of a name: minimise, with `equalities`, `inequalities` (<= 0) and a box.

    **Arguments:**

    - `name`: such as `"HS71"`.

    **Raises:** what [`find`][benchmarks._cutest.find] raises.
    """
    return convert(name, find(name))


def convert(name: str, problem: Any) -> Case:
    """A problem with `sif2jax`'s methods, as this project states it: <= 0 where it has >= 0."""
    start = jax.tree.map(lambda y: jnp.asarray(y, float), problem.y0)
    args = problem.args

    def objective(y):
        value = problem.objective(y, args)
        parts = jax.tree.leaves(value)
        if len(parts) == 1 and jnp.size(parts[0]) == 1:
            return jnp.asarray(parts[0], float).reshape(())
        return sum(jnp.sum(jnp.square(part)) for part in parts)  # residuals of least squares

    kinds = (None, None)
    if hasattr(problem, "constraint"):
        kinds = jax.eval_shape(problem.constraint, start)

    def equalities(y):
        return _stack(problem.constraint(y)[0])

    def inequalities(y):
        return -_stack(problem.constraint(y)[1])

    subject_to, functions, counts = {}, [], []
    for kind, fn, make in (
        (kinds[0], equalities, st.equal),
        (kinds[1], inequalities, st.at_most),
    ):
        size = sum(int(np.prod(part.shape)) for part in jax.tree.leaves(kind))
        counts.append(size)
        if size:
            subject_to[fn.__name__] = make(fn, 0.0)
            functions.append(fn)

    low, high = _bounds(problem, start)
    x0 = jax.tree.map(jnp.clip, start, low, high)
    bounded = any(np.any(np.isfinite(b)) for b in jax.tree.leaves((low, high)))
    over = jax.tree.map(lambda a, b: st.Box(a, b), low, high) if bounded else None

    x, unflatten = jax.flatten_util.ravel_pytree(x0)

    def stacked(x):
        y = unflatten(x)
        both = problem.constraint(y)
        return jnp.concatenate([_stack(both[0]), -_stack(both[1])])

    flat = Flat(
        lambda x: objective(unflatten(x)),
        stacked if functions else None,
        counts[0],
        np.asarray(x),
        np.asarray(jax.flatten_util.ravel_pytree(low)[0]),
        np.asarray(jax.flatten_util.ravel_pytree(high)[0]),
        unflatten,
    )
    return Case(name, st.Minimize(objective, subject_to, over), x0, flat)


def _stack(parts: Any) -> jax.Array:
    """All numbers of a pytree that may be `None`, as one array."""
    leaves = [jnp.ravel(jnp.asarray(leaf, float)) for leaf in jax.tree.leaves(parts)]
    return jnp.concatenate(leaves) if leaves else jnp.zeros(0)


def _bounds(problem: Any, start: Any) -> tuple[Any, Any]:
    """Bounds like the start; infinite where there are none. CUTEst writes 1e20 for infinity."""
    given = getattr(problem, "bounds", None) or (None, None)
    made = []
    for side, missing in zip(given, (-np.inf, np.inf), strict=True):
        if side is None:
            side = jax.tree.map(lambda y, at=missing: np.full(y.shape, at), start)
        elif jax.tree.structure(side) != jax.tree.structure(start):  # one number for all
            side = jax.tree.map(lambda y, side=side: side, start)
        side = jax.tree.map(
            lambda y, b: np.broadcast_to(np.asarray(b, float), y.shape), start, side
        )
        made.append(jax.tree.map(_endless, side))
    return made[0], made[1]


def _endless(bound: np.ndarray) -> np.ndarray:
    return np.where(bound >= 1e20, np.inf, np.where(bound <= -1e20, -np.inf, bound))


def _stand_in() -> None:
    """Put empty packages where `sif2jax` would build its collection, unless it is loaded."""
    if "sif2jax" in sys.modules:
        return
    spec = importlib.util.find_spec("sif2jax")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("these cases come from sif2jax: pip install 'stationary[bench]'")
    root = Path(spec.submodule_search_locations[0])
    folders = [f"sif2jax.cutest.{folder}" for folder in _FOLDERS]
    for name in ("sif2jax", "sif2jax.cutest", *folders):
        package = types.ModuleType(name)
        package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    # Some modules take the base classes from the top.
    base = importlib.import_module("sif2jax._problem")
    sys.modules["sif2jax"].__dict__.update(
        {name: value for name, value in vars(base).items() if name.startswith("Abstract")}
    )


def _where(name: str) -> tuple[str, str]:
    """The folder and the module that define a problem."""
    root = Path(sys.modules["sif2jax.cutest"].__path__[0])
    for folder in _FOLDERS:  # most files are named after their one problem
        if _defines(root / folder / f"{name.lower()}.py", name):
            return folder, name.lower()
    for folder in _FOLDERS:
        for path in sorted((root / folder).glob("*.py")):
            if _defines(path, name):
                return folder, path.stem
    raise KeyError(f"sif2jax has no problem called {name}.")


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _defines(path: Path, name: str) -> bool:
    return re.search(rf"^class {re.escape(name)}\b", _text(path), re.MULTILINE) is not None
