"""Scales place what they are given inside the axis, in order, with ticks that can be read."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from stationary.plot._scales import Linear, Log, SignedLog, choose_scale, round_step
from stationary.plot._words import compact, shorten, width

NUMBERS = some.lists(some.floats(allow_nan=True, allow_infinity=True), max_size=12)


def placed_ticks(scale, most=5):
    return [(place, label) for place, label in scale.ticks(most) if 0 <= place <= 1]


@settings(max_examples=300, deadline=None)
@given(NUMBERS, some.sampled_from(["linear", "log", "auto"]))
def test_any_numbers_get_an_axis(values, kind):
    values = np.array(values, float)
    scale = choose_scale(kind, values)
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        places = scale.place(values[np.isfinite(values)])
    shown = places[np.isfinite(places)]
    assert np.all((shown >= -1e-9) & (shown <= 1 + 1e-9))
    ticks = scale.ticks(5)
    assert len(ticks) <= 14
    assert all(math.isfinite(place) for place, _ in ticks)
    labels = [label for place, label in ticks if 0 <= place <= 1]
    assert len(labels) == len(set(labels))


@settings(max_examples=200, deadline=None)
@given(
    some.lists(some.floats(-1e9, 1e9), min_size=2, max_size=12),
    some.sampled_from(["linear", "auto"]),
)
def test_larger_values_are_never_placed_lower(values, kind):
    ordered = np.sort(np.array(values))
    places = choose_scale(kind, ordered).place(ordered)
    assert np.all(np.diff(places[np.isfinite(places)]) >= -1e-12)


def test_linear_ticks_are_round():
    assert [label for _, label in placed_ticks(Linear(0.0, 10.0))] == [
        "0",
        "2",
        "4",
        "6",
        "8",
        "10",
    ]
    assert [label for _, label in placed_ticks(Linear(-0.3, 0.3))] == ["−0.2", "0.0", "0.2"]


def test_steps_are_whole():
    scale = choose_scale("auto", np.array([1.0, 2.0, 3.0]))
    assert [label for _, label in placed_ticks(scale)] == ["1", "2", "3"]


def test_nearly_equal_values_share_an_offset():
    scale = choose_scale("linear", 0.5 + 1e-8 * np.linspace(-1, 1, 9))
    assert scale.note == " − 0.5 (in 10⁻⁸)"
    assert [label for _, label in placed_ticks(scale)] == ["−1.0", "−0.5", "0.0", "0.5", "1.0"]


def test_huge_values_share_a_power():
    scale = choose_scale("linear", np.array([0.0, 3e8]))
    assert scale.note == " (in 10⁸)"
    assert [label for _, label in placed_ticks(scale)] == ["0", "1", "2", "3"]


def test_log_ticks_are_powers_of_ten():
    labels = [label for _, label in placed_ticks(choose_scale("log", np.array([1e-8, 1.0])))]
    assert labels == ["10⁻⁸", "10⁻⁶", "10⁻⁴", "0.01", "1"]


def test_log_axis_keeps_exact_zeros_in_a_strip_below():
    scale = choose_scale("log", np.array([0.0, 1e-6, 1.0]))
    assert isinstance(scale, Log) and scale.zeros
    zero, least = scale.place(np.array([0.0, 1e-6]))
    assert 0 < zero < 0.05 < 0.1 < least
    assert scale.ticks(5)[0] == (0.03, "0")
    assert np.isnan(scale.place(np.array([-1.0]))[0])


def test_log_without_positive_values_is_linear():
    assert isinstance(choose_scale("log", np.array([0.0, -2.0])), Linear)


def test_auto_tells_sizes_apart():
    assert isinstance(choose_scale("auto", np.array([1.0, 2.0, 3.0])), Linear)
    assert isinstance(choose_scale("auto", np.geomspace(1, 1e6, 9)), Log)
    values = np.array([-2.0, -1.0, 0.5, 1e6])
    scale = choose_scale("auto", values)
    assert isinstance(scale, SignedLog)
    assert "0" in [label for _, label in placed_ticks(scale)]
    assert np.all(np.diff(scale.place(values)) > 0.01)


@pytest.mark.parametrize(("step", "up"), [(1.0, 1.0), (1.1, 2.0), (3.0, 5.0), (0.07, 0.1)])
def test_round_step(step, up):
    assert round_step(step) == pytest.approx(up)


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.999999, "1"),
        (1234.5678, "1235"),
        (123456.0, "123456"),
        (1e6, "10⁶"),
        (-2.5e-9, "−2.5×10⁻⁹"),
        (9.9999e-5, "0.0001"),
        (float("nan"), "NaN"),
        (float("-inf"), "−∞"),
        (5e-324, "4.94×10⁻³²⁴"),
    ],
)
def test_compact(value, spelled):
    assert compact(value) == spelled


def test_shortened_text_fits_and_keeps_both_ends():
    cut = shorten("a long name that ends in seven 7", 100.0, 12.0)
    assert width(cut, 12.0) <= 100.0
    assert cut.startswith("a l") and cut.endswith("7") and "…" in cut
    assert shorten("short", 100.0, 12.0) == "short"
    assert shorten("wide", 1.0, 12.0) == "w…"
