"""The channel's routes, as the table of each of its rooms lists them."""

from django.urls import URLPattern

from takeback.channel.cases import urls as cases
from takeback.channel.customers import urls as people
from takeback.channel.images import urls as images
from takeback.channel.login import urls as login
from takeback.channel.orders import urls as orders
from takeback.channel.plans import urls as plans
from takeback.channel.reasons import urls as reasons
from takeback.channel.sync import urls as exchange

urlpatterns: list[URLPattern] = [
    *login.urlpatterns,
    *exchange.urlpatterns,
    *cases.urlpatterns,
    *images.urlpatterns,
    *orders.urlpatterns,
    *people.urlpatterns,
    *plans.urlpatterns,
    *reasons.urlpatterns,
]
