"""The page in a browser without a window, where there is one; and the command that serves it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from urllib.parse import quote

import pytest

from stationary.cli import main
from stationary.cli._exit import Exit

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--virtual-time-budget=5000 --dump-dom"
).split()


@pytest.fixture(scope="module")
def dom(client, tmp_path_factory):
    """A function that loads the page and returns what it has become."""
    if BROWSER is None:
        pytest.skip("there is no chromium on the PATH")

    def load(query):
        profile = tmp_path_factory.mktemp("profile")
        done = subprocess.run(
            [BROWSER, *QUIET, f"--user-data-dir={profile}", client.address + query],
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout

    return load


def test_fields_in_the_address_are_typeset(dom):
    found = dom("?fields=" + quote("H: scalar su2=2 y=1/2; h: scalar su2=2 y=1/2"))
    terms = re.findall(r'<button type="button" class="term".*?</button>', found, re.DOTALL)
    assert len(terms) == 3 + 2 + 3 + 7  # field strengths, kinetic, masses; quartics in all ways
    plain = [re.sub(r"<[^>]*>", "", term) for term in terms]
    assert "−m12H†H" in plain and "−(m22Hh†+h.c.)" in plain and "−λ5[HH†hh†]1,3" in plain
    assert "<b>9</b> interactions with <b>14</b> real parameters" in found
    assert found.count('class="row"') == 2 and 'aria-label="Remove h"' in found
    assert "No trained model is installed" in found or "said" in found


def test_a_wrong_field_is_named_and_nothing_is_typeset(dom):
    found = dom("?fields=" + quote("H: scalar su2=2 y=1/2; Q: quark"))
    assert "Line 2: Q: 'quark' is not understood" in found
    assert 'class="term"' not in found


# A shell that starts tests in the background has them ignore Ctrl-C.
PROGRAM = [
    sys.executable,
    "-c",
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from stationary.cli import main; sys.exit(main())",
]


def test_the_command_prints_its_address_and_ends_at_ctrl_c():
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", "--no-open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        line = process.stdout.readline()
        assert re.match(r"Lagrangians at http://127\.0\.0\.1:\d+/  \(Ctrl-C ends it\)", line)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == Exit.OK and out == "\nstopped\n" and not err


def test_ports_that_are_taken_or_none_are_refused(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code = main(["serve", "--no-open", "--port", str(taken.getsockname()[1])])
    assert code == Exit.BAD_INPUT and "choose another with --port" in capsys.readouterr().err
    assert main(["serve", "--no-open", "--port", "99999"]) == Exit.BAD_INPUT
