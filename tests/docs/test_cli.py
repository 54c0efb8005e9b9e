"""The table of exit codes in the documentation is that of the code."""

from pathlib import Path

from stationary.cli._exit import Exit

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "files-and-cli.md"


def test_exit_codes_are_those_of_the_code():
    _, _, after = PAGE.read_text(encoding="utf-8").partition("<!-- exit codes:")
    rows = after.partition("<!-- end -->")[0].splitlines()[3:]
    assert rows == [f"| {code.value} | {code.meaning} |" for code in Exit]
