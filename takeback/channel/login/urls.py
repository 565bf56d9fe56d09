"""Routes of signing in."""

from takeback.channel.login import views
from takeback.channel.routes import everywhere

urlpatterns = [
    *everywhere("auth/login", views.Login, "channel_login"),
    *everywhere("active_user", views.ActiveUser, "channel_active_user"),
]
