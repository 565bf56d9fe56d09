"""The whole route table on one page."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    # First, because most calls are its: every route before the right one is tried in vain.
    path("", include("takeback.storefront.urls")),
    path("", include("takeback.operations.urls")),
    path("", include("takeback.portal.urls")),
    path("", include("takeback.desk.urls")),
    path("", include("takeback.channel.urls")),
]

handler400 = "takeback.core.http.bad_request"
handler403 = "takeback.core.http.forbidden"
handler404 = "takeback.core.http.not_found"
handler500 = "takeback.core.http.server_error"
