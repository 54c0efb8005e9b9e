"""Grading what somebody, or a model, has written."""

import re
from typing import Any

from ..fieldtheory import Grade, TermSet, grade
from ._errors import RequestError
from ._request import TABLES, read_terms

MOST_CHARACTERS = 20_000


def grade_answer(request: dict[str, Any]) -> dict[str, Any]:
    """What is right and wrong about the terms that a request brings.

    **Arguments:**

    - `request`: as for [`read_terms`], and `answer`, the terms as text.
    """
    terms = read_terms(request)
    answer = request.get("answer")
    if not isinstance(answer, str) or len(answer) > MOST_CHARACTERS:
        raise RequestError(
            f"answer must be a text of at most {MOST_CHARACTERS} characters.", "answer"
        )
    return verdict(answer, terms)


def verdict(answer: str, terms: TermSet) -> dict[str, Any]:
    """A grade as the page shows it; without derivatives in it, of the interactions only.

    **Arguments:**

    - `answer`: terms as text.
    - `terms`: the exact Lagrangian.
    """
    only = not re.search(r"[DF]~?\(", answer)
    try:
        with TABLES:
            found = grade(answer, terms, interactions_only=only)
    except ValueError as error:
        raise RequestError(str(error), "answer") from None
    return {**as_data(found), "interactions_only": only}


def as_data(found: Grade) -> dict[str, Any]:
    """A grade as JSON-safe data."""
    return {
        "exact": found.exact,
        "right": list(found.right),
        "missing": list(found.missing),
        "wrong": [{"text": remark.text, "reason": remark.reason} for remark in found.wrong],
        "total": found.total,
        "f1": found.f1,
    }
