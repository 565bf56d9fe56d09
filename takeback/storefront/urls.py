"""The storefront's routes; the final slash of each path is optional, without a redirect."""

from typing import Any

from django.urls import URLPattern, re_path

from takeback.storefront import (
    addresses_views,
    bank_account_views,
    cases_views,
    email_change_views,
    loyalty_views,
    media_views,
    old_orders_views,
    order_code_views,
    orders_views,
    password_views,
    profile_views,
    refunds_views,
    registration_views,
    session_views,
    sign_in_views,
    trade_in_views,
)
from takeback.trade_in.models import Decision

TOKEN = r"(?P<token>[^/]+)"  # noqa: S105 - a pattern
PK = r"(?P<pk>[^/]+)"
PLACES = {
    "country": "countries",
    "city": "cities",
    "township": "townships",
    "district": "districts",
}
"""Levels of places, and the ids of their operations."""


def _route(path: str, view: Any, name: str, **options: Any) -> URLPattern:
    route: URLPattern = re_path(rf"^{path}/?$", view.as_view(**options), name=name)
    return route


urlpatterns = [
    # Patterns are tried in turn: those of most requests come first.
    _route("users/orders", orders_views.Orders, "orders"),
    _route("users/orders/anonymous", orders_views.GuestOrder, "guest_order"),
    _route("users/orders/cancellation_requests", cases_views.Cases, "cancellation_requests"),
    _route(
        "users/orders/anonymous/cancellation_requests",
        cases_views.GuestOpenCase,
        "guest_open_case",
    ),
    _route(
        "users/orders/anonymous/bulk_cancellation_requests",
        cases_views.GuestOpenCases,
        "guest_open_cases",
    ),
    _route("users/orders/bulk_cancellation_requests", cases_views.OpenCases, "open_cases"),
    _route("orders/(?P<name>[^/]+)/cancel", cases_views.CancelOrder, "cancel_order"),
    _route("users/orders/cancellation_reasons", cases_views.Reasons, "cancellation_reasons"),
    _route(
        "users/orders/anonymous/refund_preview",
        refunds_views.GuestRefundPreviewView,
        "guest_refund_preview",
    ),
    _route("users/orders/anonymous/code", order_code_views.OrderCodeRequest, "guest_order_code"),
    _route(
        "users/orders/anonymous/code/confirm",
        order_code_views.OrderCodeConfirmation,
        "guest_order_by_code",
    ),
    _route(
        f"users/orders/anonymous/link/{TOKEN}",
        order_code_views.OrderLinkPage,
        "guest_order_link",
    ),
    _route("users/orders/refund_preview", refunds_views.RefundPreviewView, "refund_preview"),
    _route(
        "users/orders/bank_account/(?P<token>[^/]+)",
        bank_account_views.BankAccountPage,
        "bank_account",
    ),
    _route(
        f"users/orders/{PK}/cancellation",
        orders_views.OrderDetail,
        "order_cancellation",
        operations=orders_views.order_operations(
            "order_cancellation", "Read an order and what can be cancelled."
        ),
    ),
    _route(f"users/orders/{PK}", orders_views.OrderDetail, "order"),
    _route("users/old-orders", old_orders_views.OldOrders, "old_orders"),
    _route(f"users/old-orders/{PK}", old_orders_views.OldOrderDetail, "old_order"),
    *(
        _route(
            f"users/order_item/{PK}/tradein_{decision}",
            trade_in_views.TradeInDecision,
            f"tradein_{decision}",
            decision=decision,
            operations=trade_in_views.decision_operations(decision),
        )
        for decision in Decision
    ),
    _route("users/registration", registration_views.RegistrationView, "registration"),
    _route(
        "users/registration/account-confirm-email/(?P<token>[^/]+)",
        registration_views.ConfirmRegistrationPage,
        "confirm_registration",
    ),
    _route("users/login/code", sign_in_views.SignInCodeView, "sign_in_code"),
    _route("users/login/code/confirm", sign_in_views.ConfirmSignInCode, "confirm_sign_in_code"),
    _route("users/hand-off", sign_in_views.HandOff, "hand_off"),
    _route("users/hand-off/(?P<token>[^/]+)", sign_in_views.HandOffPage, "hand_off_page"),
    _route("users/login", session_views.LoginView, "login"),
    _route("users/logout", session_views.Logout, "logout"),
    _route("users/profile", profile_views.ProfileView, "profile"),
    _route("users/anonymize", profile_views.AnonymizeView, "anonymize"),
    _route("users/password/change", password_views.PasswordChangeView, "password_change"),
    _route("users/password/reset", password_views.PasswordResetRequestView, "password_reset"),
    _route(f"users/reset/{TOKEN}", password_views.PasswordResetPage, "password_set"),
    _route("users/email-change", email_change_views.EmailChangeView, "email_change"),
    _route(f"users/email-set-primary/{TOKEN}", email_change_views.EmailChangePage, "email_set"),
    _route("account/loyalty-account-balance", loyalty_views.LoyaltyBalanceView, "loyalty_balance"),
    _route("account/loyalty", loyalty_views.LoyaltyTransfers, "loyalty_transfers"),
    _route("csrf_token", session_views.CsrfToken, "csrf_token"),
    _route("current_user", session_views.CurrentUserView, "current_user"),
    _route("media/(?P<name>logos/.+)", media_views.LogoView, "logo"),
    _route("media/(?P<name>.+)", media_views.CaseImageView, "case_image"),
    _route("address/detailed", addresses_views.DetailedAddressBook, "addresses_detailed"),
    *(
        _route(
            f"address/{level}",
            addresses_views.Places,
            level,
            level=level,
            operations=addresses_views.places_operations(operation_id),
        )
        for level, operation_id in PLACES.items()
    ),
    _route("address", addresses_views.AddressBook, "addresses"),
    _route(f"address/{PK}", addresses_views.AddressView, "address"),
]
