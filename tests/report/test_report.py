"""The report of a solve is one honest, complete, well-formed file."""

import itertools
import re

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.certify import Curvature, Ray, Verdict
from stationary.report import report
from stationary.report._page import page, write
from stationary.report._report import as_page

NASTY = "<script>alert(\"x\")</script> & </title> 'q' ]]> ünï 制約 \x00\x1b"


def ids(reader) -> list[str]:
    return [a["id"] for _, a in reader.elements if "id" in a]


def test_page_is_well_formed_and_has_an_outline(make_solution, read):
    reader = read(as_page(make_solution()))
    assert reader.every("html") == [{"lang": "en"}]
    assert len(reader.every("h1")) == 1
    assert len(reader.every("main")) == 1
    assert len(ids(reader)) == len(set(ids(reader)))
    headings = [tag for tag, _ in reader.elements if re.fullmatch(r"h\d", tag)]
    # No level is skipped on the way down.
    levels = [int(tag[1]) for tag in headings]
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_page_fetches_nothing(make_solution, read):
    text = as_page(make_solution())
    reader = read(text)
    assert not {tag for tag, _ in reader.elements} & {"script", "link", "iframe", "object", "img"}
    assert not any(key in a for _, a in reader.elements for key in ("src", "href", "srcset"))
    assert "url(" not in text and "@import" not in text and "http" not in text


def test_tables_and_pictures_are_named_for_screen_readers(make_solution, read):
    reader = read(as_page(make_solution()))
    assert len(reader.every("caption")) == len(reader.every("table")) >= 3
    assert all(a.get("scope") in ("row", "col") for a in reader.every("th"))
    pictures = reader.every("svg")
    assert len(pictures) >= 8
    assert all(a["role"] == "img" for a in pictures)
    described = re.findall(
        r"<svg[^>]*><title>[^<]+</title><desc>[^<]+</desc>", as_page(make_solution())
    )
    assert len(described) == len(pictures)
    labelled = {a["for"] for a in reader.every("label")}
    assert labelled == {a["id"] for a in reader.every("input")}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_verdict_is_said_by_word_mark_and_colour(make_solution, read, verdict):
    made = make_solution(verdict=verdict)
    text = as_page(made)
    kind = "good" if verdict.passed else "unsure" if verdict is Verdict.UNDETERMINED else "bad"
    assert f'class="verdict {kind}"' in text
    seen = read(text).text
    assert {"good": "✓", "bad": "✗", "unsure": "?"}[kind] + " " in seen
    assert verdict.word[0].upper() + verdict.word[1:] in seen
    assert ("FAIL" in seen) == (not verdict.passed)


def test_status_and_verdict_are_kept_apart(make_solution, read):
    made = make_solution(verdict=Verdict.NOT_STATIONARY, status=st.Status.CONVERGED)
    seen = read(as_page(made)).text
    assert "Not stationary" in seen
    assert "Why it stopped: converged: the residual fell below the tolerance" in seen


def test_numbers_of_the_certificate_are_shown(make_solution, make_certificate, read):
    certified = make_certificate(
        gap=2.5e-7,
        gap_reason="weak duality over a bounded set",
        curvature={"x": Curvature(0.25, 2.0, 1.0, 3, 0, 1, "at least 0.25 in 3 directions")},
        ray=Ray("unbounded", {"x": np.ones(2)}, False, "the objective rises along it"),
        weights={"cost": 0.75, "time": 0.25},
        objective={"cost": 3.0, "time": 4.0},
        errors={"objective": 0.002},
    )
    seen = read(as_page(make_solution(certified=certified))).text
    for words in (
        "2.3×10⁻⁸",
        "1.1×10⁻⁹",
        "at most 2.5×10⁻⁷ from the optimum",
        "weak duality over a bounded set",
        "at least 0.25 in 3 directions",
        "unbounded (not proved): the objective rises along it",
        "0.75",
        "± 0.002",
        "second order looked at 4 directions",
        "0.125",
    ):
        assert words in seen


def test_sampled_checks_show_their_standard_errors(make_solution, make_certificate, read):
    import dataclasses

    certified = make_certificate()
    checks = tuple(dataclasses.replace(check, error=3e-4) for check in certified.checks)
    seen = read(
        as_page(make_solution(certified=dataclasses.replace(certified, checks=checks)))
    ).text
    assert "1.1×10⁻⁹ ± 0.0003" in seen


def test_everything_is_escaped(make_solution, read):
    made = make_solution(
        (NASTY, "b"),
        stats={"method": NASTY, "reason": NASTY, "notices": (NASTY,)},
        primal={NASTY: np.ones(7)},
    )
    text = as_page(made)
    reader = read(text)
    assert "<script" not in text
    assert "\x00" not in text and "\x1b" not in text
    assert "<script>alert(\"x\")</script> & </title> 'q' ]]> ünï 制約 ��" in reader.text


def test_same_solution_gives_the_same_bytes(make_solution):
    assert as_page(make_solution(("a", "b"))) == as_page(make_solution(("a", "b")))


@pytest.mark.parametrize("records", [0, 1, 2])
def test_short_traces(make_solution, read, records):
    reader = read(as_page(make_solution(records=records)))
    assert ("How it went" in reader.text) == (records > 0)


def test_traces_of_nothing_finite(make_solution, read):
    lost = np.full(20, np.nan)
    columns = {
        **dict.fromkeys(("objective", "residual", "stationarity", "feasibility"), lost),
        "violations": {"budget": lost},
        "duals": {"budget": np.full(20, np.inf)},
    }
    made = make_solution(
        records=20,
        columns=columns,
        objective=float("nan"),
        verdict=Verdict.UNDETERMINED,
        primal={"w": np.full((3, 4), np.nan)},
    )
    reader = read(as_page(made))
    assert "nothing finite to show" in reader.text
    assert "no finite entry" in reader.text
    assert "nan" not in reader.text


def test_no_constraints(make_solution, make_certificate, read):
    bare = make_certificate((), set_prices={})
    seen = read(as_page(make_solution((), duals={}, certified=bare))).text
    assert "Multipliers and prices" not in seen and "Violation" not in seen


def test_many_constraints_are_all_there_and_failures_come_first(
    make_solution, make_certificate, read
):
    import dataclasses

    names = [f"limit {i:02}" for i in range(40)]
    certified = make_certificate(names, Verdict.NOT_STATIONARY)
    checks = [
        dataclasses.replace(c, passed=c.name != "limit 33" or c.kind != "complementarity")
        for c in certified.checks
    ]
    certified = dataclasses.replace(certified, checks=tuple(checks))
    text = as_page(make_solution(names, certified=certified))
    reader = read(text)
    assert all(name in reader.text for name in names)
    assert len(reader.every("details")) == 3
    assert reader.text.index("FAIL") < reader.text.index("pass")
    assert "35 more" in reader.text
    assert len(text) < 400_000


def test_a_certificate_that_cannot_be_computed_is_said_so(make_solution, read):
    made = make_solution()
    del vars(made)["certificate"]
    # The statement divides by a function of the wrong shape, so certify refuses it.
    broken = st.Minimize(lambda x: x["w"])
    object.__setattr__(made, "problem", broken)
    reader = read(as_page(made))
    assert "Not certified" in reader.text
    assert "TypeError" in reader.text
    assert 'class="verdict unsure"' in as_page(made)


def test_commands_fit_what_happened(make_solution, read):
    converged = read(as_page(make_solution())).text
    assert "st.solve(problem, solution, tol=1e-08)" in converged
    assert "state=solution.state" not in converged
    refused = read(as_page(make_solution(verdict=Verdict.INFEASIBLE_POINT))).text
    assert "the certificate asks for more" in refused
    assert "stationary solve a.py --resume" not in refused
    resumed = read(as_page(make_solution(), "stationary solve a.py --resume")).text
    assert "stationary solve a.py --resume" in resumed
    stopped = make_solution(
        status=st.Status.MAX_STEPS,
        verdict=Verdict.NOT_STATIONARY,
        stats={"reason": "asked for", "steps": 1500},
    )
    seen = read(as_page(stopped)).text
    assert "st.solve(problem, solution, method, state=solution.state, max_steps=4_000)" in seen
    single = make_solution(primal=np.ones(3, np.float32), stats={"tol": 1e-5})
    assert 'jax.config.update("jax_enable_x64", True)' in read(as_page(single)).text


def test_commands_of_the_report_run():
    problem = st.Minimize(
        lambda x: jnp.sum((x - 2) ** 4), subject_to={"sum": st.at_most(jnp.sum, 2.0)}
    )
    x0 = jnp.zeros(3)
    solution = st.solve(problem, x0, max_steps=3)
    page_text = as_page(solution)
    commands = re.findall(r"<code>(st\.solve[^<]*)</code>", page_text)
    assert len(commands) == 3
    names = {"st": st, "problem": problem, "solution": solution, "x0": x0}
    for command in commands[:2]:
        again = eval(command, names)
        assert again.status is st.Status.CONVERGED
        np.testing.assert_allclose(again.value, np.full(3, 2 / 3), atol=1e-4)


def test_report_is_written_whole_into_a_new_folder(make_solution, tmp_path):
    path = report(make_solution(), tmp_path / "new folder" / "answer.html")
    assert path == tmp_path / "new folder" / "answer.html"
    assert path.read_text(encoding="utf-8").endswith("</html>\n")
    assert [p.name for p in path.parent.iterdir()] == ["answer.html"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = write(tmp_path / "a.html", "old")
    with pytest.raises(UnicodeEncodeError):
        write(path, "new \ud800")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.html"]


def test_no_machine_paths_in_the_report(make_solution, tmp_path):
    import getpass
    import platform
    from pathlib import Path

    text = report(make_solution(), tmp_path / "a.html").read_text(encoding="utf-8")
    assert str(Path.home()) not in text.replace("</", "") or str(Path.home()) == "/"
    assert str(tmp_path) not in text and str(Path(__file__).parents[2]) not in text
    host = platform.node()
    assert len(host) < 4 or host not in text
    assert len(getpass.getuser()) < 5 or getpass.getuser() not in text


def test_page_takes_dollars_and_braces_literally():
    text = page("$title {x}", "$body ${style} <b>")
    assert "<title>$title {x}</title>" in text
    assert "$body ${style} &lt;b&gt;" in text
