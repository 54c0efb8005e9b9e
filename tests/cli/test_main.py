"""The other commands, and what the shell sees of all of them."""

import json
import os
import signal
import subprocess
import sys

import pytest

import stationary as st
from stationary.cli._exit import Exit

# A shell that starts tests in the background has them ignore Ctrl-C.
PROGRAM = [
    sys.executable,
    "-c",
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from stationary.cli import main; sys.exit(main())",
]


def test_help_lists_commands_and_exit_codes(run):
    ran = run("--help")
    assert ran.code == Exit.OK
    for code in Exit:
        assert f"{code.value:<4} {code.meaning}" in ran.out
    assert "exit codes" in run("solve", "--help").out


@pytest.mark.parametrize("words", [[], ["fly"], ["solve"], ["atlas"], ["atlas", "show", "x"]])
def test_wrong_commands_are_refused(run, words):
    ran = run(*words)
    assert ran.code == Exit.BAD_INPUT and "usage:" in ran.err


def test_methods_are_those_of_the_package(run):
    listed = {method["name"]: method for method in run("methods", "--json").json}
    for name in ("AugmentedLagrangian", "PrimalDual", "from_optax"):
        assert name in listed and hasattr(st.methods, name)
    assert listed["AugmentedLagrangian"]["constraints"]
    assert listed["AugmentedLagrangian"]["summary"] == st.methods.AugmentedLagrangian.summary
    assert "mini-batches" not in listed["AugmentedLagrangian"]["needs"]
    # Directions are parts of methods, and abstract classes are none.
    assert not {"LBFGS", "AbstractDirection"} & set(listed)
    printed = run("methods").out
    assert all(f"{name}(" in printed for name in listed)


def test_environment_names_versions_and_no_places(run):
    import jax

    ran = run("env", "--json")
    assert ran.code == Exit.OK and ran.json["jax"] == jax.__version__
    assert ran.json["float"] == "float64" and ran.json["compiled programs"] == "not kept"
    assert os.path.expanduser("~") not in ran.out
    assert jax.__version__ in run("version").out


def test_atlas_lists_and_shows_papers(run):
    papers = run("atlas", "list", "--json").json
    assert papers and papers == sorted(papers, key=lambda paper: paper["number"])
    number = papers[0]["number"]
    assert f"{number:03d}  {papers[0]['title']}" in run("atlas", "list").out
    shown = run("atlas", "show", number, "--json").json
    assert len(shown["claims"]) == papers[0]["claims"]
    assert all(claim["holds_when"] for claim in shown["claims"])
    assert shown["claims"][0]["id"] in run("atlas", "show", number).out
    refused = run("atlas", "show", 100_000)
    assert refused.code == Exit.BAD_INPUT and "no paper 100000" in refused.err
    refused = run("atlas", "run", number, "--scale", "huge")
    assert refused.code == Exit.BAD_INPUT and "huge" in refused.err


def test_atlas_report_writes_a_site(run, tmp_path):
    ran = run("atlas", "report", "--out", tmp_path / "site")
    assert ran.code == Exit.OK
    assert ran.out.strip() == str(tmp_path / "site" / "index.html")
    assert (tmp_path / "site" / "index.html").exists()


def test_unexpected_errors_are_one_paragraph(run, file, monkeypatch):
    import stationary.cli._case as case

    def fail(*args):
        raise ArithmeticError("carry lost")

    monkeypatch.setattr(case, "_execute", fail)
    ran = run("solve", file)
    assert ran.code == Exit.FAILED
    assert ran.err.startswith("stationary: ArithmeticError: carry lost") and "--debug" in ran.err
    assert "Traceback" not in ran.err


LONG = """
import jax.numpy as jnp, numpy as np, stationary as st
problem = st.Minimize(
    lambda x: jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    {"size": st.equal(lambda x: jnp.sum(x**2), 3000.0)},
)
x0 = np.full(2000, -1.0)
method = st.methods.PrimalDual(1e-6, 1e-6)
"""


def environment(**more):
    return {**os.environ, "STATIONARY_CACHE_DIR": "off", **more}


def test_interrupt_prints_the_point_and_how_to_resume(tmp_path):
    path = tmp_path / "long.py"
    path.write_text(LONG)
    words = ["solve", path, "--out", tmp_path / "out", "--tol", "1e-12", "--max-steps", "10000000"]
    process = subprocess.Popen(
        [*PROGRAM, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stderr.readline().startswith("solving")
        assert process.stderr.readline().startswith("step")  # it is under way
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    finally:
        process.kill()
    assert process.returncode == Exit.LIMIT, err
    assert "interrupted; this is the point reached so far" in out
    assert f"--out {tmp_path / 'out'} --resume" in out
    saved = json.loads((tmp_path / "out" / "solution.json").read_text())
    assert saved["status"] == "interrupted" and len(saved["value"]["x"]) == 2000


def test_programs_are_kept_between_runs(tmp_path, file):
    def run(cache):
        done = subprocess.run(
            [*PROGRAM, "solve", str(file), "--quiet"],
            env=environment(STATIONARY_CACHE_DIR=str(cache)),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout, {path.name for path in cache.glob("*-cache")}

    first, kept = run(tmp_path / "cache")
    second, still = run(tmp_path / "cache")
    assert kept and still == kept  # nothing compiled anew
    assert first == second


def test_import_of_the_command_line_is_light():
    code = (
        "import sys, jax, equinox, lineax, optax, stationary.cli\n"
        "print({'scipy', 'sklearn', 'matplotlib', 'highspy', 'rich'} & set(sys.modules))\n"
        "from jax._src import xla_bridge; print(xla_bridge.backends_are_initialized())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.split("\n")
    assert lines[1] == "False", done.stdout
    assert "sklearn" not in lines[0] and "highspy" not in lines[0] and "rich" not in lines[0]
