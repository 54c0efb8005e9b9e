"""What a trained model says, where there is one."""

from collections.abc import Callable
from typing import Any

from ..fieldtheory import TermSet, learning
from ._errors import RequestError
from ._grade import verdict
from ._request import read_terms
from ._turns import Turns

_TURNS = Turns()


def learned_answer(request: dict[str, Any]) -> dict[str, Any]:
    """The model's terms for the fields of a request, graded; or why there are none.

    **Arguments:**

    - `request`: as for `read_terms`.
    """
    terms = read_terms(request)
    with _TURNS.turn() as wanted:
        if not wanted:
            return {"superseded": True}
        predict = find_predictor()
        if predict is None:
            reason = "No trained model is installed here, so there is nothing to compare with."
            return {"installed": False, "reason": reason}
        try:
            text = predict(terms)
        except ValueError as error:  # fields that it has no words for
            return {"installed": True, "reason": str(error)}
    try:
        return {"installed": True, "text": text, "verdict": verdict(text, terms)}
    except RequestError as error:
        return {"installed": True, "text": text, "reason": f"It cannot be read: {error}"}


def find_predictor() -> Callable[[TermSet], str] | None:
    """The model that comes with the package, loaded once; `None` where there is none."""
    return learning.load_predictor()
