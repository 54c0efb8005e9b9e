"""Importing `stationary` is cheap and changes nothing: each test looks at a fresh interpreter."""

import subprocess
import sys

import pytest


def fresh(code: str) -> str:
    """Runs `code` in a new interpreter and returns what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_initialises_no_backend():
    code = (
        "import stationary\n"
        "from jax._src import xla_bridge\n"
        "print(xla_bridge.backends_are_initialized())\n"
        "import jax; jax.devices()\n"
        "print(xla_bridge.backends_are_initialized())"
    )
    assert fresh(code).split() == ["False", "True"]


@pytest.mark.parametrize("x64", [False, True])
def test_import_leaves_the_default_precision_alone(x64):
    code = (
        "import jax\n"
        f"jax.config.update('jax_enable_x64', {x64})\n"
        "import stationary\n"
        "print(jax.config.jax_enable_x64)"
    )
    assert fresh(code) == str(x64)


def test_import_leaves_every_setting_of_jax_alone():
    code = (
        "import jax, equinox, lineax, optax\n"
        "before = dict(jax.config.values)\n"
        "import stationary\n"
        "print({k for k, v in jax.config.values.items() if before.get(k) != v})"
    )
    assert fresh(code) == "set()"


def test_import_adds_no_heavy_library():
    # What the core's own dependencies import is theirs to answer for.
    code = (
        "import sys, jax, equinox, lineax, optax\n"
        "before = set(sys.modules)\n"
        "import stationary\n"
        "print(*sorted({m.partition('.')[0] for m in set(sys.modules) - before}))"
    )
    added = set(fresh(code).split())
    heavy = {"highspy", "matplotlib", "pandas", "rich", "scipy", "sklearn"}
    assert "stationary" in added
    assert not added & heavy


def test_import_loads_few_modules():
    # Import time follows the number of modules, which a busy machine does not change: the package
    # has a few dozen, one heavy library has many hundreds.
    code = (
        "import sys, jax, equinox, lineax, optax\n"
        "before = len(sys.modules)\n"
        "import stationary\n"
        "print(len(sys.modules) - before)"
    )
    assert int(fresh(code)) < 300
