"""Routes of the settings at the desk, for agents with the scope admin."""

from django.urls import path

from takeback.desk import settings_access_views as access
from takeback.desk import settings_offer_views as offers
from takeback.desk import settings_payment_views as payments
from takeback.desk import settings_views as views

_CHANNEL = "desk/settings/<str:channel_id>"

urlpatterns = [
    path("desk/settings", views.SettingsView.as_view(), name="desk_settings"),
    path(_CHANNEL, views.ShopView.as_view(), name="desk_settings_shop"),
    path(f"{_CHANNEL}/logo", views.LogoView.as_view(), name="desk_settings_logo"),
    path(f"{_CHANNEL}/channel", views.ChannelView.as_view(), name="desk_settings_channel"),
    path(f"{_CHANNEL}/reasons", offers.ReasonListView.as_view(), name="desk_settings_reasons"),
    path(
        f"{_CHANNEL}/reasons/new", offers.NewReasonView.as_view(), name="desk_settings_new_reason"
    ),
    path(f"{_CHANNEL}/reasons/<str:pk>", offers.ReasonView.as_view(), name="desk_settings_reason"),
    path(f"{_CHANNEL}/carriers", offers.CarrierListView.as_view(), name="desk_settings_carriers"),
    path(
        f"{_CHANNEL}/carriers/new",
        offers.NewCarrierView.as_view(),
        name="desk_settings_new_carrier",
    ),
    path(
        f"{_CHANNEL}/carriers/<str:pk>", offers.CarrierView.as_view(), name="desk_settings_carrier"
    ),
    path(
        f"{_CHANNEL}/payment-accounts",
        payments.PaymentAccountListView.as_view(),
        name="desk_settings_payment_accounts",
    ),
    path(
        f"{_CHANNEL}/payment-accounts/new",
        payments.NewPaymentAccountView.as_view(),
        name="desk_settings_new_payment_account",
    ),
    path(
        f"{_CHANNEL}/payment-accounts/<str:pk>",
        payments.PaymentAccountView.as_view(),
        name="desk_settings_payment_account",
    ),
    path(f"{_CHANNEL}/staff", access.StaffListView.as_view(), name="desk_settings_staff"),
    path(f"{_CHANNEL}/staff/new", access.NewStaffView.as_view(), name="desk_settings_new_staff"),
    path(f"{_CHANNEL}/staff/<str:pk>", access.StaffView.as_view(), name="desk_settings_member"),
    path(f"{_CHANNEL}/keys", access.KeyListView.as_view(), name="desk_settings_keys"),
]
