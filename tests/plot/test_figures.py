"""Pictures: what is drawn is what was given."""

import re

import numpy as np
import pytest

from stationary.plot import bars, front, line, scatter
from stationary.plot._chart import spread
from stationary.plot._draw import runs, thin
from stationary.plot._marks import prominent, series

NASTY = '<a href="x">&\'"</a> ]]> \x00 制約'
K = np.arange(1.0, 201.0)


def numbers(path: str) -> np.ndarray:
    return np.array([float(part) for part in re.findall(r"-?[\d.]+", path)]).reshape(-1, 2)


@pytest.mark.parametrize(
    "picture",
    [
        line({}, title="none"),
        line({"a": ([], [])}, title="empty"),
        line({"a": (K, np.nan * K)}, title="lost"),
        line({"a": ([1.0], [2.0])}, title="one"),
        line({"a": ([1.0, 2.0], [0.0, 0.0])}, title="zero", y_scale="log"),
        line({"a": ([1.0, 2.0, 3.0], [-1e308, 1e308, 5e-324])}, title="huge", y_scale="auto"),
        line({"a": ([1.0, 2.0, 3.0], [-1e308, 1e308, 5e-324])}, title="huge"),
        line({"a": ([np.inf, 2.0, 3.0], [1.0, 2.0, -np.inf])}, title="infinite"),
        line({NASTY: (K, K), "": (K, 2 * K)}, title=NASTY, x_label=NASTY, y_label=NASTY),
        line({"a": (K, K), "b": (K, -K)}, title="negative on log", y_scale="log"),
        line({f"c{i}": (K, K * i) for i in range(40)}, title="many"),
        line({"a": (K, K, K - 1, K + 1)}, title="band", step=True),
        scatter({"a": ([1.0], [1.0]), "b": ([1.0], [2.0], [1.5], [np.nan])}, title="dots"),
        scatter({}, title="no dots"),
        bars({}, title="no bars"),
        bars({NASTY: 1.0, "b": np.nan, "c": (1.0, 0.5, 1.5)}, title="bars", x_label="x"),
        bars({"a": 0.0}, title="zero bar"),
        bars({"a": -1.0, "b": 0.0}, title="log of nothing", x_scale="log"),
        bars({"a": 1e-9, "b": (1.0, 0.0, 3.0)}, title="log bars", x_scale="log"),
    ],
)
def test_any_picture_is_whole_and_inside_its_frame(parse, picture):
    found = parse(picture)
    assert found["title"][0].text
    assert "nan" not in picture.replace("nan:", "").lower() or ">nan" not in picture
    wide, high = map(float, found["svg"][0].get("viewBox").split()[2:])
    for element in found.get("text", []):
        x, y = float(element.get("x")), float(element.get("y"))
        assert 0 <= x <= wide and 0 <= y <= high
    for element in found.get("line", []):
        if "H" not in element.get("d") and "v" not in element.get("d"):
            points = numbers(element.get("d").replace("V", " ").replace("m-4 0h8", " "))
            assert np.all(np.isfinite(points))
            assert points.min() >= -1


def test_same_input_same_bytes():
    assert line({"a": (K, np.sin(K))}, title="t") == line({"a": (K, np.sin(K))}, title="t")


def test_line_goes_through_its_points(parse):
    picture = line({"a": ([0.0, 5.0, 10.0], [0.0, 10.0, 5.0])}, title="t")
    (path,) = parse(picture)["line"]
    (x0, y0), (x1, y1), (x2, y2) = numbers(path.get("d"))
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    # Down the page is up the axis.
    assert y0 - y1 == pytest.approx(2 * (y2 - y1), abs=0.3)


def test_gaps_are_left_open_and_lone_points_are_dots(parse):
    y = np.where(np.isin(K, (50, 52)), np.nan, K)
    found = parse(line({"a": (K, y)}, title="t"))
    assert found["line"][0].get("d").count("M") == 2
    assert len(found["dot"]) == 1


def test_steps_hold_until_the_next(parse):
    d = parse(line({"a": ([1.0, 2.0, 3.0], [3.0, 1.0, 2.0])}, title="t", step=True))["line"][0]
    assert re.fullmatch(r"M[\d. ]+(H[\d.]+V[\d.]+){2}", d.get("d"))


def test_names_are_escaped_and_told_in_full(parse):
    name = "a name & so on, much longer than there is room for in the margin"
    found = parse(line({name: (K, K), "b": (K, 2 * K)}, title="t"))
    shown = "".join("".join(e.itertext()) for e in found["text"])
    assert "…" in shown
    assert name in [e.text for e in found["title"]]


def test_rest_is_counted_and_grey(parse):
    found = parse(line({f"c{i}": (K, K * i) for i in range(40)}, title="t", most=5, rest="others"))
    assert len(found["back"]) == 35
    assert any(e.text == "35 others" for e in found["text"])
    front = [e.text for e in found["text"] if e.text and re.fullmatch(r"c\d+", e.text)]
    assert sorted(front) == ["c35", "c36", "c37", "c38", "c39"]


def test_series_differ_by_more_than_colour(parse):
    found = parse(scatter({"a": ([1.0], [1.0]), "b": ([2.0], [2.0])}, title="t"))
    assert {e.tag.rpartition("}")[2] for e in found["dot"]} == {"circle", "path"}


def test_bars_have_lengths_in_proportion(parse):
    found = parse(bars({"a": 1.0, "b": 3.0, "c": -1.0}, title="t", spell=lambda v: f"{v:g} s"))
    a, b, c = (float(e.get("width")) for e in found["bar"])
    assert b == pytest.approx(3 * a, rel=0.01) and a == pytest.approx(c, rel=0.01)
    assert {"1 s", "3 s", "-1 s"} <= {e.text for e in found["text"]}


def test_intervals_reach_from_low_to_high(parse):
    found = parse(scatter({"a": ([1.0, 2.0], [2.0, 3.0], [1.0, 2.5], [3.0, 4.0])}, title="t"))
    assert found["line"][0].get("d").count("V") == 2
    with pytest.raises(ValueError, match="series 'a' has columns of different lengths"):
        scatter({"a": ([1.0, 2.0], [2.0])}, title="t")


def test_standalone_picture_carries_its_style(parse):
    alone = line({"a": (K, K)}, title="t", standalone=True)
    assert "xmlns=" in alone and len(parse(alone)["style"]) == 1
    assert "<style" not in line({"a": (K, K)}, title="t")


def test_prominent_series_are_the_largest_at_the_end():
    named = {"small": [5.0, 0.1], "large": [0.0, -9.0], "lost": [np.nan, np.nan], "ok": [1.0, 2.0]}
    shown = [s.name for s in prominent(named, 2) if not s.background]
    assert shown == ["large", "ok"]
    kept = [s.name for s in prominent(named, 2, keep=["lost"]) if not s.background]
    assert kept == ["large", "lost"]
    assert series("a", [4.0, 5.0]).x.tolist() == [1.0, 2.0]


def test_labels_are_spread_in_order_and_moved_little():
    places = spread([50.0, 51.0, 52.0, 200.0], 15.0, 0.0, 300.0)
    assert places == [36.0, 51.0, 66.0, 200.0]
    crowded = spread([5.0] * 6, 15.0, 0.0, 60.0)
    assert min(crowded) >= 0 and max(crowded) <= 60
    assert np.all(np.diff(sorted(crowded)) >= 12.0 - 1e-9)
    assert spread([290.0, 299.0], 15.0, 0.0, 300.0) == pytest.approx([285.0, 300.0], abs=3)


def test_runs_are_the_stretches_without_gaps():
    assert runs(np.array([True, True, False, True])) == [slice(0, 2), slice(3, 4)]
    assert runs(np.zeros(3, bool)) == []


def test_thinning_keeps_extremes_and_ends():
    x = np.linspace(0, 10, 10_001)
    y = np.sin(40 * x)
    y[3456] = 7.0
    kept_x, kept_y = thin(x, y)
    assert kept_x.size <= 44
    assert kept_y.max() == 7.0 and kept_y.min() == y.min()
    assert (kept_x[0], kept_x[-1]) == (0.0, 10.0)
    assert np.all(np.diff(kept_x) > 0)


def test_a_front_stands_out_from_what_it_dominates(parse):
    values = np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 0.0], [2.0, 2.0], [np.nan, 1.0]])
    targets = [[-0.5, -0.5], [np.nan, 0.0]]
    drawn = front(values, title="front", reference_points=targets)
    found = parse(drawn)
    back = next(each for each in found["back"])
    assert len([e for e in back.iter() if e.get("class") == "dot"]) == 1
    assert len([e for e in found["circle"] if e.get("r") == "3.4"]) == 4  # three, and the legend's
    texts = [each.text for each in found["text"]]
    assert "1 dominated" in texts and "reference points" in texts
    by_name = front({"a": values[:2], "b": values[3:4]}, title="front")
    assert "dominated" not in by_name  # each set is judged alone
    with pytest.raises(ValueError, match="values of 'front' must have shape \\(points, 2\\)"):
        front(np.zeros((3, 3)), title="front")
