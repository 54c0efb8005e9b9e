"""Colours can be told from their backgrounds, in light, in dark and in print."""

import re

import pytest

from stationary.plot import stylesheet
from stationary.report._page import page

CSS = page("", "")


def schemes(css: str, selector: str) -> list[dict[str, str]]:
    """The colours that each scheme sets for a selector: light, dark, print."""
    found = re.findall(re.escape(selector) + r" \{(.*?)\}", css, re.DOTALL)
    colours = [dict(re.findall(r"(--[\w-]+|color): (#[0-9a-f]{3,6});", block)) for block in found]
    return [{**colours[0], **c} for c in colours if c]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    linear = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in linear)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_defined():
    assert contrast("#000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [0, 1, 2])
@pytest.mark.parametrize(
    ("text", "paper"),
    [
        ("--ink", "--paper"),
        ("--quiet", "--paper"),
        ("--quiet", "--card"),
        ("--accent", "--paper"),
        ("--good", "--good-paper"),
        ("--bad", "--bad-paper"),
        ("--unsure", "--unsure-paper"),
        ("--good", "--paper"),
        ("--bad", "--paper"),
    ],
)
def test_text_can_be_read(scheme, text, paper):
    colours = schemes(CSS, ":root")[scheme]
    assert contrast(colours[text], colours[paper]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1, 2])
def test_lines_stand_out_from_their_card(scheme):
    card = schemes(CSS, ":root")[scheme]["--card"]
    lines = schemes(stylesheet(), ".chart")[scheme]
    assert len([name for name in lines if re.fullmatch(r"--c\d", name)]) == 6
    assert all(contrast(colour, card) >= 3 for colour in lines.values())


def test_every_class_in_use_has_a_style(make_solution, read):
    from stationary.report._report import as_page

    names = tuple(f"c{i}" for i in range(40))
    reader = read(as_page(make_solution(names)))
    used = {name for _, a in reader.elements for name in (a.get("class") or "").split()}
    styled = set(re.findall(r"\.([a-z][\w-]*)", CSS))
    assert used <= styled | {"pass"}
