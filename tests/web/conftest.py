"""The server of the page, in this process, on a free port."""

import http.client
import json
import threading
from typing import Any, NamedTuple

import pytest

from stationary.web import make_server


class Answer(NamedTuple):
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client(NamedTuple):
    """Asks the server that listens on a port."""

    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def send(self, method, path, body=None, headers=()) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def ask(self, path, **request) -> Answer:
        return self.send(
            "POST", path, json.dumps(request).encode(), {"Content-Type": "application/json"}
        )


@pytest.fixture(scope="session")
def client():
    with make_server(0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield Client(server.server_address[1])
        server.shutdown()
        thread.join()
