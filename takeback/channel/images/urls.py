"""Routes of pictures."""

from takeback.channel.images import views
from takeback.channel.routes import PK, of_a_channel

IMAGES = "cancellation_request_images"

urlpatterns = [
    *of_a_channel(IMAGES, views.Images, "channel_images"),
    # Before the number of a picture, of which they would be one.
    *of_a_channel(f"{IMAGES}/updates", views.ImageUpdates, "channel_image_updates"),
    *of_a_channel(
        f"{IMAGES}/inserts_or_updates", views.ImageInsertsOrUpdates, "channel_image_inserts"
    ),
    *of_a_channel(f"{IMAGES}/{PK}", views.Image, "channel_image"),
    *of_a_channel(f"{IMAGES}/{PK}/file", views.ImageFile, "channel_image_file"),
]
