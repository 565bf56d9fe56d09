"""Pictures of damaged goods, drawn for the demo's cases and kept where real ones are kept."""

from hashlib import md5
from io import BytesIO

from django.conf import settings
from PIL import Image, ImageDraw

from takeback.cancellations.pictures.commands import FOLDER

_SIZE = (480, 360)


def keep_picture(subject: str) -> str:
    """Draw a broken parcel into the media folder, always the same for the same words; its name."""
    digest = md5(subject.encode(), usedforsecurity=False).digest()
    name = f"{FOLDER}/{digest.hex()[:2]}/{digest.hex()}.jpg"
    path = settings.MEDIA_ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_drawing(digest))
    return name


def _drawing(digest: bytes) -> bytes:
    """A parcel on a table, with a crack; where and in which colour, the digest says."""
    tint = tuple(120 + value % 100 for value in digest[:3])
    image = Image.new("RGB", _SIZE, tint)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 270, 480, 360), fill=(96, 84, 74))
    pen.rectangle((120, 90, 360, 300), fill=(193, 154, 107), outline=(120, 90, 60), width=4)
    pen.rectangle((225, 90, 255, 300), fill=(222, 196, 150))
    start = 130 + digest[3] % 60
    crack = [(start + step * 22, 90 + step * 24 + digest[4 + step] % 20) for step in range(8)]
    pen.line(crack, fill=(50, 30, 20), width=5)
    written = BytesIO()
    image.save(written, "JPEG", quality=80)
    return written.getvalue()
