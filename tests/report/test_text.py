"""Solutions as plain text, in notebooks, and the environment they ran in."""

import dataclasses
import json
import subprocess
import sys
import unicodedata

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.certify import Verdict
from stationary.report import as_html, as_text, environment
from stationary.report._cells import cut, pad, wrap
from stationary.report._facts import facts
from stationary.report._text import seconds, summary


def columns(line: str) -> int:
    """How many cells of a terminal a line takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in line
    )


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("budget",),
        tuple(f"a very long name of constraint <{i}>, 制約条件 ünï" * 2 for i in range(30)),
    ],
)
def test_text_fits_a_hundred_columns(make_solution, names):
    stats = {"method": "M(" + ", ".join(f"option_{i}=1.0" for i in range(30)) + ")"}
    text = as_text(make_solution(names, verdict=Verdict.INFEASIBLE_POINT, stats=stats))
    assert max(map(columns, text.splitlines())) <= 100
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_text_says_what_matters(make_solution):
    made = make_solution(
        ("budget", "norm"),
        verdict=Verdict.NOT_STATIONARY,
        status=st.Status.MAX_STEPS,
        stats={"notices": ("x0 lay outside the box; it was projected.",)},
    )
    text = as_text(made)
    assert text.splitlines()[:2] == ["minimise loss(x)", "subject to budget: first at most 1"]
    assert "verdict      ✗ not stationary: the first-order conditions do not hold" in text
    assert "status       max steps" in text
    assert "objective    1.25" in text
    assert "fails complementarity of budget, norm" in " ".join(text.split())
    assert "set prices   x['w']: 0.125" in text
    assert "60 steps of AugmentedLagrangian() in 120 ms + 1.21 s to compile" in text
    assert "note         x0 lay outside the box" in text
    row = next(line for line in text.splitlines() if line.startswith("norm"))
    assert row.split() == ["norm", "at", "most", "1", "1.5", "3.1×10⁻⁹", "1", "of", "3"]


def test_constraints_keep_the_order_of_the_statement(make_solution):
    text = as_text(make_solution(("zebra", "ant", "mole")))
    rows = [line.split()[0] for line in text.splitlines() if "1 of 3" in line]
    assert rows == ["zebra", "ant", "mole"]


def test_players_go_by_their_names():
    game = st.Saddle(lambda x, y: jnp.sum(x["a"] * y), st.sets.Box(-1, 1))
    solution = st.solve(game, ({"a": jnp.ones(2)}, jnp.ones(2)), max_steps=5)
    assert [leaf.where for leaf in facts(solution).leaves] == ["x['a']", "y"]


def test_levels_of_a_statement_keep_their_indents(make_solution):
    made = make_solution()
    nested = st.Nested(lambda x, y: x**2 + y**2, lambda x, y: (y - x) ** 2)
    pair = st.Point((jnp.array(1.0), jnp.array(2.0)), {})
    made = dataclasses.replace(made, problem=nested, point=pair)
    vars(made)["certificate"] = make_solution(()).certificate
    lines = as_text(made).splitlines()
    inner = lines[lines.index("where y is the answer to") + 1]
    assert inner.startswith("  minimise")
    assert {line.split()[0] for line in lines if " number " in line} == {"x", "y"}


def test_many_constraints_show_the_heaviest(make_solution):
    text = as_text(make_solution(tuple(f"c{i}" for i in range(40))))
    rows = [line.split()[0] for line in text.splitlines() if "1 of 3" in line]
    assert rows == [f"c{i}" for i in range(39, 23, -1)]
    assert "and 24 more" in text


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["> "]),
        ("one two three", ["> one two", "| three"]),
        ("a  \n b", ["> a b"]),
        ("averyverylongword b", ["> averyver", "| ylongwor", "| d b"]),
        ("x averyverylongword", ["> x", "| averyver", "| ylongwor", "| d"]),
        ("制約条件制約 a", ["> 制約条件", "| 制約 a"]),
    ],
)
def test_wrap(text, lines):
    assert wrap(text, 10, "> ", "| ") == lines


def test_cut_and_pad_count_cells():
    assert cut("制約条件", 5) == "制約…" and cut("制約", 4) == "制約"
    assert pad("制約", 6, "<") == "制約  " and pad("ab", 4, ">") == "  ab"


def test_print_of_a_solve_and_its_parts():
    problem = st.Minimize(
        lambda x: jnp.sum((x - 1) ** 2), subject_to={"sum": st.at_most(jnp.sum, 1.0)}
    )
    solution = st.solve(problem, jnp.zeros(2))
    text = str(solution)
    assert text == repr(solution) == as_text(solution)
    assert "unknown      x = [0.5, 0.5]" in text
    assert solution.certificate.verdict.word in text
    row = next(line for line in text.splitlines() if line.startswith("sum"))
    assert row.split()[-1] == "yes"
    assert float(row.split()[4]) == pytest.approx(1.0, abs=1e-4)


def test_notebook_piece_is_well_formed_and_escaped(make_solution, read):
    text = as_html(make_solution(("a <b>&", "c"), primal={"w": np.ones(3), "<i>": np.ones(9)}))
    reader = read(text)
    assert "<b>" not in text and "<i>" not in text
    assert "a <b>&" in reader.text and "local minimum" in reader.text
    # Colours come from the notebook, so that it reads on dark and on light.
    assert "background:#" not in text and "color:black" not in text
    assert len(text) < 6000


def test_notebook_piece_stays_small(make_solution, read):
    names = tuple(f"c{i}" for i in range(200))
    text = as_html(make_solution(names))
    assert "and 188 more constraints" in read(text).text
    assert len(text) < 30_000


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (0.0, "0 ms"),
        (0.00123, "1.2 ms"),
        (0.034, "34 ms"),
        (2.13, "2.13 s"),
        (99.0, "99 s"),
        (185.2, "3 min 5 s"),
        (7265.0, "2 h 1 min"),
        (float("nan"), "unknown time"),
    ],
)
def test_seconds(value, spelled):
    assert seconds(value) == spelled


@pytest.mark.parametrize(
    ("values", "spelled"),
    [
        (np.array(3.0), "3"),
        (np.array([1.0, -2.5]), "[1, −2.5]"),
        (np.zeros(0), "[]"),
        (np.linspace(-1, 1, 9), "−1 to 1, mean 0, 1 of 9 are 0"),
        (np.array([1.0, 2.0, np.nan, np.inf, 3.0]), "1 to 3, mean 2, 2 not finite"),
        (np.full(9, np.nan), "no finite entry"),
    ],
)
def test_summary(values, spelled):
    assert summary(values) == spelled


def test_environment_can_be_published():
    found = environment()
    assert json.loads(json.dumps(found)) == found
    assert found["float"] == "float64"
    assert found["backend"] == "cpu" or found["backend"]
    assert not any("/" in value and not value.startswith("not ") for value in found.values())


def test_stationary_imports_neither_charts_nor_pages():
    code = (
        "import sys, stationary\n"
        "names = ('stationary.plot._chart', 'html', 'importlib.resources')\n"
        "print(*[m for m in sys.modules if m.startswith('stationary.plot')])\n"
        "from stationary.report import report\n"
        "from jax._src import xla_bridge\n"
        "print(xla_bridge.backends_are_initialized())\n"
        "print({'matplotlib', 'rich', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    charts, initialised, _ = done.stdout.split("\n")[:3]
    assert charts == ""
    assert initialised == "False"
