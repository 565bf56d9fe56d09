"""The channel's routes, as the table of each of its rooms lists them."""

from django.urls import URLPattern

from takeback.channel.exchange import urls as exchange
from takeback.channel.login import urls as login
from takeback.channel.orders import urls as orders

urlpatterns: list[URLPattern] = [
    *login.urlpatterns,
    *exchange.urlpatterns,
    *orders.urlpatterns,
]
