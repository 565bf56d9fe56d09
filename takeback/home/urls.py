"""Routes of the first page and the API documentation, with and without a final slash."""

from django.urls import path, re_path

from takeback.home import views

urlpatterns = [
    path("", views.HomeView.as_view(), name="home"),
    re_path(r"^api/schema/?$", views.SchemaView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", views.ApiDocsView.as_view(), name="api-docs"),
]
