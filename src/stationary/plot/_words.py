"""Numbers as people read them, and text as wide as it will be drawn."""

import math
import unicodedata
from typing import SupportsFloat

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NARROW = frozenset("iljtfrI|!.,:;'()[] ")
_WIDE = frozenset("mwMW@%&—")


def power_of_ten(exponent: int) -> str:
    """`"10⁻³"` for -3."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def compact(value: SupportsFloat, digits: int = 3) -> str:
    """A number with few digits: `"0.0213"`, `"−4.1×10⁻⁷"`, `"∞"`, `"NaN"`.

    **Arguments:**

    - `value`: any real number.
    - `digits`: significant digits.

    !!! example
        >>> compact(0.021349), compact(-4.1e-7), compact(12000.0), compact(float("inf"))
        ('0.0213', '−4.1×10⁻⁷', '12000', '∞')
    """
    number = float(value)
    if math.isnan(number):
        return "NaN"
    sign = "−" if number < 0 else ""
    if math.isinf(number):
        return f"{sign}∞"
    if number == 0:
        return "0"
    mantissa, exponent = f"{abs(number):.{digits - 1}e}".split("e")
    power = int(exponent)
    if -4 <= power < 6:
        decimals = max(0, digits - 1 - power)
        plain = f"{abs(number):.{decimals}f}"
        return sign + (plain.rstrip("0").rstrip(".") if "." in plain else plain)
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    times = "" if mantissa == "1" else f"{mantissa}×"
    return f"{sign}{times}{power_of_ten(power)}"


def width(text: str, size: float | int) -> float:
    """How wide `text` is in a sans-serif face of `size` pixels, judged by a wide such face."""
    total = 0.0
    for character in text:
        if unicodedata.combining(character):
            continue
        if unicodedata.east_asian_width(character) in "WF":
            total += 1.0
        elif character in _NARROW:
            total += 0.38
        elif character in _WIDE:
            total += 0.98
        else:
            total += 0.7 if character.isupper() else 0.62
    return total * size


def shorten(text: str, room: float | int, size: float | int) -> str:
    """`text`, cut in the middle with an ellipsis when it is wider than `room` pixels."""
    if width(text, size) <= room:
        return text
    for keep in range(len(text) - 1, 1, -1):
        head, tail = (keep + 1) // 2, keep // 2
        cut = text[:head].rstrip() + "…" + text[len(text) - tail :].lstrip()
        if width(cut, size) <= room:
            return cut
    return text[:1] + "…"
