"""The iteration log: what a method told, in the columns people know, on paper and in pictures."""

import itertools

import numpy as np
import pytest

from stationary.report import as_log, as_text
from stationary.report._log import as_lines, chosen, iterations
from stationary.report._report import as_page


def told(records=12):
    """What an interior point might tell: the first step only looks, the fifth and sixth restore."""
    k = np.arange(1, records + 1)
    still = k == 1
    return {
        "barrier": np.where(still, 0.0, 10.0 ** -(k / 2)),
        "move": np.where(still, 0.0, 1.0 / k),
        "step": np.where(still, 0.0, 0.5),
        "dual step": np.where(still, 0.0, 1.0),
        "regularization": np.where(k == 3, 1e-4, 0.0),
        "trials": np.where(still, 0.0, 1.0 + (k == 4)),
        "corrections": 1.0 * (k == 4),
        "restoring": 1.0 * ((k == 5) | (k == 6)),
    }


@pytest.fixture
def logged(make_solution):
    return make_solution(records=12, columns={"log": told()})


def by_column(text: str) -> dict[str, list[str]]:
    """A table's cells by heading; the rule gives the columns' places."""
    head, rule, *rows = text.splitlines()
    edges = np.cumsum([0, *(len(part) + 2 for part in rule.split("  "))])
    places = list(itertools.pairwise(edges))
    return {
        head[a:b].strip(): [row[a:b].strip() for row in rows if len(row) > b - 3] for a, b in places
    }


def test_columns_are_those_people_know(logged):
    table = by_column("\n".join(as_lines(iterations(logged.trace))[:-1]))
    assert list(table) == [
        *("iter", "objective", "primal inf", "dual inf", "lg(bar)", "|d|", "lg(reg)"),
        *("dual step", "step", "trials"),
    ]
    assert table["iter"][3:7] == ["4", "5r", "6r", "7"]
    assert table["lg(bar)"][:3] == ["-", "-1.0", "-1.5"]
    assert table["lg(reg)"][1:4] == ["-", "-4.0", "-"]
    assert table["trials"][:5] == ["0", "1", "1", "2c", "1"]
    assert table["|d|"][1] == "5.00e-01" and table["dual step"][0] == "0"
    np.testing.assert_allclose(
        [float(cell) for cell in table["objective"]], logged.trace.objective, rtol=1e-6
    )
    np.testing.assert_allclose(
        [float(cell) for cell in table["primal inf"]], logged.trace.feasibility, rtol=5e-3
    )


def test_marks_are_explained_where_they_stand(logged, make_solution):
    text = as_log(logged)
    assert text.splitlines()[-1] == "r: while restoring feasibility; c: corrected to second order"
    calm = told() | {"restoring": np.zeros(12), "corrections": np.zeros(12)}
    assert as_log(make_solution(records=12, columns={"log": calm})).splitlines()[-1][:4] == "  12"


def test_log_fits_a_hundred_columns(make_solution):
    made = make_solution(
        records=300, columns={"log": told(300), "objective": np.full(300, -1e-200)}
    )
    assert max(map(len, as_log(made).splitlines())) <= 100


def test_any_method_has_the_columns_of_any_solve(make_solution):
    lines = as_log(make_solution(records=3)).splitlines()
    assert lines[0].split() == ["iter", "objective", "primal", "inf", "dual", "inf"]
    assert len(lines) == 5


def test_other_numbers_have_columns_of_their_own_names(make_solution):
    made = make_solution(records=2, columns={"log": {"radius": np.array([1.0, np.nan])}})
    assert [line.split()[-1] for line in as_log(made).splitlines()] == [
        *("radius", "────────", "1.00e+00", "nan")
    ]


def test_long_log_keeps_its_end_and_says_what_it_leaves_out(make_solution):
    made = make_solution(records=500, columns={"log": told(500)})
    shown = by_column(as_log(made, 60).rsplit("\nand", 1)[0])["iter"]
    assert len(shown) == 60 and shown[0] == "1" and shown[-40:] == [str(i) for i in range(461, 501)]
    assert "and 440 more records before, not shown" in as_log(made, 60)
    assert len(by_column(as_log(made).rsplit("\nr:", 1)[0])["iter"]) == 500


@pytest.mark.parametrize("count,most", [(0, 5), (5, 5), (6, 5), (1000, 60), (61, 60), (3, None)])
def test_chosen_records_are_in_order_and_no_more_than_asked_for(count, most):
    rows = chosen(count, most)
    assert rows.size == (count if most is None else min(count, most))
    assert np.all(np.diff(rows) > 0) and (count == 0 or rows[-1] == count - 1)


def test_report_has_the_table_folded_and_the_pictures(logged, read):
    reader = read(as_page(logged))
    for words in (
        *("Iteration log", "12 iterations as a table", "lg(bar)", "trials"),
        *("Infeasibilities and barrier", "restoring feasibility in 2 of them", "Step lengths"),
        *("primal infeasibility", "dual infeasibility", "primal step", "5r", "2c"),
    ):
        assert words in reader.text
    assert "corrections" not in reader.text
    assert {"title": "line-search trials"} in reader.every("abbr")


def test_report_of_a_method_without_a_log_has_no_such_section(make_solution, read):
    assert "Iteration log" not in read(as_page(make_solution())).text


def test_numbers_that_never_moved_are_not_drawn(make_solution, read):
    idle = told() | {"regularization": np.zeros(12)}
    drawn = read(as_page(make_solution(records=12, columns={"log": idle}))).every("svg")
    more = read(as_page(make_solution(records=12, columns={"log": told()})))
    assert len(drawn) == len(more.every("svg"))
    titles = [words for words in more.texts if words == "regularization"]
    assert len(titles) == 1  # named in the picture


def test_log_of_nothing_is_a_heading(make_solution):
    assert len(as_log(make_solution(records=0)).splitlines()) == 2


def test_solution_in_words_does_not_hold_the_log(logged):
    assert "lg(bar)" not in as_text(logged)
