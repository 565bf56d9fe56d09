"""The root of the routes; those of this module have an optional final slash."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from takeback.home import discovery_views as discovery
from takeback.home import views as home
from takeback.operations import views as operations

urlpatterns: list[URLPattern | URLResolver] = [
    # First, because most requests match it, and Django tries routes in order.
    path("", include("takeback.storefront.urls")),
    re_path(r"^health/live/?$", operations.LiveView.as_view(), name="health-live"),
    re_path(r"^health/ready/?$", operations.ReadyView.as_view(), name="health-ready"),
    re_path(r"^metrics/?$", operations.MetricsView.as_view(), name="metrics"),
    path("", home.HomeView.as_view(), name="home"),
    re_path(r"^api/schema/?$", home.SchemaView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", home.ApiDocsView.as_view(), name="api-docs"),
    re_path(r"^api(?:/[vi]1)?/?$", discovery.ApiIndexView.as_view(), name="api-index"),
    path("robots.txt", discovery.RobotsView.as_view(), name="robots"),
    path("favicon.ico", discovery.IconView.as_view(), name="icon"),
    path("", include("takeback.desk.urls")),
    path("", include("takeback.channel.urls")),
]

handler400 = "takeback.api.errors.handler400"
handler403 = "takeback.api.errors.handler403"
handler404 = "takeback.api.errors.handler404"
handler500 = "takeback.api.errors.handler500"
