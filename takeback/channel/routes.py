"""How a channel's routes are served: three prefixes, both slashes, never by redirect."""

from typing import Any

from django.urls import URLPattern, re_path

DOCUMENTED, *ALIASES = "api/v1", "api", "api/i1"
CHANNEL = r"channel/(?P<channel_id>[^/]+)/"
PK = r"(?P<pk>[^/]+)"


def of_a_channel(path: str, view: Any, name: str, **options: Any) -> list[URLPattern]:
    """Routes below a channel's number."""
    return everywhere(CHANNEL + path, view, name, **options)


def everywhere(path: str, view: Any, name: str, **options: Any) -> list[URLPattern]:
    """One route per prefix; the API page shows the first."""
    shown = re_path(rf"^{DOCUMENTED}/{path}/?\Z", view.as_view(**options), name=name)
    return [
        shown,
        *(
            re_path(rf"^{prefix}/{path}/?\Z", view.as_view(schema=None, **options))
            for prefix in ALIASES
        ),
    ]
