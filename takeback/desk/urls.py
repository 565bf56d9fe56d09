"""Routes of the desk; every other path that begins with `desk/` is a page that is not found."""

from django.urls import path, re_path

from takeback.desk import (
    account_views,
    base,
    case_views,
    decision_views,
    login_views,
    order_views,
    password_reset_views,
    queue_views,
    refund_views,
    settings_urls,
    totp_views,
)

urlpatterns = [
    path("desk", queue_views.QueueView.as_view()),
    path("desk/", queue_views.QueueView.as_view(), name="desk_queue"),
    path("desk/login", login_views.LoginView.as_view(), name="desk_login"),
    path("desk/logout", login_views.LogoutView.as_view(), name="desk_logout"),
    path(
        "desk/password-reset",
        password_reset_views.PasswordResetView.as_view(),
        name="desk_password_reset",
    ),
    path(
        "desk/password-reset/<str:token>",
        password_reset_views.NewPasswordView.as_view(),
        name="desk_new_password",
    ),
    path("desk/account", account_views.AccountView.as_view(), name="desk_account"),
    path(
        "desk/account/password",
        account_views.ChangePasswordView.as_view(),
        name="desk_change_password",
    ),
    path(
        "desk/account/recovery-codes",
        account_views.RecoveryCodesView.as_view(),
        name="desk_recovery_codes",
    ),
    path("desk/second-factor", totp_views.TotpView.as_view(), name="desk_second_factor"),
    path("desk/activity", queue_views.ActivityView.as_view(), name="desk_activity"),
    path("desk/cases/<str:pk>", case_views.CaseView.as_view(), name="desk_case"),
    path("desk/cases/<str:pk>/decide", decision_views.DecideView.as_view(), name="desk_decide"),
    path("desk/cases/<str:pk>/undo", decision_views.UndoView.as_view(), name="desk_undo"),
    path(
        "desk/cases/<str:pk>/account",
        case_views.ConfirmBankAccountView.as_view(),
        name="desk_confirm_bank_account",
    ),
    path("desk/orders/<str:pk>", order_views.OrderView.as_view(), name="desk_order"),
    path("desk/orders/<str:pk>/dates", order_views.DatesView.as_view(), name="desk_order_dates"),
    path("desk/refunds/", refund_views.RefundQueueView.as_view(), name="desk_refunds"),
    path("desk/refunds/<str:pk>", refund_views.RefundView.as_view(), name="desk_refund"),
    *settings_urls.urlpatterns,
    path("desk/photos/<path:name>", case_views.ImageView.as_view(), name="desk_image"),
    re_path(r"^desk/", base.UnknownPageView.as_view(), name="desk_not_found"),
]
