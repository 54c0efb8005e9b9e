"""What a trained model says, where there is one."""

from typing import Any

from ..fieldtheory.learning import load_predictor
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
        predict = load_predictor()
        if predict is None:
            reason = "No trained model is installed here, so there is nothing to compare with."
            return {"installed": False, "reason": reason}
        found: dict[str, Any] = {"installed": True, "summary": predict.summary}
        try:
            found["text"] = predict(terms)
        except ValueError as error:  # fields that it has no words for
            return found | {"reason": str(error)}
    try:
        return found | {"verdict": verdict(found["text"], terms)}
    except RequestError as error:
        return found | {"reason": f"It cannot be read: {error}"}
