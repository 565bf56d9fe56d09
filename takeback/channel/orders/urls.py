"""Routes of orders and their lines; those without a channel act in all channels of the key."""

from takeback.channel.orders import cancel_views, item_views, listing_views, views
from takeback.channel.routes import PK, everywhere, of_a_channel

urlpatterns = [
    *of_a_channel("create_orders", views.CreateOrders, "channel_create_orders"),
    *of_a_channel("orders", listing_views.Orders, "channel_orders"),
    *of_a_channel("orders/updates", listing_views.ChangedOrders, "channel_orders_updates"),
    *of_a_channel(f"orders/{PK}", listing_views.OrderView, "channel_order"),
    *of_a_channel(f"orders/{PK}/cancel", cancel_views.CancelOrder, "channel_order_cancel"),
    *of_a_channel("order_items", item_views.Items, "channel_order_items"),
    *of_a_channel(
        "order_items/bulk_status_update", item_views.ManyItems, "channel_order_items_many"
    ),
    *of_a_channel(f"order_items/{PK}", item_views.ItemView, "channel_order_item"),
    *everywhere("orders", listing_views.AllOrders, "any_channel_orders"),
    *everywhere(f"orders/{PK}", listing_views.AnyOrder, "any_channel_order"),
    *everywhere(f"orders/{PK}/cancel", cancel_views.CancelAnyOrder, "any_channel_order_cancel"),
    *everywhere(
        "order_items/bulk_status_update",
        item_views.ManyItemsAnywhere,
        "any_channel_order_items_many",
    ),
    *everywhere(f"order_items/{PK}", item_views.AnyItem, "any_channel_order_item"),
]
