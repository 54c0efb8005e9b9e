"""What `FILE[:NAME]` may be, and what is said when it is not."""

import numpy as np
import pytest

from stationary.cli._case import load
from stationary.cli._errors import UsageError


def test_file_alone_means_its_problem(file):
    case = load(str(file))
    assert case.problem.describe()[0] == "minimise cost(x, data)"
    assert set(case.x0) == {"a", "b"} and case.summary is not None


def test_name_takes_its_own_start(file):
    case = load(f"{file}:saddle")
    np.testing.assert_array_equal(case.x0, np.zeros(2))


def test_name_may_be_a_function(file):
    case = load(f"{file}:made")
    assert set(case.x0) == {"a", "b"}


def test_neighbours_can_be_imported_and_shadow_nothing(tmp_path, file):
    import json

    (tmp_path / "helper_of_case.py").write_text(file.read_text())
    (tmp_path / "json.py").write_text("from helper_of_case import problem, x0\n")
    assert load(str(tmp_path / "json.py")).problem.convex
    import sys

    assert sys.modules["json"] is json and str(tmp_path) not in sys.path
    del sys.modules["helper_of_case"]


def test_name_may_end_a_path_with_a_colon(tmp_path, file):
    odd = tmp_path / "a:b.py"
    odd.write_text(file.read_text())
    assert load(str(odd)).file == odd
    assert load(f"{odd}:made").file == odd


@pytest.mark.parametrize(
    "name,complaint",
    [
        ("absent", "defines no 'absent'. It defines problem, crowded, saddle"),
        ("LEAST", "LEAST is float; it must be a statement"),
        ("bare", r"bare\(\) must return the pair \(problem, x0\)"),
    ],
)
def test_wrong_name_is_refused(file, name, complaint):
    with pytest.raises(UsageError, match=complaint):
        load(f"{file}:{name}")


@pytest.mark.parametrize(
    "text,complaint",
    [
        ("problem = 3\nx0 = 1.0\n", "problem is int"),
        ("x = 1\n", "defines no 'problem'"),
        ("x = 1\ny = x / 0\n", r"line 2 \(y = x / 0\): ZeroDivisionError: division by zero"),
        ("x = (\n", "line 1 .*SyntaxError"),
        ("import no_such_library\n", "line 1 .*No module named 'no_such_library'"),
        (
            "import stationary as st\nproblem = st.Minimize(lambda x: x)\n",
            "problem has no start; define x0",
        ),
        (
            "import stationary as st\nproblem = st.Minimize(abs)\nx0, method = 1.0, 'sgd'\n",
            "method is 'sgd'; it must be a method",
        ),
        (
            "import stationary as st\nproblem = st.Minimize(lambda x: x)\nx0, summary = 1.0, 'x'\n",
            "summary must be a function",
        ),
        (
            "import stationary as st\nproblem = st.Minimize(abs, {'a': st.at_most(abs, 1e999)})\n",
            "line 2 .*ValueError: at_most: the bound must be finite",
        ),
    ],
)
def test_wrong_file_is_refused(tmp_path, text, complaint):
    path = tmp_path / "wrong.py"
    path.write_text(text)
    with pytest.raises(UsageError, match=complaint) as caught:
        load(str(path))
    assert str(path) in str(caught.value)


def test_missing_and_unknown_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        load(str(tmp_path / "nowhere.py"))
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(UsageError, match="expected a Python file"):
        load(str(tmp_path / "notes.txt"))
