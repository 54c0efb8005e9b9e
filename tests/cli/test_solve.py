"""`stationary solve`: what it prints, writes and returns."""

import json

import numpy as np
import pytest

from stationary.cli._exit import Exit

LEAST, MULTIPLIER = 3 * (2 / 3) ** 2, 4 / 3


def test_answer_is_printed_with_summary_and_report_last(run, file, tmp_path):
    ran = run("solve", file, "--out", tmp_path / "out")
    assert ran.code == Exit.OK
    lines = ran.out.splitlines()
    assert lines[0] == "minimise cost(x, data)"
    assert "largest: 1.333" in ran.out
    assert any(line.startswith("optimal (passed at tol 1e-06)") for line in lines)
    assert lines[-1] == str(tmp_path / "out" / "report.html")
    assert "step" in ran.err  # progress is not part of the answer
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("checkpoint", "report.html", "solution.json", "solution.npz")
    }


def test_files_hold_the_answer(run, file, tmp_path):
    run("solve", file, "--out", tmp_path)
    saved = json.loads((tmp_path / "solution.json").read_text())
    assert saved["objective"] == pytest.approx(LEAST, rel=1e-5)
    assert saved["duals"]["total"] == pytest.approx(MULTIPLIER, rel=1e-5)
    assert saved["status"] == "converged" and saved["certificate"]["passed"]
    assert saved["exit_code"] == 0
    with np.load(tmp_path / "solution.npz") as arrays:
        assert arrays["value/a"].tolist() == saved["value"]["a"]
        np.testing.assert_allclose(arrays["value/a"], [1 / 3, 4 / 3], atol=1e-5)
        assert arrays["trace/steps"][-1] == saved["stats"]["steps"]
        assert arrays["trace/duals/total"][-1] == pytest.approx(MULTIPLIER, rel=1e-4)
    assert (tmp_path / "report.html").read_text().lstrip().lower().startswith("<!doctype html>")


def test_json_is_all_there_is_on_stdout(run, file, tmp_path):
    ran = run("solve", file, "--json", "--out", tmp_path)
    assert ran.code == Exit.OK
    assert ran.json["objective"] == pytest.approx(LEAST, rel=1e-5)
    assert ran.json["files"][-1] == str(tmp_path / "report.html")
    assert "largest" in ran.json["summary"]


def test_log_is_printed_before_the_answer_and_is_part_of_the_json(run, file, tmp_path):
    ran = run("solve", file, "--log", "--quiet", "--out", tmp_path)
    head, _, *rows, blank, answer = ran.out.splitlines()
    assert head.split()[:4] == ["iter", "objective", "primal", "inf"]
    assert blank == "" and answer.startswith("converged")
    steps = json.loads((tmp_path / "solution.json").read_text())["stats"]["steps"]
    assert [row.split()[0] for row in rows if row.split()[0].isdigit()][-1] == str(steps)
    log = run("solve", file, "--log", "--json").json["log"]
    assert log["iteration"][-1] == steps and len(log["objective"]) == len(log["iteration"])
    assert "log" not in run("solve", file, "--json").json


def test_quiet_prints_one_line(run, file):
    ran = run("solve", file, "--quiet")
    assert ran.out.splitlines() == [ran.out.strip()]
    assert ran.out.startswith("converged, optimal: objective 1.333")
    assert ran.err == ""


@pytest.mark.parametrize(
    "name,code,status",
    [
        ("crowded", Exit.NO_ANSWER, "infeasible"),
        ("falling", Exit.NO_ANSWER, "unbounded"),
        ("saddle", Exit.NOT_CERTIFIED, "converged"),
    ],
)
def test_exit_code_says_how_it_ended(run, file, name, code, status):
    ran = run("solve", f"{file}:{name}", "--json")
    assert (ran.code, ran.json["status"], ran.json["exit_code"]) == (code, status, code)


def test_giving_up_without_a_proof_is_a_failure(run, file, monkeypatch):
    import stationary as st

    # A method that takes every problem for an infeasible one.
    wrong = lambda self, state, metrics, tol: int(st.Status.INFEASIBLE)  # noqa: E731
    monkeypatch.setattr(st.methods.AugmentedLagrangian, "status", wrong)
    ran = run("solve", file, "--method", "AugmentedLagrangian(penalty=0.37)")
    assert ran.code == Exit.FAILED
    assert "infeasible: " in ran.out and "no proof that there is no answer" in ran.out


def test_limit_says_how_to_continue_and_continuing_works(run, file, tmp_path):
    ran = run("solve", file, "--out", tmp_path, "--max-steps", 2, "--tol", "1e-8")
    assert ran.code == Exit.LIMIT
    (advice,) = [line for line in ran.out.splitlines() if line.startswith("Continue with: ")]
    words = advice.removeprefix("Continue with: stationary ").split()
    assert words[-1] == "--resume" or "--resume" in words
    assert words[words.index("--max-steps") + 1] == "20" and "--tol" in words
    again = run(*words, "--max-steps", 1000, "--json")
    assert again.code == Exit.OK
    assert any("resumed at step 2" in notice for notice in again.json["stats"]["notices"])
    whole = run("solve", file, "--tol", "1e-8", "--json")
    assert again.json["value"] == whole.json["value"]  # bitwise: JSON holds every digit
    assert again.json["duals"] == whole.json["duals"]


def test_limit_without_out_says_that_nothing_was_saved(run, file):
    ran = run("solve", file, "--max-steps", 2)
    assert ran.code == Exit.LIMIT and "Nothing was saved" in ran.out


def test_refused_answer_is_improved_until_it_passes(run, tmp_path):
    # The constraint is in units in which 1e-6 is a large violation.
    (tmp_path / "units.py").write_text(
        "import jax.numpy as jnp, numpy as np, stationary as st\n"
        "problem = st.Minimize(lambda x: jnp.sum((x - 1) ** 2),\n"
        "    {'small': st.at_most(lambda x: 1e-3 * jnp.sum(x), 1e-3)}, convex=True)\n"
        "x0 = np.zeros(3)\n"
    )
    ran = run("solve", tmp_path / "units.py", "--json")
    assert ran.code == Exit.OK
    assert ran.json["stats"]["tol"] == ran.json["certificate"]["tol"] == 1e-6
    np.testing.assert_allclose(ran.json["value"]["x"], [1 / 3] * 3, atol=2e-6)


def test_method_is_taken_by_its_spelling(run, file):
    ran = run("solve", file, "--method", "AugmentedLagrangian(penalty=5)", "--json")
    assert ran.code == Exit.OK
    assert ran.json["stats"]["method"].startswith("AugmentedLagrangian(penalty=5")
    ran = run(
        *("solve", f"{file}:saddle", "--json", "--max-steps", 5),
        *("--method", "st.methods.from_optax(optax.sgd(learning_rate=0.1))"),
    )
    assert ran.json["stats"]["method"].startswith("OptaxDescent")


@pytest.mark.parametrize(
    "spelling,words",
    [
        ("Simplex", "'Simplex' is unknown; there are AugmentedLagrangian"),
        ("AugmentedLagrangian(", "not a method such as"),
        ("AugmentedLagrangian(punishment=3)", "punishment"),
        ("__import__('os')", "'__import__' is unknown"),
        ("AugmentedLagrangian(penalty=x)", "'x' is not a literal or a call"),
        ("3", "makes no method"),
    ],
)
def test_unknown_method_is_refused(run, file, spelling, words):
    ran = run("solve", file, "--method", spelling)
    assert ran.code == Exit.BAD_INPUT and words in ran.err


def test_float32_solves_in_float32(run, file):
    import jax.numpy as jnp

    ran = run("solve", file, "--float32", "--json")
    assert ran.json["stats"]["tol"] == pytest.approx(1e3 * jnp.finfo("float32").eps, rel=1e-6)
    assert ran.json["environment"]["float"] == "float32"
    assert ran.json["objective"] == pytest.approx(LEAST, rel=1e-3)
    assert jnp.zeros(1).dtype == "float64"  # the process keeps its own setting


def test_bad_start_is_one_clear_paragraph(run, file):
    ran = run("solve", f"{file}:nowhere")
    assert ran.code == Exit.BAD_INPUT
    assert "\nstationary: objective is not finite at x0" in ran.err
    assert "Traceback" not in ran.err and ran.out == ""


def test_mistake_in_a_function_names_its_line(run, file):
    ran = run("solve", f"{file}:broken")
    assert ran.code == Exit.BAD_INPUT
    assert f"{file}, line " in ran.err and "undefined_name" in ran.err
    assert "Traceback" not in ran.err
    assert "Traceback" in run("solve", f"{file}:broken", "--debug").err


def test_mistake_in_the_summary_keeps_the_answer(run, file, tmp_path):
    path = tmp_path / "slip.py"
    path.write_text(file.read_text() + "\ndef made_summary(solution):\n    return 1 / 0\n")
    ran = run("solve", f"{path}:made")
    assert ran.code == Exit.OK
    assert "summary failed" in ran.out and "1 / 0" in ran.out


@pytest.mark.parametrize(
    "words,complaint",
    [
        (["--resume"], "--resume needs --out DIR"),
        (["--tol", "0"], "must be positive"),
        (["--tol", "tiny"], "invalid float value"),
        (["--tol", "1e-20"], "below what float64 can resolve"),
        (["--max-steps", "-3"], "must be positive"),
    ],
)
def test_bad_option_is_refused(run, file, words, complaint):
    ran = run("solve", file, *words)
    assert ran.code == Exit.BAD_INPUT and complaint in ran.err


def test_foreign_checkpoint_is_refused(run, file, tmp_path):
    (tmp_path / "checkpoint").write_bytes(b"something else")
    ran = run("solve", file, "--out", tmp_path, "--resume")
    assert ran.code == Exit.BAD_INPUT and "checkpoint" in ran.err


def test_out_that_is_a_file_is_refused(run, file, tmp_path):
    (tmp_path / "taken").write_text("")
    ran = run("solve", file, "--out", tmp_path / "taken")
    assert ran.code == Exit.BAD_INPUT and "cannot be created" in ran.err
