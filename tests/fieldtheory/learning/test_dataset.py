"""Data sets on disk."""

import hashlib
import sys

import numpy as np
import pytest

from stationary.fieldtheory import lagrangian_terms
from stationary.fieldtheory.learning import (
    FULL,
    SPLITS,
    TINY,
    HoldOut,
    Sampler,
    Tokens,
    generate,
    key_of,
    read,
    split_of,
)
from stationary.fieldtheory.learning import _dataset as dataset

COUNT = 2500


@pytest.fixture
def small(monkeypatch):
    """Files of two blocks of 500 examples, so that a few are made quickly."""
    for module in ("_dataset", "_sampler"):
        monkeypatch.setattr(f"stationary.fieldtheory.learning.{module}.BLOCK", 500)
    monkeypatch.setattr(dataset, "PART", 2)


def digests(folder):
    files = sorted(folder.glob("*.parquet"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_rows_are_the_sampler_s_and_say_what_they_are(small, tmp_path):
    sampler = Sampler(TINY, fields=(1, 3), tokens=Tokens(interactions_only=True))
    data = read(generate(tmp_path, COUNT, sampler))
    assert len(data) == COUNT
    assert data.source.tokens.dtype == np.uint8
    for row in range(0, COUNT, 260):
        examples = sampler.block(row // 500)
        assert np.array_equal(data.source[row], examples.source[row % 500])
        fields = data.fields_of(row)
        assert data.target[row].tolist() == data.tokens.encode(lagrangian_terms(fields))
        assert data.fields[row] == len(fields)
        assert int(data.keys[row]) == key_of(fields)
        assert split_of(fields) == SPLITS[data.splits[row]]


def test_splits_share_no_model(small, tmp_path):
    data = read(generate(tmp_path, COUNT, Sampler(TINY, "enriched", fields=(1, 3))))
    parts = [data.split(name) for name in SPLITS]
    assert sum(map(len, parts)) == COUNT and len(parts[4]) == 0
    keys = [set(part.keys.tolist()) for part in parts]
    for i in range(4):
        assert keys[i]
        assert not any(keys[i] & other for other in keys[i + 1 :])


def test_an_interrupted_run_goes_on_to_the_same_files(small, tmp_path, monkeypatch):
    sampler = Sampler(TINY, fields=(1, 3), seed=4)
    generate(tmp_path / "whole", COUNT, sampler)
    real, calls = dataset._table, []

    def interrupted(*given):
        calls.append(given)
        if len(calls) == 4:  # in the middle of the second file
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(dataset, "_table", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "twice", COUNT, sampler)
    assert list(digests(tmp_path / "twice")) == ["part-00000.parquet"]
    with pytest.raises(ValueError, match="2 of 3 files are missing"):
        read(tmp_path / "twice")
    generate(tmp_path / "twice", COUNT, sampler)
    assert len(calls) == 4 + 3  # blocks of finished files are not made again
    assert digests(tmp_path / "twice") == digests(tmp_path / "whole")
    assert {file.suffix for file in (tmp_path / "twice").iterdir()} == {".parquet", ".json"}


@pytest.mark.slow
def test_files_do_not_depend_on_the_number_of_workers(tmp_path):
    sampler = Sampler(TINY, fields=(1, 2))
    count = dataset.PART * dataset.BLOCK + 100
    generate(tmp_path / "one", count, sampler)
    generate(tmp_path / "two", count, sampler, workers=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_files_do_not_depend_on_the_order_in_which_they_are_made(small, tmp_path):
    sampler = Sampler(TINY, fields=(1, 2))
    generate(tmp_path / "one", COUNT, sampler)
    (tmp_path / "two").mkdir()
    for part in (2, 0, 1):
        dataset._write(tmp_path / "two", part, COUNT, sampler, HoldOut())
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_held_out_fields_are_in_no_other_split(small, tmp_path):
    rule = HoldOut(charges=["-5/6"], representations=[(3, 3)])
    data = read(generate(tmp_path, COUNT, Sampler(FULL, fields=(1, 4)), hold_out=rule))
    seen = {"held out": 0, "train": 0}
    for name in ("train", "test", "held out"):
        part = data.split(name)
        for row in range(min(len(part), 60)):
            fields = [dict(field.representations) for field in part.fields_of(row)]
            held = any(
                abs(f.get("u1", 0)) * 6 == 5
                or ("su3" in f and getattr(f.get("su2"), "dimension", 1) == 3)
                for f in fields
            )
            assert held == (name == "held out")
            seen[name] = seen.get(name, 0) + 1
    assert seen["held out"] and seen["train"]


def test_rules_that_hold_nothing_out_are_refused(tmp_path):
    with pytest.raises(ValueError, match="5/7"):
        generate(tmp_path, 10, Sampler(FULL), hold_out=HoldOut(charges=["5/7"]))


def test_another_data_set_is_not_overwritten(small, tmp_path):
    generate(tmp_path, 600, Sampler(TINY, fields=(1, 2)))
    with pytest.raises(ValueError, match="count, sampler"):
        generate(tmp_path, 700, Sampler(TINY, fields=(1, 2), seed=1))
    with pytest.raises(ValueError, match="1 or more"):
        generate(tmp_path, 0, Sampler(TINY))


def test_a_folder_without_a_data_set(tmp_path):
    with pytest.raises(FileNotFoundError, match="no data set"):
        read(tmp_path)


def test_progress_in_a_log(small, tmp_path, capsys):
    generate(tmp_path, 1200, Sampler(TINY, fields=(1, 2)), progress=True)
    assert "1,200 of 1,200 examples" in capsys.readouterr().err


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r"stationary\[lagrangians\]"):
        generate(tmp_path, 10, Sampler(TINY))
    with pytest.raises(ModuleNotFoundError, match=r"stationary\[lagrangians\]"):
        read(tmp_path)
