"""Routes for load balancers and monitoring; with and without a slash, nobody is redirected."""

from django.urls import re_path

from takeback.operations import views

urlpatterns = [
    re_path(r"^health/live/?$", views.live, name="health-live"),
    re_path(r"^health/ready/?$", views.ready, name="health-ready"),
    re_path(r"^metrics/?$", views.figures, name="metrics"),
]
