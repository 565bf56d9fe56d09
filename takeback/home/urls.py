"""Routes of the pages."""

from django.urls import path, re_path

from takeback.home import views

urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    re_path(r"^api/schema/?$", views.schema, name="schema"),
    re_path(r"^api/docs/?$", views.ApiPage.as_view(), name="api-docs"),
]
