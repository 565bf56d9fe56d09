"""Routes of reasons."""

from takeback.channel.reasons import views
from takeback.channel.routes import PK, of_a_channel

urlpatterns = [
    *of_a_channel("cancellation_reasons", views.Reasons, "channel_reasons"),
    *of_a_channel(f"cancellation_reasons/{PK}", views.Reason, "channel_reason"),
]
