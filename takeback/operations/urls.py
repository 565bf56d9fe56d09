"""Routes of health and metrics, with and without a final slash: none of them redirects."""

from django.urls import re_path

from takeback.operations import views

urlpatterns = [
    re_path(r"^health/live/?$", views.LiveView.as_view(), name="health-live"),
    re_path(r"^health/ready/?$", views.ReadyView.as_view(), name="health-ready"),
    re_path(r"^metrics/?$", views.MetricsView.as_view(), name="metrics"),
]
