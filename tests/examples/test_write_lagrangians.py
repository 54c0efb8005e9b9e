"""The script that trains a model of Lagrangians, at a size that proves nothing but that it runs."""

import json

import pytest

from stationary.fieldtheory import parse_fields
from stationary.fieldtheory.learning import OutOfReachError, load_predictor


@pytest.mark.slow
def test_a_model_is_trained_scored_and_kept(example, tmp_path, capsys):
    words = "--fields 2 --examples 400 --tests 40 --longest 24 --steps 3 --batch 16 --buckets 1"
    folder = tmp_path / "model"
    assert example.main([*words.split(), "--out", str(folder)]) == 0
    assert "the usual terms" in capsys.readouterr().out
    about = json.loads((folder / "model.json").read_text())["about"]
    assert "--steps 3" in about["command"] and 0 <= about["the model"]["exact"] <= 1
    predictor = load_predictor(folder)
    assert predictor is not None and predictor.most_fields == 2
    with pytest.raises(OutOfReachError, match="at most 2 fields"):
        predictor.answer(parse_fields("a, b, c: scalar"))
