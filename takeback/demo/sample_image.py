"""Images that shoppers of the demo upload: parcels with a damaged corner."""

from io import BytesIO

_SIZE = (640, 480)
_TABLE, _HOLE, _INK = "#d8d2c8", "#4a3520", "#26211b"
# The box, its tape and its label.
_RECTANGLES = {
    (120, 110, 520, 400): "#b98a52",
    (120, 235, 520, 275): "#d9c08f",
    (160, 290, 320, 370): "#f4f1ea",
}
_BARS = 12


def damaged_box(number: int) -> bytes:
    """A JPEG, always the same, of a parcel whose label shows this number as a bar code."""
    # Imported when a shop is loaded, not at every start of the demo.
    from PIL import Image, ImageDraw

    image = Image.new("RGB", _SIZE, _TABLE)
    draw = ImageDraw.Draw(image)
    for box, colour in _RECTANGLES.items():
        draw.rectangle(box, fill=colour)
    draw.polygon([(420, 110), (520, 110), (520, 205), (480, 170), (455, 180)], fill=_HOLE)
    for bar in range(_BARS):
        left, width = 172 + 12 * bar, 7 if number >> bar & 1 else 2
        draw.rectangle((left, 305, left + width, 355), fill=_INK)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
