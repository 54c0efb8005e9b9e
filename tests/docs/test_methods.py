"""The table of methods in the documentation says what the code says."""

from pathlib import Path

from stationary._method import Oracle
from stationary.cli._method import public_methods
from stationary.cli._methods import describe_methods

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "choose-a-method.md"
OBJECTIVE = {Oracle.VALUE.value: "value", Oracle.GRAD.value: "gradients", Oracle.HVP.value: "HVP"}
SET = {
    Oracle.PROJECT.value: "projection",
    Oracle.RETRACT.value: "retraction",
    Oracle.LMO.value: "linear minimisation",
}


def table() -> list[str]:
    """The table as it should read."""
    rows = []
    for method in describe_methods():
        needs = method["needs"]
        cells = (
            f"`{method['name']}`",
            "yes" if method["constraints"] else "no",
            "no" if Oracle.FULL.value in needs else "yes",
            ", ".join(word for need, word in OBJECTIVE.items() if need in needs),
            ", ".join(word for need, word in SET.items() if need in needs),
        )
        rows.append(" | ".join(("", *cells, "")).strip().replace("  ", " "))
    return rows


def test_the_table_of_methods_is_that_of_the_code():
    text = PAGE.read_text(encoding="utf-8")
    _, _, after = text.partition("<!-- methods:")
    shown = [line for line in after.partition("<!-- end -->")[0].splitlines() if "`" in line]
    assert shown == table()


def test_every_method_is_there_by_name():
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in public_methods() if f"`{name}`" not in text] == []
