"""Routes of orders."""

from takeback.channel.orders import views
from takeback.channel.routes import of_a_channel

urlpatterns = [
    *of_a_channel("create_orders", views.CreateOrders, "channel_create_orders"),
    *of_a_channel("orders", views.Orders, "channel_orders"),
]
