"""Routes of batches, integration actions, error reports, channels and content types."""

from takeback.channel.routes import PK, everywhere, of_a_channel
from takeback.channel.sync import directory_views, views

urlpatterns = [
    *of_a_channel("batch_requests", views.Batches, "channel_batch_requests"),
    *of_a_channel(f"batch_requests/{PK}", views.Batch, "channel_batch_request"),
    *of_a_channel("integration_actions", views.Actions, "channel_integration_actions"),
    *of_a_channel("error_reports", views.Reports, "channel_error_reports"),
    *everywhere("channels", directory_views.Channels, "channels"),
    *everywhere(f"channels/{PK}", directory_views.OneChannel, "channel"),
    *everywhere("content_types", directory_views.ContentTypes, "content_types"),
]
