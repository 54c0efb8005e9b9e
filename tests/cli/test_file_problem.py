"""MPS and LP files on the command line."""

import numpy as np
import pytest

from stationary.cli._exit import Exit

LP = """\
Maximize
 profit: 3 x + 5 y + 2
Subject To
 wood: x + 2 y <= 4
 steel: 3 x + y <= 6
 x - y >= -3
End
"""


@pytest.fixture
def lp(tmp_path):
    path = tmp_path / "workshop.lp"
    path.write_text(LP)
    return path


def test_answer_names_variables_rows_and_prices(run, lp):
    ran = run("solve", lp, "--json")
    assert ran.code == Exit.OK
    # Both rows bind: x = 8/5, y = 6/5; 3 = w + 3 s and 5 = 2 w + s.
    assert ran.json["objective"] == pytest.approx(3 * 1.6 + 5 * 1.2 + 2, rel=1e-5)
    assert ran.json["summary"]["variables"] == "x 1.6, y 1.2"
    assert ran.json["summary"]["multipliers"] == "wood 2.4, steel 0.2 and 1 zero"
    prices = ran.json["summary"]["prices (d objective / d right-hand side)"]
    assert prices == "wood 2.4, steel 0.2 and 1 zero"


def test_own_answer_can_be_certified(run, lp, tmp_path):
    answer = tmp_path / "answer.json"
    answer.write_text('{"value": [1.6, 1.2]}')
    ran = run("certify", lp, answer, "--json")
    assert ran.code == Exit.OK
    assert ran.json["multipliers"] == "estimated"
    np.testing.assert_allclose(ran.json["duals"]["inequalities"], [2.4, 0.2, 0.0], atol=1e-6)


def test_bad_files_are_refused_in_one_paragraph(run, lp, tmp_path):
    bad = tmp_path / "bad.mps"
    bad.write_text("NAME x\nROWS\n N c\n Q r\n")
    ran = run("solve", bad)
    assert (ran.code, ran.out) == (Exit.BAD_INPUT, "")
    assert ran.err == f"stationary: {bad}, line 4: 'Q' is no kind of row; expected N, L, G or E.\n"
    assert "holds one problem" in run("solve", f"{lp}:other").err
    assert "no such file" in run("solve", tmp_path / "nowhere.lp").err
