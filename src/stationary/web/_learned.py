"""What a trained model says, where there is one."""

import importlib
from collections.abc import Callable
from typing import Any

from ..fieldtheory import TermSet
from ._errors import RequestError
from ._grade import verdict
from ._request import read_terms

Predictor = Callable[[TermSet], str]
"""What the page needs of a model: the terms that it writes for some fields, as text."""


def learned_answer(request: dict[str, Any]) -> dict[str, Any]:
    """The model's terms for the fields of a request, graded; or why there are none.

    **Arguments:**

    - `request`: as for [`read_terms`].
    """
    terms = read_terms(request)
    predict = find_predictor()
    if predict is None:
        return {
            "installed": False,
            "reason": "No trained model is installed here, so there is nothing to compare with.",
        }
    try:
        text = predict(terms)
    except ValueError as error:  # fields that it has no words for
        return {"installed": True, "reason": str(error)}
    try:
        return {"installed": True, "text": text, "verdict": verdict(text, terms)}
    except RequestError as error:
        return {"installed": True, "text": text, "reason": f"It cannot be read: {error}"}


def find_predictor() -> Predictor | None:
    """The model that is installed, loaded once; `None` where there is none."""
    try:
        learning: Any = importlib.import_module("stationary.fieldtheory.learning")
    except ModuleNotFoundError:
        return None
    load = getattr(learning, "load_predictor", None)
    return None if load is None else load()
