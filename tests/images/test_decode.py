"""Promise P26, the text: base64 of an image is decoded, anything else is refused unopened."""

from typing import Any

import pytest

from takeback.images.decode import ImageTooLarge, NotAnImage, decode_image
from tests.images.samples import as_text, image_bytes

KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}


@pytest.mark.parametrize("kind", KINDS)
def test_four_formats_are_decoded_with_and_without_a_data_uri(kind: str) -> None:
    raw = image_bytes(kind)
    assert decode_image(as_text(raw)) == raw
    assert decode_image(as_text(raw, KINDS[kind])) == raw


def test_common_misspelling_of_jpeg_is_accepted() -> None:
    assert decode_image(as_text(image_bytes(), "image/jpg")) == image_bytes()


JPEG = as_text(image_bytes())
URI = as_text(image_bytes(), "image/jpeg")
LINES = [JPEG[at : at + 76] for at in range(0, len(JPEG), 76)]
ACCEPTED = {
    "MIME": "\r\n".join(LINES) + "\r\n",
    "Android": "\n".join(LINES) + "\n",
    "indented": "\n".join(f"\t {line} \v\f" for line in LINES),
    "data URI in lines": URI[:23] + "\n" + URI[23:99] + "\n" + URI[99:],
    "charset": URI.replace(";", ";charset=utf-8;", 1),
    "charset in capitals": URI.replace(";", ";charset=UTF-8;", 1),
    "quoted charset": URI.replace(";", '; charset="iso-8859-1"; ', 1),
    "type in capitals": URI.replace("image/jpeg", "IMAGE/JPEG", 1),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_white_space_and_charset_are_ignored(name: str) -> None:
    assert len(LINES) > 2
    assert decode_image(ACCEPTED[name]) == image_bytes()


def test_text_of_white_space_only_is_refused() -> None:
    with pytest.raises(NotAnImage):
        decode_image(" \n\t")


def test_white_space_does_not_count_towards_the_maximum_size(settings: Any) -> None:
    settings.MAX_PICTURE_BYTES = len(image_bytes())
    assert decode_image(JPEG.replace("A", "A" + "\n" * 50)) == image_bytes()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><svg>&b;</svg>'
XXE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>'
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
INVALID = {
    "I2 not base64": "this is not an image",
    "I2 url-safe alphabet": as_text(b"\xff\xd8\xff\xfb\xef\xff")
    .replace("+", "-")
    .replace("/", "_"),
    "I2 other white space": JPEG[:76] + "\u00a0" + JPEG[76:],
    "I2 one = to spare": as_text(image_bytes() + b"\0" * (-len(image_bytes()) % 3)) + "=",
    "I2 four = to spare": as_text(image_bytes() + b"\0" * (-len(image_bytes()) % 3)) + "====",
    "I2 a third of = to spare": JPEG + "=" * (len(JPEG) // 3),
    "I2 padding in the middle": as_text(image_bytes()[:4]) + JPEG,
    "I2 loose last bits": as_text(image_bytes() + b"\0" * (2 - len(image_bytes()) % 3))[:-2] + "B=",
    "I2 padding missing": as_text(image_bytes() + b"\0" * (2 - len(image_bytes()) % 3)).rstrip("="),
    "I2 noise": JPEG[:8] + "!!" + JPEG[8:],
    "I2 digits of another script": JPEG[:8] + "\u0661\u0661\u0661\u0661" + JPEG[12:],
    "I3 SVG in its data URI": as_text(SVG, "image/svg+xml"),
    "I3 HTML": as_text(b"<html>", "text/html"),
    "I3 PDF": as_text(b"%PDF-1.7", "application/pdf"),
    "I3 JPEG declared a PNG": as_text(image_bytes(), "image/png"),
    "I3 no comma": as_text(image_bytes(), "image/jpeg").replace(",", ""),
    "I3 two commas": as_text(image_bytes(), "image/jpeg").replace(",", ",,"),
    "I3 a file's name": as_text(image_bytes(), "image/jpeg").replace(";", ";name=me.jpg;", 1),
    "I4 empty": "",
    "I4 empty data URI": "data:image/jpeg;base64,",
    "I4 address": "http://127.0.0.1/a.jpg",
    "I4 file": "file:///etc/passwd",
    "I5 SVG": as_text(SVG),
    "I5 external entity": as_text(XXE),
    "I5 billion laughs": as_text(LAUGHS),
    "I5 SVG declared a JPEG": as_text(SVG, "image/jpeg"),
    "I6 HTML": as_text(b"<!DOCTYPE html><script>alert(1)</script>"),
    "I6 PHP": as_text(b"<?php system($_GET[0]);"),
    "I6 ZIP": as_text(b"PK\x03\x04" + b"\0" * 40),
    "I6 PDF": as_text(b"%PDF-1.7\n"),
    "I6 ELF": as_text(b"\x7fELF" + b"\0" * 40),
    "I6 EICAR": as_text(EICAR),
    **{
        f"I12 {kind}": as_text(image_bytes(kind))
        for kind in ("AVIF", "TIFF", "BMP", "ICO", "EPS", "PPM", "TGA", "JPEG2000")
    },
    "I12 PSD": as_text(b"8BPS\0\x01" + b"\0" * 40),
    "I12 HEIC": as_text(b"\0\0\0\x18ftypheic" + b"\0" * 40),
    "I12 FITS": as_text(b"SIMPLE  =                    T" + b" " * 50),
}


@pytest.mark.parametrize("name", INVALID)
def test_unsupported_or_malformed_image_is_refused(name: str) -> None:
    with pytest.raises(NotAnImage):
        decode_image(INVALID[name])


def test_image_may_have_the_maximum_size_and_not_a_byte_more(settings: Any) -> None:
    # I17
    raw = image_bytes()
    for spare in (0, 1, 2):
        settings.MAX_PICTURE_BYTES = len(raw) + spare
        assert decode_image(as_text(raw)) == raw
    settings.MAX_PICTURE_BYTES = len(raw) - 1
    with pytest.raises(ImageTooLarge):
        decode_image(as_text(raw))


def test_text_that_is_too_long_is_not_decoded(settings: Any) -> None:
    # I17: the text is not base64, but its length is checked first.
    settings.MAX_PICTURE_BYTES = 300
    with pytest.raises(ImageTooLarge):
        decode_image("!" * 405)
    with pytest.raises(NotAnImage):
        decode_image("!" * 404)
