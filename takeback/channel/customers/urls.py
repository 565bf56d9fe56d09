"""Routes of people and places."""

from takeback.channel.customers import place_views, views
from takeback.channel.routes import PK, of_a_channel

urlpatterns = [
    *of_a_channel("customers", views.Customers, "channel_customers"),
    *of_a_channel(f"customers/{PK}", views.CustomerView, "channel_customer"),
    *of_a_channel("addresses", views.Addresses, "channel_addresses"),
    *of_a_channel(f"addresses/{PK}", views.AddressView, "channel_address"),
    *of_a_channel("countries", place_views.Countries, "channel_countries"),
    *of_a_channel("cities", place_views.Cities, "channel_cities"),
    *of_a_channel("townships", place_views.Townships, "channel_townships"),
    *of_a_channel("districts", place_views.Districts, "channel_districts"),
]
