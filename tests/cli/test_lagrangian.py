"""`stationary lagrangian`: what it prints, in every format, and what it refuses."""

import io
import subprocess
import sys

import pytest

from stationary.cli._exit import Exit
from stationary.fieldtheory import (
    EXTENSIONS,
    from_json,
    lagrangian_terms,
    model,
    parse_fields,
    to_latex,
    to_text,
)

HIGGS = "H: scalar su2=2 y=1/2"
DOUBLETS = lagrangian_terms(model("two Higgs doublets"))


def test_the_table_has_every_term_with_its_multiplicity(run):
    ran = run("lagrangian", "--model", "two Higgs doublets")
    assert ran.code == Exit.OK
    for term in DOUBLETS:
        assert str(term) in ran.out
    assert "26 real parameters" in ran.out and "anomalies cancel" in ran.out
    row = next(line for line in ran.out.splitlines() if "H H* h h*" in line)
    assert row.split()[-4:] == ["[1,1]", "lambda4", "1", "real"]


def test_flavours_are_counted(run):
    ran = run("lagrangian", "--model", "seesaw type II", "--generations", "3")
    assert "9 complex" in ran.out and "6 complex" in ran.out


@pytest.mark.parametrize("words", [["--format", "json"], ["--json"]])
def test_json_can_be_read_back(run, words):
    ran = run("lagrangian", "--model", "two Higgs doublets", *words)
    assert from_json(ran.out) == DOUBLETS


def test_text_and_latex_are_those_of_the_library(run):
    words = ["lagrangian", "--model", "two Higgs doublets", "--format"]
    assert run(*words, "text").out == to_text(DOUBLETS) + "\n"
    assert run(*words, "latex").out == to_latex(DOUBLETS) + "\n"


def test_fields_come_from_arguments_files_and_stdin(run, tmp_path, monkeypatch):
    file = tmp_path / "fields.txt"
    file.write_text(f"{HIGGS}  # the doublet\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO(HIGGS))
    outs = {run("lagrangian", given).out for given in (HIGGS, file, "-")}
    assert len(outs) == 1 and "H H H* H*" in outs.pop()
    added = run("lagrangian", "--model", "Standard Model", "s: real scalar", "--format", "text")
    assert added.out == to_text(lagrangian_terms(model("real singlet"))) + "\n"


def test_groups_mixing_topology_and_anomalies_are_options(run):
    text = "a, b: scalar su2_l=2 su2_r=2; q: fermion right u1_bl=1/3"
    words = ["--group", "su2_l x su2_r x u1_bl", "--kinetic-mixing", "--theta", "--anomalies"]
    terms = lagrangian_terms(
        parse_fields(text), "su2_l x su2_r x u1_bl", kinetic_mixing=True, theta=True
    )
    ran = run("lagrangian", text, *words)
    assert all(str(term) in ran.out for term in terms)
    assert ["u1_bl^3", "-1/27"] in [line.split() for line in ran.out.splitlines()]
    assert "anomalies: u1_bl^3 = -1/27, gravity^2 u1_bl = -1/3" in ran.out


def test_terms_are_graded(run, tmp_path):
    words = ["lagrangian", HIGGS, "--grade"]
    ran = run(*words, "H H* + (H H*)^2")
    assert ran.code == Exit.OK and ran.out.startswith("exact: all 2 terms")
    file = tmp_path / "answer"
    file.write_text(to_text(lagrangian_terms(parse_fields(HIGGS))))
    assert run(*words, file).code == Exit.OK
    ran = run(*words, "H H* + H H", "--json")
    assert ran.code == Exit.NOT_CERTIFIED
    assert ran.json["missing"] == ["H H H* H*"] and not ran.json["exact"]
    assert "charges" in ran.json["not_invariant"][0]["reason"]
    # With derivatives in it, all of them are expected.
    assert "F(su3) F(su3)" in run(*words, "D(H) D(H*) + H H*").out
    assert run(*words, "H ( H").code == Exit.BAD_INPUT


@pytest.mark.slow
def test_the_vacuum_breaks_what_the_higgs_breaks(run):
    words = ["lagrangian", "--model", "Standard Model", "--vacuum", "m2=-1, lambda = 0.125"]
    ran = run(*words)
    assert ran.code == Exit.OK and "3 of 12 generators broken" in ran.out
    found = run(*words, "--json").json
    # |H|² = 1 / (2 λ), V = -1 / (4 λ), and the Higgs boson has m² = 2.
    assert found["energy"] == pytest.approx(-2) and found["bounded"] == "bounded"
    assert found["physical_masses_squared"] == pytest.approx([2])
    assert sum(abs(complex(x)) ** 2 for x in found["fields"]["H"]) == pytest.approx(4)


@pytest.mark.slow
def test_a_potential_that_falls_has_no_vacuum(run):
    ran = run("lagrangian", "--model", "Standard Model", "--vacuum", "m2=-1 lambda=-0.1")
    assert ran.code == Exit.NO_ANSWER and ran.out.startswith("unbounded: ")


@pytest.mark.parametrize(
    "words, complaint",
    [
        ([HIGGS, "--vacuum", "m=2"], "no coupling 'm' of scalars; there are m2, lambda"),
        ([HIGGS, "--vacuum", "m2=two"], "'m2=two' is no coupling"),
        ([HIGGS, "--vacuum", "m2"], "'m2' is no coupling"),
        ([HIGGS, "--vacuum", "m2=1 m2=2"], "m2 is given twice"),
        ([HIGGS, "--vacuum", "m2=1j"], "its coupling real"),
        ([HIGGS, "--vacuum", "m2=nan"], "not finite"),
        (["N: majorana", "--vacuum", "M=1"], "there are none"),
        (["N: majorana", "--vacuum", ""], "no scalar fields"),
        (["s: scalar copies=2", "--vacuum", "m2=1"], "a name of its own"),
    ],
)
def test_couplings_that_do_not_fit_are_refused(run, words, complaint):
    ran = run("lagrangian", *words)
    assert ran.code == Exit.BAD_INPUT and complaint in ran.err


def test_models_are_listed(run):
    assert set(EXTENSIONS) < set(run("lagrangian", "--list-models", "--json").json)
    assert all(name in run("lagrangian", "--list-models").out for name in EXTENSIONS)


@pytest.mark.parametrize(
    "words, complaint",
    [
        ([], "There are no fields"),
        (["H: sclar"], "'sclar' is not understood"),
        (["H: scalar su3=7"], "no representation '7'"),
        (["H: scalar y=a/3"], "rational"),
        (["nowhere.txt"], "no file that can be read"),
        (["--model", "SM"], "There is no model 'SM'"),
        (["--model", "Standard Model", HIGGS], "Two fields are called 'H'"),
        ([HIGGS, "--generations", "3"], "--generations belongs to --model"),
        (["--model", "Standard Model", "--generations", "0"], "--generations must be"),
        ([HIGGS, "--group", "su3"], "su2 is not a factor"),
        ([HIGGS, "--group", "so10"], "'so10' is not a factor"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(run, words, complaint):
    ran = run("lagrangian", *words)
    assert ran.code == Exit.BAD_INPUT and ran.err.startswith("stationary: ")
    assert complaint in ran.err and "Traceback" not in ran.err and not ran.out


def test_bytes_are_no_text(run, tmp_path):
    file = tmp_path / "picture"
    file.write_bytes(b"\xff\xfe\x00")
    assert "no text in UTF-8" in run("lagrangian", file).err


def test_the_exact_part_starts_no_device():
    code = (
        "import sys; from stationary.cli import main; main(['lagrangian', 'H: scalar su2=2'])\n"
        "from jax._src import xla_bridge; print(xla_bridge.backends_are_initialized())\n"
        "print({'rich', 'matplotlib', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["False", "set()"]
