"""Which papers there are, and what they may import."""

import ast
import subprocess
import sys

import pytest

from stationary import atlas

PAPERS = atlas.papers()


def test_papers_are_listed_by_number():
    numbers = [paper.number for paper in PAPERS]
    assert numbers == sorted(set(numbers))
    assert 97 in numbers


def test_listing_imports_no_experiment_and_starts_no_backend():
    code = (
        "import sys\n"
        "from stationary import atlas\n"
        "assert atlas.papers() and atlas.recorded(atlas.paper(97), 'full') is None\n"
        "assert not [m for m in sys.modules if '.atlas.' in m and m.endswith('_measure')]\n"
        "assert not {'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "import jax\n"
        "assert not jax._src.xla_bridge.backends_are_initialized()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: f"{paper.number:03d}")
def test_papers_use_public_names_only(paper):
    for path in paper.folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                private = [part for part in name.split(".") if part.startswith("_")]
                assert not (name.startswith("stationary") and private), f"{path.name}: {name}"


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: f"{paper.number:03d}")
def test_papers_say_what_a_reader_needs(paper):
    assert paper.module == f"stationary.atlas.{paper.folder.parent.name}.{paper.folder.name}"
    assert paper.title and paper.theme and len(paper.summary) > 100
    assert "smoke" in paper.scales and "laptop" in paper.scales
    for claim in paper.claims:
        for words in (claim.statement, claim.measure):
            assert words and not words.endswith(".") and words.isprintable()
