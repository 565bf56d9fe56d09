"""The root of the routes."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    # First, because most requests match it, and Django tries routes in order.
    path("", include("takeback.storefront.urls")),
    path("", include("takeback.operations.urls")),
    path("", include("takeback.home.urls")),
    path("", include("takeback.desk.urls")),
    path("", include("takeback.channel.urls")),
]

handler400 = "takeback.api.errors.handler400"
handler403 = "takeback.api.errors.handler403"
handler404 = "takeback.api.errors.handler404"
handler500 = "takeback.api.errors.handler500"
