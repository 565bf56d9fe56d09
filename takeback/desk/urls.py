"""The desk's pages; whatever else begins with `desk` is a page that says so."""

from django.urls import path, re_path

from takeback.desk import base, case_views, login_views, order_views, queue_views, totp_views

urlpatterns = [
    path("desk", queue_views.Queue.as_view()),
    path("desk/", queue_views.Queue.as_view(), name="desk_queue"),
    path("desk/login", login_views.Login.as_view(), name="desk_login"),
    path("desk/logout", login_views.Logout.as_view(), name="desk_logout"),
    path("desk/second-factor", totp_views.SecondFactor.as_view(), name="desk_second_factor"),
    path("desk/activity", queue_views.Activity.as_view(), name="desk_activity"),
    path("desk/cases/<str:pk>", case_views.Case.as_view(), name="desk_case"),
    path("desk/cases/<str:pk>/decide", case_views.Decide.as_view(), name="desk_decide"),
    path("desk/cases/<str:pk>/account", case_views.AccountIsRight.as_view(), name="desk_account"),
    path("desk/orders/<str:pk>", order_views.OrderPage.as_view(), name="desk_order"),
    path("desk/photos/<path:name>", case_views.Photo.as_view(), name="desk_photo"),
    re_path(r"^desk/", base.DeskNotFound.as_view(), name="desk_nowhere"),
]
