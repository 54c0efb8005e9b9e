"""The routes of the page's server: what they answer, and what they refuse."""

import threading
import xml.etree.ElementTree as xml

import pytest

from stationary.fieldtheory import (
    EXTENSIONS,
    anomalies,
    from_json,
    lagrangian_terms,
    model,
    to_latex,
    to_text,
)
from stationary.web import _learned, _server
from stationary.web._lagrangian import MOST_SHOWN
from stationary.web._request import MOST_FIELDS

HIGGS = "H: scalar su2=2 y=1/2"
DOUBLETS = [str(field) for field in model("two Higgs doublets", generations=3)]
SEVEN = " x ".join(f"u1_{c}" for c in "abcdefg")


def test_the_page_brings_its_own_files_and_nothing_else(client):
    page = client.send("GET", "/?fields=anything")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    text = page.body.decode()
    for name, path in (("css", "/page.css"), ("javascript", "/page.js")):
        assert path in text
        file = client.send("GET", path)
        assert file.status == 200 and name in file.headers["Content-Type"]
    assert b"http" not in client.send("GET", "/page.js").body
    assert "https://" not in text and "url(" not in client.send("GET", "/page.css").body.decode()


@pytest.mark.parametrize("path", ["/nowhere", "/../pyproject.toml", "/_page.html", "/api"])
def test_there_is_nothing_elsewhere(client, path):
    assert client.send("GET", path).status == 404
    assert client.ask(path).status == 404


def test_models_are_those_of_the_library(client):
    found = client.send("GET", "/api/models").json["models"]
    assert [entry["name"] for entry in found] == ["Standard Model", *EXTENSIONS]
    assert found[1]["fields"][-1] == {
        "name": "s", "kind": "real", "representations": {}, "copies": 1,
    }  # fmt: skip


def test_the_lagrangian_is_that_of_the_library(client):
    terms = lagrangian_terms(model("two Higgs doublets", generations=3))
    found = client.ask("/api/lagrangian", fields=DOUBLETS).json
    assert from_json(found["json"]) == terms
    assert (found["text"], found["latex"]) == (to_text(terms), to_latex(terms))
    assert found["real_parameters"] == terms.real_parameters
    assert found["interactions"] == len(terms.interactions)
    assert {e["name"]: e["value"] for e in found["anomalies"]} == {
        name: str(value) for name, value in anomalies(terms.fields).items()
    }
    summands = [summand for kind in found["kinds"] for summand in kind["summands"]]
    assert sorted({s["text"] for s in summands}) == sorted(map(str, terms))
    label = next(s for s in summands if s.get("label") == "1,3")
    assert label["steps"] == [
        "H with H* makes (1, 3)", "this with h makes (1, 2)", "this with h* makes the singlet",
    ]  # fmt: skip


def test_steps_of_flavoured_contractions_name_young_diagrams(client):
    found = client.ask("/api/lagrangian", fields=["s: scalar su2=2 y=1 copies=2"], group="su2 x u1")
    last = found.json["kinds"][-1]["summands"]
    assert last[1]["steps"] == [
        "s s is brought to 1, flavours as the Young diagram [1,1]",
        "s* s* is brought to 1, flavours as the Young diagram [1,1]",
        "s s with s* s* makes the singlet",
    ]


@pytest.mark.parametrize("name", ["Standard Model", "octet doublet", "seesaw type III"])
def test_formulas_are_well_formed_mathml(client, name):
    fields = [str(field) for field in model(name, generations=2)]
    found = client.ask("/api/lagrangian", fields=fields, theta=True, kinetic_mixing=True).json
    formulas = [s["math"] for kind in found["kinds"] for s in kind["summands"]]
    for formula in formulas + found["definitions"]:
        tree = xml.fromstring(formula)
        assert tree.tag == "math"
        for node in tree.iter():
            children = {"msub": 2, "msup": 2, "mfrac": 2, "mover": 2, "msubsup": 3}.get(node.tag)
            assert children is None or len(node) == children
            assert node.tag in ("mi", "mn", "mo") or not (node.text or "").strip()


def test_names_cannot_smuggle_markup(client):
    found = client.ask("/api/lagrangian", fields=["<b>: scalar"])
    assert found.status == 400 and "<b>" in found.json["error"]  # shown as text


def test_very_many_terms_are_not_all_drawn(client):
    found = client.ask("/api/lagrangian", fields=[f"a{i}: scalar" for i in range(5)]).json
    drawn = sum(len(kind["summands"]) for kind in found["kinds"])
    assert drawn == MOST_SHOWN and found["hidden"] > 0
    assert found["text"].count("\n") + 1 == drawn + found["hidden"]


@pytest.mark.parametrize(
    "request_, place, row, words",
    [
        ({}, "fields", None, "list of lines"),
        ({"fields": "H: scalar"}, "fields", None, "list of lines"),
        ({"fields": [1]}, "fields", None, "list of lines"),
        ({"fields": ["", " # none"]}, "fields", None, "no fields yet"),
        ({"fields": [HIGGS, "Q: quark"]}, "fields", 1, "'quark' is not understood"),
        ({"fields": [HIGGS, "q: scalar su3=7"]}, "fields", 1, "no representation '7'"),
        ({"fields": [HIGGS, HIGGS]}, "fields", 1, "Two fields are called 'H'"),
        ({"fields": [HIGGS], "group": "su3 x u1"}, "fields", 0, "su2 is not in the gauge group"),
        ({"fields": [HIGGS], "group": "e8"}, "group", None, "'e8' is not a factor"),
        ({"fields": [HIGGS], "group": 3}, "group", None, "must be a text"),
        ({"fields": [HIGGS], "group": SEVEN}, "group", None, "six"),
        ({"fields": ["a: scalar su2=999999999"]}, "fields", 0, "too large"),
        ({"fields": ["a: scalar su2=1000"]}, "fields", 0, "up to 64 components"),
        ({"fields": ["a: scalar su3=8 su2=20"]}, "fields", 0, "up to 64 components"),
        ({"fields": ["a: scalar copies=10"]}, "fields", 0, "copies"),
        ({"fields": ["a: scalar " + " " * 500]}, "fields", 0, "too long"),
        ({"fields": [f"a{i}: majorana" for i in range(MOST_FIELDS + 1)]}, "fields", 16, "up to 16"),
        ({"fields": [f"a{i}: scalar" for i in range(8)]}, "fields", None, "allow 2455 terms"),
        ({"fields": [HIGGS], "theta": 1}, "", None, "true or false"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_is(client, request_, place, row, words):
    found = client.ask("/api/lagrangian", **request_)
    assert found.status == 400
    assert (found.json["place"], found.json["row"]) == (place, row)
    assert words in found.json["error"]


def test_terms_are_graded(client):
    found = client.ask("/api/grade", fields=[HIGGS], answer="H H* + (H H*)^2").json
    assert found["exact"] and found["interactions_only"] and found["total"] == 2
    found = client.ask("/api/grade", fields=[HIGGS], answer="D(H) D(H*) + H H").json
    assert not found["exact"] and not found["interactions_only"]
    assert found["right"] == ["D(H) D(H*)"] and "F(su3) F(su3)" in found["missing"]
    assert found["wrong"] == [{"text": "H H", "reason": "the charges u1 add up to 1, not 0"}]


@pytest.mark.parametrize("answer", ["H (", None, "H " * 20_000])
def test_answers_that_cannot_be_read_are_refused(client, answer):
    found = client.ask("/api/grade", fields=[HIGGS], answer=answer)
    assert found.status == 400 and found.json["place"] == "answer"


def test_without_a_model_the_page_says_so(client, monkeypatch):
    monkeypatch.setattr(_learned, "load_predictor", lambda: None)
    found = client.ask("/api/model", fields=[HIGGS]).json
    assert found["installed"] is False and "No trained model" in found["reason"]


class Says:
    """A model that says what it is told to."""

    summary = "It was made by hand."

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, terms):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_models_answer_is_graded(client, monkeypatch):
    def ask(answer):
        monkeypatch.setattr(_learned, "load_predictor", lambda: Says(answer))
        return client.ask("/api/model", fields=[HIGGS]).json

    found = ask("H H*")
    assert found["text"] == "H H*" and found["verdict"]["missing"] == ["H H H* H*"]
    assert found["summary"] == Says.summary
    found = ask("H (")
    assert "cannot be read" in found["reason"] and "verdict" not in found
    found = ask(ValueError("It knows no septets."))
    assert found["reason"] == "It knows no septets." and found["summary"] == Says.summary


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body, headers, status",
    [
        (b"{}", {"Content-Type": "text/plain"}, 415),  # what a form of another site could send
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b"[" * 60_000, JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b" " * 70_000, JSON, 413),
        (b"", {**JSON, "Content-Length": "many"}, 411),
        (b"{}", {**JSON, "Host": "example.org"}, 403),
        (b'{"fields": ["\\ud800: scalar"]}', JSON, 400),
    ],
)
def test_other_requests_are_refused(client, body, headers, status):
    found = client.send("POST", "/api/lagrangian", body, headers)
    assert found.status == status and found.json["error"]


def test_reading_takes_get_and_asking_takes_post(client):
    assert client.send("GET", "/api/lagrangian").status == 405
    assert client.send("PUT", "/", b"").status == 501
    assert client.send("GET", "/", headers={"Host": "example.org:80"}).status == 403
    assert client.send("GET", "/", headers={"Host": "localhost:1"}).status == 200


def test_a_mistake_of_ours_does_not_end_the_server(client, monkeypatch):
    def fail(request):
        raise ArithmeticError("carry lost")

    monkeypatch.setitem(_server._POSTS, "/api/lagrangian", fail)
    found = client.ask("/api/lagrangian", fields=[HIGGS])
    assert found.status == 500 and "carry lost" in found.json["error"]
    monkeypatch.undo()
    assert client.ask("/api/lagrangian", fields=[HIGGS]).status == 200


def test_many_questions_at_once_have_the_answers_of_one(client):
    names = list(EXTENSIONS)[:12]
    found = {}

    def ask(name):
        fields = [str(field) for field in model(name)]
        found[name] = client.ask("/api/lagrangian", fields=fields).json["real_parameters"]

    threads = [threading.Thread(target=ask, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {name: lagrangian_terms(model(name)).real_parameters for name in names}
