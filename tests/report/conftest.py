"""Solutions built by hand, so that a report can be looked at without solving anything."""

import re
from html.parser import HTMLParser

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.certify import Certificate, Check, Verdict

VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}


def loss(x):
    return jnp.sum(x["w"] ** 2)


def first(x):
    return x["w"][:3]


def certificate(names=("budget",), verdict=Verdict.LOCAL_MINIMUM, **fields) -> Certificate:
    """A certificate that says `verdict`, with a failing check when that is no good answer."""
    checks = [Check("stationarity", "x['w']", 2.3e-8, 1.1e-9, True)]
    for name in names:
        checks.append(Check("feasibility", name, 3.1e-9, 4.4e-9, True))
        checks.append(Check("complementarity", name, 3.1e-4, 4.4e-4, verdict.passed))
    settings = {
        "tol": 1e-6,
        "checks": tuple(checks),
        "objective": 1.25,
        "duals": {name: np.array(0.5) for name in names},
        "multipliers": "given",
        "set_prices": {"x['w']": 0.125},
        "notes": ("second order looked at 4 directions",),
    }
    return Certificate(verdict=verdict, **(settings | fields))


def solution(
    names=("budget",),
    records=60,
    *,
    verdict=Verdict.LOCAL_MINIMUM,
    status=st.Status.CONVERGED,
    primal=None,
    duals=None,
    objective=1.25,
    certified=None,
    columns=None,
    stats=None,
) -> st.Solution:
    """A solution with a smooth made-up trace; every part can be replaced."""
    problem = st.Minimize(
        loss,
        subject_to={name: st.at_most(first, 1.0) for name in names},
        over={"w": st.sets.Box(-1, 1)},
    )
    k = np.arange(1, records + 1)
    trace = {
        "steps": k,
        "seconds": 0.002 * k,
        "objective": 1.25 + 40.0 * np.exp(-k / 8.0),
        "residual": np.exp(-k / 5.0),
        "stationarity": 0.7 * np.exp(-k / 5.0),
        "feasibility": np.maximum(0.0, np.exp(-k / 4.0) - 1e-4),
        "violations": {n: np.exp(-k / (4.0 + i)) for i, n in enumerate(names)},
        "duals": {n: (0.5 + i) * (1 - np.exp(-k / 9.0)) for i, n in enumerate(names)},
    }
    cost = {
        "method": "AugmentedLagrangian()",
        "reason": "one smooth objective with constraints on full data",
        "steps": records,
        "compile_seconds": 1.21,
        "run_seconds": 0.12,
        "seconds": 1.4,
        "traces": 1,
        "tol": 1e-6,
        "notices": (),
    }
    primal = {"w": np.linspace(-1, 1, 12)} if primal is None else primal
    duals = (
        {n: np.array([0.5 + i, 0.0, 0.0]) for i, n in enumerate(names)} if duals is None else duals
    )
    point = st.Point(*jax.tree.map(jnp.asarray, (primal, duals)))
    made = st.Solution(
        problem=problem,
        point=point,
        last=point,
        objective=objective,
        status=status,
        trace=st.Trace(**(trace | (columns or {}))),
        stats=st.Stats(**(cost | (stats or {}))),
        aux=None,
        state=None,
    )
    vars(made)["certificate"] = certified or certificate(names, verdict)
    return made


class Reader(HTMLParser):
    """Reads a page strictly: every element closed in order, every attribute and text kept."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in <{tag}>: {names}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """Everything that a reader sees."""
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def every(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def make_solution():
    return solution


@pytest.fixture
def make_certificate():
    return certificate


@pytest.fixture
def read():
    return Reader
