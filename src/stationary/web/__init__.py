"""A local page that writes Lagrangians: `stationary serve`."""

from ._server import make_server as make_server
from ._server import serve as serve
