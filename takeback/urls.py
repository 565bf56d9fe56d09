"""The whole route table on one page."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("takeback.operations.urls")),
    path("", include("takeback.portal.urls")),
    path("", include("takeback.desk.urls")),
    path("", include("takeback.storefront.urls")),
    path("", include("takeback.channel.urls")),
]

handler400 = "takeback.core.http.bad_request"
handler403 = "takeback.core.http.forbidden"
handler404 = "takeback.core.http.not_found"
handler500 = "takeback.core.http.server_error"
