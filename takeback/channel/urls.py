"""All routes of the channel API, with and without a last slash: path, view, name.

A path with fixed words stands before the path that would read them as an id.
"""

from typing import Any

from django.urls import URLPattern, re_path

from takeback.channel import carriers, images, login, reasons, staff
from takeback.channel.cases import views as cases
from takeback.channel.customers import views as customers
from takeback.channel.items import views as items
from takeback.channel.loyalty import views as loyalty
from takeback.channel.orders import refund_preview
from takeback.channel.orders import views as orders
from takeback.channel.plans import views as plans
from takeback.channel.sync import views as sync

PREFIXES = ("api/v1", "api", "api/i1")
"""The API page shows the routes below the first. Redirects would lose the body of a POST."""
CHANNEL = r"channel/(?P<channel_id>[^/]+)/"
REMOTE = r"remote/(?P<channel_id>[^/]+)/"
PK = r"(?P<pk>[^/]+)"

Route = tuple[str, Any, str]

KEY_ROUTES: list[Route] = [
    ("auth/login", login.Login, "channel_login"),
    ("active_user", login.ActiveUserView, "channel_active_user"),
    ("channels", sync.ChannelList, "channels"),
    (f"channels/{PK}", sync.ChannelDetailView, "channel"),
    ("content_types", sync.ContentTypeList, "content_types"),
    ("loyalty_transactions", loyalty.TransactionList, "loyalty_transactions"),
    (f"loyalty_transactions/{PK}", loyalty.TransactionView, "loyalty_transaction"),
]
"""Routes that belong to no channel."""

CHANNEL_ROUTES: list[Route] = [
    ("batch_requests", sync.BatchList, "channel_batch_requests"),
    (f"batch_requests/{PK}", sync.BatchView, "channel_batch_request"),
    ("integration_actions", sync.ActionList, "channel_integration_actions"),
    ("error_reports", sync.ReportList, "channel_error_reports"),
    ("cancellation_requests", cases.CaseList, "channel_cases"),
    ("cancellation_requests/detailed", cases.DetailedCaseList, "channel_detailed_cases"),
    ("cancellation_requests/updates", cases.CaseUpdates, "channel_case_updates"),
    (f"cancellation_requests/{PK}", cases.CaseView, "channel_case"),
    (f"cancellation_requests/{PK}/detailed", cases.DetailedCaseView, "channel_detailed_case"),
    (f"cancellation_requests/{PK}/reject", cases.RejectCase, "channel_reject_case"),
    (f"cancellation_requests/{PK}/confirm", cases.ConfirmCase, "channel_confirm_case"),
    (f"cancellation_requests/{PK}/approve", cases.ApproveCase, "channel_approve_case"),
    (
        f"cancellation_requests/{PK}/turn_into_return",
        cases.TurnIntoReturn,
        "channel_turn_case_into_return",
    ),
    ("cancellation_request_images", images.ImageList, "channel_images"),
    ("cancellation_request_images/updates", images.ImageUpdates, "channel_image_updates"),
    (f"cancellation_request_images/{PK}", images.ImageView, "channel_image"),
    (f"cancellation_request_images/{PK}/file", images.ImageFileView, "channel_image_file"),
    ("create_orders", orders.CreateOrders, "channel_create_orders"),
    ("orders", orders.OrderList, "channel_orders"),
    ("orders/updates", orders.OrderUpdates, "channel_orders_updates"),
    (f"orders/{PK}", orders.OrderView, "channel_order"),
    (f"orders/{PK}/cancel", orders.CancelOrder, "channel_order_cancel"),
    (
        f"orders/{PK}/refund_preview",
        refund_preview.OrderRefundPreviewView,
        "channel_order_refund_preview",
    ),
    ("order_items", items.ItemList, "channel_order_items"),
    ("order_items/bulk_status_update", items.BulkItemView, "channel_order_items_many"),
    (f"order_items/{PK}", items.ItemView, "channel_order_item"),
    ("customers", customers.CustomerList, "channel_customers"),
    (f"customers/{PK}", customers.CustomerView, "channel_customer"),
    (
        f"customers/{PK}/sign_in_tokens",
        customers.SignInTokens,
        "channel_customer_sign_in_tokens",
    ),
    ("addresses", customers.AddressList, "channel_addresses"),
    (f"addresses/{PK}", customers.AddressView, "channel_address"),
    ("countries", customers.CountryList, "channel_countries"),
    ("cities", customers.CityList, "channel_cities"),
    ("townships", customers.TownshipList, "channel_townships"),
    ("districts", customers.DistrictList, "channel_districts"),
    ("cancellation_plans", plans.PlanList, "channel_plans"),
    ("cancellation_plans/updates", plans.PlanUpdates, "channel_plan_updates"),
    ("cancellation_plans/statuses", plans.PlanStatuses, "channel_plan_statuses"),
    (f"cancellation_plans/{PK}", plans.PlanView, "channel_plan"),
    (
        f"cancellation_plans/{PK}/create_payment_plan",
        plans.CreatePaymentPlan,
        "channel_payment_plan",
    ),
    ("cancellation_reasons", reasons.ReasonList, "channel_reasons"),
    (f"cancellation_reasons/{PK}", reasons.ReasonView, "channel_reason"),
    ("easy_return_shipping_companies", carriers.CarrierList, "channel_carriers"),
    (f"easy_return_shipping_companies/{PK}", carriers.CarrierView, "channel_carrier"),
    ("staff", staff.StaffList, "channel_staff"),
    (f"staff/{PK}", staff.StaffView, "channel_staff_member"),
]
"""Routes below `channel/<channel_id>/`."""

REMOTE_ROUTES: list[Route] = [
    ("loyalty_account", loyalty.AccountList, "loyalty_accounts"),
    (f"loyalty_account/{PK}", loyalty.AccountView, "loyalty_account"),
]
"""Routes below `remote/<channel_id>/`."""

ALIAS_ROUTES: list[Route] = [
    ("cancellation_plans/inserts_or_updates", plans.PlanUpdates, "channel_plan_inserts"),
    (
        "cancellation_request_images/inserts_or_updates",
        images.ImageUpdates,
        "channel_image_inserts",
    ),
]
"""Aliases of routes in `CHANNEL_ROUTES`, also below `channel/<channel_id>/`."""

ANY_CHANNEL_ROUTES: list[Route] = [
    ("orders", orders.OrderList, "any_channel_orders"),
    (f"orders/{PK}", orders.OrderView, "any_channel_order"),
    (f"orders/{PK}/cancel", orders.CancelOrder, "any_channel_order_cancel"),
    ("order_items/bulk_status_update", items.BulkItemView, "any_channel_order_items_many"),
    (f"order_items/{PK}", items.ItemView, "any_channel_order_item"),
]
"""Views of `CHANNEL_ROUTES` that also act in all channels of the key."""


def _patterns(routes: list[Route], parent: str = "", **options: Any) -> list[URLPattern]:
    """Each route below every prefix."""
    return [
        re_path(
            rf"^{prefix}/{parent}{path}/?\Z",
            view.as_view(**options, **({} if prefix == PREFIXES[0] else {"schema": None})),
            name=name,
        )
        for path, view, name in routes
        for prefix in PREFIXES
    ]


urlpatterns = [
    *_patterns(ALIAS_ROUTES, CHANNEL, operation_prefix="second_"),
    *_patterns(CHANNEL_ROUTES, CHANNEL),
    *_patterns(REMOTE_ROUTES, REMOTE),
    *_patterns(KEY_ROUTES),
    *_patterns(ANY_CHANNEL_ROUTES, operation_prefix="any_"),
]
