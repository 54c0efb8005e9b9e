"""`stationary certify`: answers read back, and answers that are not."""

import json

import numpy as np
import pytest

from stationary.cli._exit import Exit


@pytest.fixture(scope="module")
def solved(file, tmp_path_factory):
    from stationary.cli import main

    folder = tmp_path_factory.mktemp("solved")
    assert main(["solve", str(file), "--quiet", "--out", str(folder)]) == Exit.OK
    return folder


@pytest.mark.parametrize("name", ["solution.json", "solution.npz"])
def test_saved_answer_passes_again(run, file, solved, name):
    ran = run("certify", file, solved / name, "--json")
    assert ran.code == Exit.OK
    saved = json.loads((solved / "solution.json").read_text())["certificate"]
    assert ran.json["verdict"] == saved["verdict"] == "optimal"
    assert ran.json["checks"] == saved["checks"]
    assert ran.json["multipliers"] == "given"


def test_printed_form_is_the_certificate(run, file, solved):
    ran = run("certify", file, solved / "solution.json", "--tol", "1e-4", "--first-order")
    assert ran.code == Exit.OK
    assert ran.out.startswith("optimal (passed at tol 0.0001)")


@pytest.fixture
def altered(solved, tmp_path):
    """The saved answer, changed by a function of its JSON."""

    def alter(change):
        document = json.loads((solved / "solution.json").read_text())
        change(document)
        path = tmp_path / "altered.json"
        path.write_text(json.dumps(document))
        return path

    return alter


def test_wrong_answers_do_not_pass(run, file, altered):
    moved = altered(lambda d: d["value"].update(b=d["value"]["b"] + 1e-3))
    ran = run("certify", file, moved, "--json")
    assert ran.code == Exit.NOT_CERTIFIED and not ran.json["passed"]
    flipped = altered(lambda d: d["duals"].update(total=-d["duals"]["total"]))
    ran = run("certify", file, flipped, "--json")
    assert ran.code == Exit.NOT_CERTIFIED
    assert any(c["kind"] == "dual sign" and not c["passed"] for c in ran.json["checks"])


def test_bare_answer_gets_estimated_multipliers(run, file, altered):
    ran = run("certify", file, altered(lambda d: d.pop("duals")), "--json")
    assert ran.code == Exit.OK and ran.json["multipliers"] == "estimated"


@pytest.mark.parametrize(
    "change,complaint",
    [
        (
            lambda d: d["value"].pop("b"),
            r"holds the unknowns ['a'], but the problem has ['a', 'b']",
        ),
        (lambda d: d["value"].update(a=[1.0]), "a has shape (1,), but the problem has (2,)"),
        (lambda d: d["value"].update(a=["one", "two"]), "a is no array of numbers"),
        (lambda d: d.pop("value"), "is no solution"),
        (lambda d: d.update(value=None), "pass solution.npz instead"),
        (lambda d: d["duals"].update(other=1.0), "other"),
    ],
)
def test_foreign_answer_is_refused(run, file, altered, change, complaint):
    ran = run("certify", file, altered(change))
    assert ran.code == Exit.BAD_INPUT and complaint in ran.err


def test_damaged_files_are_refused(run, file, solved, tmp_path):
    whole = (solved / "solution.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cut.json").write_text('{"value": ')
    for name in ("cut.npz", "cut.json"):
        ran = run("certify", file, tmp_path / name)
        assert ran.code == Exit.BAD_INPUT and "is no readable" in ran.err
    assert "no such file" in run("certify", file, tmp_path / "none.json").err


def test_large_answers_are_in_the_npz_only(run, tmp_path):
    path = tmp_path / "large.py"
    path.write_text(
        "import jax.numpy as jnp, numpy as np, stationary as st\n"
        "problem = st.Minimize(lambda x: jnp.sum((x - 2) ** 2))\n"
        "x0 = np.zeros(10_001)\n"
    )
    assert run("solve", path, "--out", tmp_path, "--quiet").code == Exit.OK
    assert json.loads((tmp_path / "solution.json").read_text())["value"] is None
    assert run("certify", path, tmp_path / "solution.npz").code == Exit.OK
    with np.load(tmp_path / "solution.npz") as arrays:
        np.testing.assert_allclose(arrays["value/x"], 2.0, atol=1e-5)


def test_report_is_drawn_anew(run, file, solved, tmp_path):
    ran = run("report", file, solved, "--out", tmp_path / "again.html")
    assert (ran.code, ran.out) == (Exit.OK, f"{tmp_path / 'again.html'}\n")
    # The same page, but for what takes time: the charts, the numbers and the words are equal.
    first = (solved / "report.html").read_text().splitlines()
    again = (tmp_path / "again.html").read_text().splitlines()
    same = sum(a == b for a, b in zip(first, again, strict=False))
    assert len(again) == len(first) and same >= 0.9 * len(first)


def test_report_of_damaged_files_is_refused(run, file, solved, tmp_path):
    (tmp_path / "solution.npz").write_bytes((solved / "solution.npz").read_bytes())
    ran = run("report", file, tmp_path)
    assert ran.code == Exit.BAD_INPUT and "is no readable JSON file" in ran.err
    (tmp_path / "solution.json").write_text('{"status": "converged"}')
    ran = run("report", file, tmp_path)
    assert ran.code == Exit.BAD_INPUT and "is no solution" in ran.err
