"""The method and the paper of CONTRIBUTING.md work as they are written there."""

import importlib.util
import inspect
import re
import sys
from pathlib import Path

import pytest

import stationary as st
from stationary import atlas
from stationary.atlas import _registry

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"
FILE = re.compile(r'^```python title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(tmp_path):
    """A folder that holds the files of the page, at the places that it says."""
    for name, text in FILE.findall(PAGE.read_text(encoding="utf-8")):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def imported(checkout, monkeypatch):
    """A function that imports a file of the page under a name."""

    def load(name, file):
        spec = importlib.util.spec_from_file_location(name, checkout / file)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


def test_the_method_passes_the_tests_it_comes_with(imported, monkeypatch):
    package = "stationary.methods.descent"
    made = imported(f"{package}._heavy_ball", "src/stationary/methods/descent/_heavy_ball.py")
    monkeypatch.setattr(st.methods, "HeavyBall", made.HeavyBall, raising=False)
    tests = imported("heavy_ball_tests", "tests/methods/descent/test_heavy_ball.py")
    own = [f for name, f in inspect.getmembers(tests, inspect.isfunction) if name[:5] == "test_"]
    assert len(own) == 3
    for test in own:
        test()


def test_the_paper_is_found_and_its_claim_holds(checkout, monkeypatch):
    theme = checkout / "src/stationary/atlas/saddle"
    import stationary.atlas.saddle as saddle

    monkeypatch.setattr(saddle, "__path__", [*saddle.__path__, str(theme)])
    before = set(sys.modules)
    _registry._by_number.cache_clear()
    try:
        result = atlas.run(9001)
        assert result.verdicts == {"rate": atlas.Verdict.HOLDS}
        assert atlas.save(result).parent == theme / "heavy_ball" / "results"
    finally:
        _registry._by_number.cache_clear()
        for name in set(sys.modules) - before:
            if ".heavy_ball" in name:
                del sys.modules[name]
        if hasattr(saddle, "heavy_ball"):
            del saddle.heavy_ball
