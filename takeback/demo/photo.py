"""What shoppers of the demo photograph: a parcel with a broken corner."""

from io import BytesIO

_SIZE = (640, 480)
_TABLE, _BOX, _TAPE, _HOLE = "#d8d2c8", "#b98a52", "#d9c08f", "#4a3520"


def damaged_box() -> bytes:
    """A JPEG, the same every time."""
    # Loaded when a shop is filled, not whenever the demo is asked for.
    from PIL import Image, ImageDraw

    image = Image.new("RGB", _SIZE, _TABLE)
    draw = ImageDraw.Draw(image)
    draw.rectangle((120, 110, 520, 400), fill=_BOX)
    draw.rectangle((120, 235, 520, 275), fill=_TAPE)
    draw.polygon([(420, 110), (520, 110), (520, 205), (480, 170), (455, 180)], fill=_HOLE)
    written = BytesIO()
    image.save(written, "JPEG", quality=80)
    return written.getvalue()
