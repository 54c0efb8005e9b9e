"""The vacuum on the page: what the route answers, and what it refuses."""

import threading

import pytest

from stationary.web._turns import Turns

HIGGS = "H: scalar su2=2 y=1/2"
TRIPLET = "T: real scalar su2=3"


def test_the_potential_comes_with_values_to_begin_with(client):
    found = client.ask("/api/lagrangian", fields=[HIGGS, TRIPLET, "N: majorana"]).json
    values = {c["text"]: c["value"] for c in found["potential"]["couplings"]}
    assert values == {
        "H H*": -1, "T T": 1, "H H* T": 0, "H H H* H*": 0.25, "H H* T T": 0.1, "T T T T": 0.25,
    }  # fmt: skip
    assert client.ask("/api/lagrangian", fields=["N: majorana"]).json["potential"] is None


@pytest.mark.parametrize(
    "fields, words",
    [
        (["s: scalar copies=2"], "several copies"),
        (["s: scalar su3=6 su2=4 y=1/7"], "up to 40 real components"),
        ([f"a{i}: real scalar" for i in range(4)], "40 couplings"),
    ],
)
def test_potentials_that_are_too_large_say_so(client, fields, words):
    assert words in client.ask("/api/lagrangian", fields=fields).json["potential"]["reason"]
    found = client.ask("/api/vacuum", fields=fields, couplings={})
    assert found.status == 400 and words in found.json["error"]


@pytest.mark.slow
def test_the_vacuum_of_a_doublet_and_a_triplet(client):
    couplings = {"m2_1": -1.0, "m2_2": 1.0, "lambda1": 0.25, "lambda2": 0.1, "lambda3": 0.25}
    found = client.ask("/api/vacuum", fields=[HIGGS, TRIPLET], couplings=couplings).json
    # |H|² = 1 / (2 λ1) = 2 and T = 0: m² = 2 of the doublet, 1 + 2 λ2 |H|² of the triplet.
    sizes = {field["name"]: field["size"] for field in found["fields"]}
    assert sizes["H"] == pytest.approx(2**0.5) and sizes["T"] == pytest.approx(0, abs=1e-6)
    assert found["masses"] == pytest.approx([1.4**0.5] * 3 + [2**0.5])
    assert (found["broken"], found["unbroken"], found["goldstones"]) == (3, 9, 3)
    assert found["energy"] == pytest.approx(-1) == pytest.approx(sum(found["line"]))
    assert found["others"][-1] == {"energy": pytest.approx(0), "saddle": True}
    found = client.ask("/api/bounded", fields=[HIGGS, TRIPLET], couplings=couplings).json
    assert found["verdict"] == "bounded"


@pytest.mark.parametrize(
    "couplings, words",
    [
        (None, "numbers by name"),
        ([1], "numbers by name"),
        ({"m": 1}, "no coupling 'm'"),
        ({"m2": "1"}, "must be a number"),
        ({"m2": True}, "must be a number"),
        ({"m2": 1e9}, "at most 1e+06"),
        ({"m2": float("nan")}, "must be a number"),
    ],
)
def test_couplings_that_do_not_fit_are_refused(client, couplings, words):
    found = client.ask("/api/vacuum", fields=[HIGGS], couplings=couplings)
    assert found.status == 400 and found.json["place"] == "couplings"
    assert words in found.json["error"]


def test_without_scalars_there_is_no_vacuum(client):
    found = client.ask("/api/vacuum", fields=["N: majorana"], couplings={})
    assert found.status == 400 and "no scalars" in found.json["error"]


def test_only_the_last_that_waits_has_work_done():
    turns, said, first, waiting = Turns(), [], threading.Event(), threading.Event()

    def work(name):
        with turns.turn() as wanted:
            said.append((name, wanted))

    def begin():
        with turns.turn() as wanted:
            said.append(("first", wanted))
            first.set()
            waiting.wait()

    threads = [threading.Thread(target=begin)]
    threads[0].start()
    first.wait()
    for name in ("second", "third"):
        threads.append(threading.Thread(target=work, args=(name,)))
        threads[-1].start()
        while turns._newest < len(threads):  # it has asked, and waits
            pass
    waiting.set()
    for thread in threads:
        thread.join()
    assert said[0] == ("first", True)
    assert sorted(said[1:]) == [("second", False), ("third", True)]
