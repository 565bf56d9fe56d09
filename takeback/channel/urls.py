"""The channel's routes: three prefixes, with and without the last slash, never by redirect."""

from typing import Any

from django.urls import URLPattern, re_path

from takeback.channel import views

DOCUMENTED, *ALIASES = "api/v1", "api", "api/i1"
CHANNEL = r"channel/(?P<channel_id>[^/]+)"


def _routes(path: str, view: Any, name: str) -> list[URLPattern]:
    """One route per prefix; the API page shows the first."""
    shown = re_path(rf"^{DOCUMENTED}/{CHANNEL}/{path}/?\Z", view.as_view(), name=name)
    return [
        shown,
        *(
            re_path(rf"^{prefix}/{CHANNEL}/{path}/?\Z", view.as_view(schema=None))
            for prefix in ALIASES
        ),
    ]


urlpatterns = [
    *_routes("create_orders", views.CreateOrders, "channel_create_orders"),
    *_routes("orders", views.Orders, "channel_orders"),
]
