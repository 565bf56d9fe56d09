"""The WSGI application that the server runs."""

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from django.core.handlers.wsgi import WSGIHandler


def _load() -> "WSGIHandler":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "takeback.settings")
    # structlog imports rich for terminals if it can: three megabytes in each worker.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # documented: blocks the import
    from django.core.wsgi import get_wsgi_application

    handler = get_wsgi_application()
    # Otherwise the first request of a worker would load the routes.
    import_module("takeback.urls")
    return handler


def _allow_chunked_body(environ: dict[str, Any]) -> None:
    """Give a chunked body a length, because Django reads no further than CONTENT_LENGTH.

    Parsers stop at their own limits (`api.json_parser.read_body`); a form may be read before them.
    """
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        is_form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
        limit = settings.MAX_BODY_BYTES if is_form else settings.MAX_PICTURE_BODY_BYTES
        environ["CONTENT_LENGTH"] = str(limit + 1)


def application(environ: dict[str, Any], start_response: Any) -> Any:
    _allow_chunked_body(environ)
    return _django(environ, start_response)


_django = _load()
