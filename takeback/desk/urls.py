"""Routes of the desk; every other path that begins with `desk/` is a page that is not found."""

from django.urls import path, re_path

from takeback.desk import (
    base,
    case_views,
    login_views,
    order_views,
    queue_views,
    settings_urls,
    totp_views,
)

urlpatterns = [
    path("desk", queue_views.QueueView.as_view()),
    path("desk/", queue_views.QueueView.as_view(), name="desk_queue"),
    path("desk/login", login_views.LoginView.as_view(), name="desk_login"),
    path("desk/logout", login_views.LogoutView.as_view(), name="desk_logout"),
    path("desk/second-factor", totp_views.TotpView.as_view(), name="desk_second_factor"),
    path("desk/activity", queue_views.ActivityView.as_view(), name="desk_activity"),
    path("desk/cases/<str:pk>", case_views.CaseView.as_view(), name="desk_case"),
    path("desk/cases/<str:pk>/decide", case_views.DecideView.as_view(), name="desk_decide"),
    path(
        "desk/cases/<str:pk>/account",
        case_views.ConfirmBankAccountView.as_view(),
        name="desk_confirm_bank_account",
    ),
    path("desk/orders/<str:pk>", order_views.OrderView.as_view(), name="desk_order"),
    *settings_urls.urlpatterns,
    path("desk/photos/<path:name>", case_views.ImageView.as_view(), name="desk_image"),
    re_path(r"^desk/", base.UnknownPageView.as_view(), name="desk_not_found"),
]
