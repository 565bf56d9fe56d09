"""The channel's routes, as the table of each of its rooms lists them."""

from django.urls import URLPattern

from takeback.channel.cases import urls as cases
from takeback.channel.orders import urls as orders
from takeback.channel.people import urls as people

urlpatterns: list[URLPattern] = [
    *cases.urlpatterns,
    *orders.urlpatterns,
    *people.urlpatterns,
]
