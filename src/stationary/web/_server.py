"""The local server of the page: a few routes, nothing else, on this machine only."""

import json
import threading
import webbrowser
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any

from ..fieldtheory import EXTENSIONS, model
from ._errors import RequestError
from ._grade import grade_answer
from ._lagrangian import describe, row
from ._learned import learned_answer
from ._request import TABLES, read_terms
from ._vacuum import bounded_answer, vacuum_answer

MOST_BYTES = 64 * 1024  # of a request
_HOST = "127.0.0.1"
_FILES = {
    "/": ("_page.html", "text/html; charset=utf-8"),
    "/page.css": ("_page.css", "text/css; charset=utf-8"),
    "/page.js": ("_page.js", "text/javascript; charset=utf-8"),
    "/ask.js": ("_ask.js", "text/javascript; charset=utf-8"),
    "/form.js": ("_form.js", "text/javascript; charset=utf-8"),
    "/vacuum.js": ("_vacuum.js", "text/javascript; charset=utf-8"),
    "/result.js": ("_result.js", "text/javascript; charset=utf-8"),
}
# The page may load nothing but its own files, and no other page may frame it.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def serve(port: int = 8000, *, browser: bool = True) -> None:
    """Serve the page until it is interrupted.

    **Arguments:**

    - `port`: of this machine's own address, 127.0.0.1; 0 for any that is free.
    - `browser`: whether to open the page in a browser.

    **Raises:** `OSError` when the port is taken.
    """
    with make_server(port) as server:
        address = f"http://{_HOST}:{server.server_address[1]}/"
        try:
            print(f"Lagrangians at {address}  (Ctrl-C ends it)", flush=True)
            if browser:
                # Some browsers hold the caller until they are closed.
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            server.serve_forever()
        except KeyboardInterrupt:
            print("\nstopped")


def make_server(port: int = 0) -> ThreadingHTTPServer:
    """The server, listening but not yet answering: call its `serve_forever`.

    **Arguments:**

    - `port`: of 127.0.0.1; 0 for any that is free.

    **Raises:** `OSError` when the port is taken.
    """
    return _Server((_HOST, port), _Handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server_version = "stationary"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds that a silent connection is kept

    def do_GET(self) -> None:
        """Send a file of the page, or the models."""
        if not self._own_address():
            return
        path = self.path.partition("?")[0]
        if path in _FILES:
            name, kind = _FILES[path]
            self._send(HTTPStatus.OK, _file(name), kind)
        elif path == "/api/models":
            self._json(HTTPStatus.OK, _models())
        elif path in _POSTS:
            self._json(HTTPStatus.METHOD_NOT_ALLOWED, {"error": f"{path} takes POST."})
        else:
            self._json(HTTPStatus.NOT_FOUND, {"error": f"There is nothing at {path!r}."})

    def do_POST(self) -> None:
        """Answer a question about fields."""
        if not self._own_address():
            return
        path = self.path.partition("?")[0]
        if path not in _POSTS:
            self.close_connection = True  # its body is not read
            self._json(HTTPStatus.NOT_FOUND, {"error": f"There is nothing at {path!r}."})
            return
        request = self._body()
        if request is None:
            return
        try:
            answer = _POSTS[path](request)
        except RequestError as error:
            found = {"error": str(error), "place": error.place, "row": error.row}
            self._json(HTTPStatus.BAD_REQUEST, found)
        except Exception as error:  # a mistake of ours must not end the server
            found = {"error": f"{type(error).__name__}: {error}", "place": "", "row": None}
            self._json(HTTPStatus.INTERNAL_SERVER_ERROR, found)
        else:
            self._json(HTTPStatus.OK, answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the terminal is for the address."""

    def _own_address(self) -> bool:
        # Another site's name may be made to point here; only our own is answered.
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host in (_HOST, "localhost"):
            return True
        self.close_connection = True
        self._json(HTTPStatus.FORBIDDEN, {"error": f"Ask for {_HOST}, not for {host!r}."})
        return False

    def _body(self) -> dict[str, Any] | None:
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip()
        length = self.headers.get("Content-Length", "")
        status, words = HTTPStatus.BAD_REQUEST, ""
        if kind != "application/json":  # which no form of another site can send
            status, words = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json."
        elif not length.isdigit():
            status, words = HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length."
        elif int(length) > MOST_BYTES:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            words = f"The request is larger than {MOST_BYTES} bytes."
        if words:
            self.close_connection = True  # its body is not read
            self._json(status, {"error": words})
            return None
        try:
            found = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self._json(HTTPStatus.BAD_REQUEST, {"error": "The request is no JSON object."})
            return None
        return found

    def _json(self, status: HTTPStatus, found: Any) -> None:
        text = json.dumps(found, ensure_ascii=False)
        # A lone surrogate in a request would otherwise have no encoding on the way back.
        body = text.encode("utf-8", "replace")
        self._send(status, body, "application/json; charset=utf-8")

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _lagrangian(request: dict[str, Any]) -> dict[str, Any]:
    with TABLES:
        return describe(read_terms(request))


_POSTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "/api/lagrangian": _lagrangian,
    "/api/grade": grade_answer,
    "/api/model": learned_answer,
    "/api/vacuum": vacuum_answer,
    "/api/bounded": bounded_answer,
}


@cache
def _file(name: str) -> bytes:
    return resources.files("stationary.web").joinpath(name).read_bytes()


@cache
def _models() -> dict[str, Any]:
    names = ("Standard Model", *EXTENSIONS)
    rows = {name: [row(field) for field in model(name)] for name in names}
    standard = len(rows["Standard Model"])  # of the others the first fields, with generations
    found = [{"name": name, "fields": rows[name], "standard": standard} for name in names]
    return {"models": found}
