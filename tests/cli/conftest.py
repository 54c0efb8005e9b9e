"""A small problem in a file, and the command line called in this process."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from stationary.cli import main

PROBLEM = """
import jax.numpy as jnp
import numpy as np
import stationary as st

def cost(x, data):
    return jnp.sum((x["a"] - data) ** 2) + x["b"] ** 2

def total(x):
    return jnp.sum(x["a"]) + x["b"]

problem = st.Minimize(
    cost, subject_to={"total": st.at_most(total, 1.0)}, data=np.array([1.0, 2.0]), convex=True
)
x0 = {"a": np.zeros(2), "b": np.zeros(())}

def summary(solution):
    return {"largest": float(jnp.max(solution.value["a"]))}

# The optimum by hand: a = (1, 2) - 2/3, b = -2/3, and twice that is the multiplier.
LEAST, MULTIPLIER = 3 * (2 / 3) ** 2, 4 / 3

crowded = st.Minimize(
    lambda x: jnp.sum(x**2), subject_to={"low": st.at_most(jnp.sum, -1.0)}, over=st.sets.Box(0, 1)
)
crowded_x0 = np.full(2, 0.5)
saddle = st.Minimize(lambda x: x[0] ** 2 - x[1] ** 2, over=st.sets.Box(-1, 1))
saddle_x0 = np.zeros(2)
falling = st.Minimize(lambda x: jnp.sum(x))
falling_x0 = np.zeros(2)
nowhere = st.Minimize(lambda x: jnp.sum(jnp.log(x)))
nowhere_x0 = -np.ones(2)
broken = st.Minimize(lambda x: undefined_name * x)
broken_x0 = 1.0

def made():
    return problem, x0

def bare():
    return problem

startless = st.Minimize(cost)
startless_x0 = None
"""


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(autouse=True, scope="session")
def _no_compile_cache():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATIONARY_CACHE_DIR", "off")
        yield


@pytest.fixture
def run(capsys):
    """Runs a command, and returns its exit code and what it printed."""

    def call(*words) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("problem") / "small.py"
    path.write_text(PROBLEM, encoding="utf-8")
    return path
