"""The application that the server runs."""

import os
import signal
from importlib import import_module
from typing import TYPE_CHECKING

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
    from django.core.wsgi import get_wsgi_application

    loaded = get_wsgi_application()
    # So that a worker's first caller does not wait for it.
    import_module("takeback.urls")
    return loaded


_leave_when_told()
application = _loaded()
