"""A paper made up for the tests, in a folder of its own."""

import sys
import textwrap

import pytest

from stationary.atlas import AtMost, Claim, Paper, Within, _registry


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Paper 999: a claim that holds, one that fails, and one for a larger scale."""
    package = tmp_path / "toy_paper"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "_measure.py").write_text(
        textwrap.dedent(
            """
            import jax.numpy as jnp
            from stationary.atlas import Measured, Measurements, Table

            def measure(scale, seed, observe):
                observe("counting")
                found = Measurements()
                found.values["holds"] = float(jnp.ones(()).dtype == jnp.float64)
                found.values["fails <b>"] = Measured.over([1.0, 2.0, 6.0])
                found.figures["A <figure>"] = "<svg><title>figure</title></svg>"
                found.tables["A table"] = Table(("name", "value"), (("x & y", 0.5), ("z", 1)))
                found.notes.append(f"seed {seed} <script>alert(1)</script>")
                return found
            """
        )
    )
    paper = Paper(
        number=999,
        title="On <toys> & tests",
        arxiv="0000.00000",
        theme="tests",
        summary="A paper made up.",
        claims=(
            Claim("holds", "is one", "one", Within(1, 1)),
            Claim(
                "fails <b>",
                "is at most 3",
                "three numbers",
                AtMost(3.5),
                source="ours",
                not_reproduced="The interval is too wide.",
            ),
            Claim("later", "is large", "nothing yet", AtMost(0), at={"full"}),
        ),
        module="toy_paper",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(_registry, "_by_number", lambda: {999: paper})
    yield paper
    for name in ("toy_paper", "toy_paper._measure"):
        sys.modules.pop(name, None)
