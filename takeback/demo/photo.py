"""What shoppers of the demo photograph: parcels with a broken corner."""

from io import BytesIO

_SIZE = (640, 480)
_TABLE, _BOX, _TAPE, _HOLE = "#d8d2c8", "#b98a52", "#d9c08f", "#4a3520"
_PAPER, _INK = "#f4f1ea", "#26211b"
_BARS = 12


def damaged_box(number: int) -> bytes:
    """A JPEG, the same every time, of the parcel whose label bears this number in bars."""
    # Loaded when a shop is filled, not whenever the demo is asked for.
    from PIL import Image, ImageDraw

    image = Image.new("RGB", _SIZE, _TABLE)
    draw = ImageDraw.Draw(image)
    draw.rectangle((120, 110, 520, 400), fill=_BOX)
    draw.rectangle((120, 235, 520, 275), fill=_TAPE)
    draw.polygon([(420, 110), (520, 110), (520, 205), (480, 170), (455, 180)], fill=_HOLE)
    draw.rectangle((160, 290, 320, 370), fill=_PAPER)
    for bar in range(_BARS):
        left, wide = 172 + 12 * bar, 7 if number >> bar & 1 else 2
        draw.rectangle((left, 305, left + wide, 355), fill=_INK)
    written = BytesIO()
    image.save(written, "JPEG", quality=80)
    return written.getvalue()
