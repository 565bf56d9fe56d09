"""The application that the server runs."""

import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from django.core.handlers.wsgi import WSGIHandler


def _leave_when_told() -> None:
    """A worker of granian inherits its parent's handlers, which swallow the signal to leave.

    Its own come only after everything is loaded; until then it should just go.
    """
    for ending in (signal.SIGTERM, signal.SIGINT):
        if getattr(signal.getsignal(ending), "__module__", "").startswith("granian."):
            signal.signal(ending, signal.SIG_DFL)


def _loaded() -> "WSGIHandler":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "takeback.settings")
    # The logger takes it along for terminals, if it is there: three megabytes in each worker.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # documented: not to be found
    from django.core.wsgi import get_wsgi_application

    loaded = get_wsgi_application()
    # So that a worker's first caller does not wait for it.
    import_module("takeback.urls")
    return loaded


def _take_chunks(environ: dict[str, Any]) -> None:
    """Let Django read a body that comes in chunks: it reads as many bytes as it is told of.

    Parsers stop at their own limits (`api.json_parser.read_body`); a form may be read before them.
    """
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        is_form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
        most = settings.MAX_BODY_BYTES if is_form else settings.MAX_PICTURE_BODY_BYTES
        environ["CONTENT_LENGTH"] = str(most + 1)


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """What the server calls for each request."""
    _take_chunks(environ)
    return _django(environ, start_response)


_leave_when_told()
_django = _loaded()
