"""Files become the statements they describe: compared with HiGHS's own answers and matrices."""

import gzip
import sys

import jax.experimental.sparse
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.files import FileError, read

from .conftest import BLENDING, CONCAVE_LP, FILES, QUADRATIC, solve_with_highs


@pytest.mark.parametrize("name", FILES)
def test_answer_and_prices_agree_with_highs(name, write):
    path = write(name, FILES[name])
    file = read(path)
    objective, x, duals = solve_with_highs(path)
    solution = st.solve(file.problem, file.x0, tol=1e-9)
    assert solution.status is st.Status.CONVERGED
    np.testing.assert_allclose(solution.objective, objective, rtol=1e-7)
    np.testing.assert_allclose(solution.value, x, atol=1e-6)
    prices = file.prices(solution.duals)
    np.testing.assert_allclose(list(prices.values()), _by_name(path, prices, duals), atol=1e-6)


def _by_name(path, prices, duals):
    """HiGHS's row duals in the order of `prices`; HiGHS counts nameless rows from 0."""
    import highspy

    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.readModel(str(path))
    names = list(highs.getLp().row_names_)
    numbered = {f"row {i + 1}": i for i in range(len(names))}
    return [duals[names.index(n) if n in names else numbered[n]] for n in prices]


def test_multipliers_follow_the_sign_convention(write):
    file = read(write("blending.mps", BLENDING))
    solution = st.solve(file.problem, file.x0, tol=1e-9)
    multipliers = file.multipliers(solution.duals)
    assert set(multipliers) == {
        *("WEIGHT", "CAPACITY", "PROTEIN", "TASTE"),
        *("FIBRE (upper)", "FIBRE (lower)"),
    }
    assert all(m >= 0 for name, m in multipliers.items() if name != "WEIGHT")
    prices = file.prices(solution.duals)
    # More protein wanted costs more: the row is >=, so its price is the multiplier itself.
    assert prices["PROTEIN"] == pytest.approx(multipliers["PROTEIN"], abs=1e-12)
    assert prices["WEIGHT"] == pytest.approx(-multipliers["WEIGHT"], abs=1e-12)
    ranged = multipliers["FIBRE (lower)"] - multipliers["FIBRE (upper)"]
    assert prices["FIBRE"] == pytest.approx(ranged, abs=1e-12)


def test_price_is_the_derivative_of_the_objective(write):
    def solved(right):
        file = read(write("q.mps", QUADRATIC.replace("0.45", right)))
        solution = st.solve(file.problem, file.x0, tol=1e-10)
        return solution.objective, file.prices(solution.duals)["RETURN"]

    (below, _), (_, price), (above, _) = solved("0.499"), solved("0.5"), solved("0.501")
    assert price > 0.1
    assert (above - below) / 0.002 == pytest.approx(price, rel=1e-4)


def test_names_bounds_sense_and_offset(write):
    file = read(write("profit.lp", CONCAVE_LP))
    assert file.name == "profit"
    assert file.variables == ("x", "y", "z")
    assert [row.name for row in file.rows] == ["row 3", "wood", "steel"]
    assert file.problem.describe()[0].startswith("maximise")
    assert file.problem.convex
    np.testing.assert_array_equal(file.problem.over.lower, [-1, 0, 0])
    np.testing.assert_array_equal(file.problem.over.upper, [3, np.inf, 2])
    assert float(file.problem.objective(jnp.asarray(file.x0), file.problem.data)) == 7.0


def test_start_is_the_nearest_point_to_zero_within_the_bounds(write):
    text = QUADRATIC.replace(" FR BND       A", " LO BND       A            1.5")
    file = read(
        write("q.mps", text.replace(" UP BND       C  ", " MI BND       C\n UP BND  C  -1 *"))
    )
    np.testing.assert_array_equal(file.x0, [1.5, 0.0, -1.0])


def test_compressed_file_is_the_same_problem(tmp_path, write):
    plain = read(write("q.mps", QUADRATIC))
    path = tmp_path / "q.mps.gz"
    path.write_bytes(gzip.compress(QUADRATIC.encode()))
    packed = read(path)
    assert packed.rows == plain.rows
    for key in ("cost", "hessian"):
        np.testing.assert_array_equal(packed.problem.data[key], plain.problem.data[key])


def random_mps(rng, rows, columns, density):
    """A random feasible problem with the numbers that its text was made from."""
    matrix = np.where(rng.random((rows, columns)) < density, rng.normal(size=(rows, columns)), 0)
    matrix[:, 0] = rng.normal(size=rows)
    kinds, right = rng.choice(list("LGE"), rows), matrix @ rng.random(columns)
    lines = ["NAME R", "ROWS", " N obj", *(f" {k} r{i}" for i, k in enumerate(kinds)), "COLUMNS"]
    for j in range(columns):
        lines.append(f" x{j} obj 1.0")
        lines += [f" x{j} r{i} {float(matrix[i, j])!r}" for i in np.flatnonzero(matrix[:, j])]
    lines += ["RHS", *(f" rhs r{i} {float(b)!r}" for i, b in enumerate(right)), "ENDATA", ""]
    return "\n".join(lines), matrix, kinds, right


@pytest.mark.parametrize("density,columns,sparse", [(0.4, 7, False), (0.02, 1000, True)])
def test_values_of_rows_agree_with_the_text(write, density, columns, sparse):
    rng = np.random.default_rng(3)
    text, matrix, kinds, right = random_mps(rng, 40, columns, density)
    file = read(write("r.mps", text))
    stored = file.problem.data["at_most"]["matrix"]
    assert isinstance(stored, jax.experimental.sparse.BCOO) == sparse
    x = rng.normal(size=columns)
    residual = matrix @ x - right
    values = {
        name: np.asarray(c.fn(jnp.asarray(x), file.problem.data))
        for name, c in file.problem.subject_to.items()
    }
    assert len(file.rows) == 40
    for row in file.rows:
        i = int(row.row[1:])
        assert row.constraint == ("equalities" if kinds[i] == "E" else "inequalities")
        assert row.sign == (-1 if kinds[i] == "G" else 1)
        got = values[row.constraint][row.index]
        np.testing.assert_allclose(got, row.sign * residual[i], rtol=1e-12, atol=1e-12)


def test_sparse_file_solves_like_its_dense_text(write):
    rng = np.random.default_rng(0)
    size = 150
    hessian = "".join(f" x{j} x{j} {2 + j % 3}\n" for j in range(size))
    text, *_ = random_mps(rng, 80, size, 0.01)
    path = write("r.mps", text.replace("ENDATA", f"QUADOBJ\n{hessian}ENDATA"))
    file = read(path)
    assert isinstance(file.problem.data["hessian"], jax.experimental.sparse.BCOO)
    assert file.problem.convex
    solution = st.solve(file.problem, file.x0, tol=1e-8)
    objective, x, _ = solve_with_highs(path)
    np.testing.assert_allclose(solution.objective, objective, rtol=1e-6)
    np.testing.assert_allclose(solution.value, x, atol=1e-5)


def test_nonconvex_form_is_noted_and_not_declared(write):
    file = read(write("q.mps", QUADRATIC.replace("B         B            3.0", "B B -3.0")))
    assert not file.problem.convex
    assert "not convex" in file.notes[0] and "-3.0" in file.notes[0]


def test_positive_semidefinite_form_is_convex(write):
    text = QUADRATIC.replace("A         B            0.5", "A B 2.0").replace(
        "    3.0\n", "    2.0\n"
    )
    assert read(write("q.mps", text)).problem.convex


def test_free_rows_are_left_out(write):
    text = QUADRATIC.replace(" L  RISK", " N  RISK")
    assert [row.name for row in read(write("q.mps", text)).rows] == ["BUDGET", "RETURN"]


def test_reading_prints_nothing(write, capfd):
    read(write("q.mps", QUADRATIC))
    with pytest.raises(FileError):
        read(write("bad.lp", "Minimize\n obj: x + +\nSubject To\n c x\nEnd"))
    assert capfd.readouterr() == ("", "")


INTEGER = """\
Minimize
 obj: x + y + z + u + v
Subject To
 c: x + y + z >= 1
Bounds
 z <= 10
General
 x u v
Semi-Continuous
 z
End
"""
BROKEN = {
    "empty.mps": ("  \n", "is empty"),
    "number.mps": (QUADRATIC.replace("0.45", "0.4x"), r"line 14: '0\.4x' is not a number"),
    "second.mps": (
        QUADRATIC.replace("1.0   BUDGET       1.0", "1.0 BUDGET one", 1),
        "line 8: 'one'",
    ),
    "short.mps": (QUADRATIC[: QUADRATIC.index("BOUNDS")], "line 15: .* without ENDATA"),
    "section.mps": (QUADRATIC.replace("RHS\n", "RIGHT\n", 1), "line 13: 'RIGHT' is no section"),
    "kind.mps": (QUADRATIC.replace(" L  RISK", " K  RISK"), "line 6: 'K' is no kind of row"),
    "bound.mps": (QUADRATIC.replace(" FR BND", " XX BND"), "line 17: 'XX' is no kind of bound"),
    "row.mps": (QUADRATIC.replace("RISK         2.0", "RIKS         2.0"), 'Row name "RIKS"'),
    "prose.mps": ("hello world\n", "line 1: 'hello' is no section"),
    "operator.lp": (CONCAVE_LP.replace("<= 4", "<= <= 4"), "malformed"),
    "integer.lp": (INTEGER, r"x \(integer\), z \(semi-continuous\), u \(integer\) and 1 more"),
    "reversed.mps": (QUADRATIC.replace(" FR BND       A", " LO BND C 5"), "variable C .* 5 above"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_bad_file_is_refused(name, write):
    text, message = BROKEN[name]
    path = write(name, text)
    with pytest.raises(FileError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))


def test_bad_file_is_refused_whatever_its_outside(tmp_path, write):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read(tmp_path / "nowhere.mps")
    with pytest.raises(FileError, match=r"ends in \.mps, \.lp"):
        read(write("problem.txt", QUADRATIC))
    with pytest.raises(FileError, match="cannot be read"):
        read(write("q.mps.gz", "not compressed"))


def test_without_highspy_the_extra_is_named(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "highspy", None)
    with pytest.raises(ImportError, match=r"pip install 'stationary\[files\]'"):
        read(write("q.mps", QUADRATIC))
