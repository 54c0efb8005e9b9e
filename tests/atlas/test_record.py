"""Running a paper, and keeping what it found."""

import json
import math
from dataclasses import replace

import jax
import pytest

from stationary import atlas
from stationary.atlas import Measured, Verdict


def test_run_judges_every_claim(toy):
    heard = []
    result = atlas.run(999, observe=heard.append, seed=7)
    assert heard == ["counting"]
    assert result.verdicts == {
        "holds": Verdict.HOLDS,
        "fails <b>": Verdict.NOT_REPRODUCED,
        "later": Verdict.NOT_MEASURED,
    }
    assert (result.seed, result.scale) == (7, "smoke")
    assert "✗ fails <b>: not reproduced" in str(result)


def test_run_is_in_float64_whatever_the_setting_outside(toy):
    with jax.enable_x64(False):
        result = atlas.run(999)
        assert jax.numpy.ones(()).dtype == jax.numpy.float32
    assert result.verdicts["holds"] is Verdict.HOLDS
    assert result.environment["float"] == "float64"


def test_run_refuses_unknown_papers_and_scales(toy):
    with pytest.raises(ValueError, match="has no paper 1; it has 999"):
        atlas.run(1)
    with pytest.raises(ValueError, match="run it at smoke or laptop or full"):
        atlas.run(999, scale="huge")


def test_run_refuses_measurements_that_are_not_the_declared_ones(toy):
    with pytest.raises(RuntimeError, match=r"differ in \['fails <b>', 'holds', 'later'\]"):
        atlas.run(999, scale="full")


def test_record_reads_back_as_it_was_saved(toy, tmp_path):
    result = atlas.run(999, scale="laptop")
    odd = {"holds": Measured(math.inf), "fails <b>": Measured(0.1, (-math.inf, 0.3), (0.1, 0.2))}
    for saved in (result, replace(result, measured=odd)):
        path = atlas.save(saved, tmp_path / "out")
        assert path.name == "laptop.json"
        json.loads(path.read_text(), parse_constant=pytest.fail)  # strict JSON
        found = atlas.recorded(toy, "laptop", tmp_path / "out")
        assert replace(found, seconds=0.0) == replace(saved, seconds=0.0)
        assert abs(found.seconds - saved.seconds) < 0.1
        assert found.verdicts == saved.verdicts


def test_save_leaves_nothing_of_an_earlier_record(toy, tmp_path):
    result = atlas.run(999)
    atlas.save(replace(result, figures={"old": "<svg/>", "both": "<svg/>"}), tmp_path / "out")
    atlas.save(replace(result, figures={"both": "<svg></svg>"}), tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "smoke-both.svg",
        "smoke.json",
    ]


def test_save_goes_beside_the_paper_by_default(toy):
    path = atlas.save(atlas.run(999, scale="laptop"))
    assert path == toy.folder / "results" / "laptop.json"
    assert atlas.recorded(toy).number == 999
    assert atlas.recorded(toy, "smoke") is None


def test_figures_need_distinct_file_names(toy, tmp_path):
    result = replace(atlas.run(999), figures={"a b": "<svg/>", "a-b": "<svg/>"})
    with pytest.raises(ValueError, match="differ in letters or digits"):
        atlas.save(result, tmp_path / "out")
