"""Handing out the picture of a case to somebody who may see it."""

import re

from django.conf import settings
from django.http import FileResponse

from takeback.core import errors
from takeback.core.errors import Refused

# Our own names only: whatever else a path may say, it is not looked for on the disk.
_NAME = re.compile(r"cases/([0-9a-f]{2})/\1[0-9a-f]{30}\.(jpg|png)", re.ASCII)
_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
_INERT = "default-src 'none'; sandbox"


def is_image_name(name: str) -> bool:
    """Whether a picture of ours could have this name."""
    return _NAME.fullmatch(name) is not None


def image_response(name: str) -> FileResponse:
    """The picture, for nobody else's cache and without anything that could run in it.

    Raises Refused, as not found, when there is no such picture.
    """
    if not is_image_name(name):
        raise Refused(errors.NOT_FOUND)
    try:
        file = (settings.MEDIA_ROOT / name).open("rb")
    except FileNotFoundError as error:
        raise Refused(errors.NOT_FOUND) from error
    answer = FileResponse(file, content_type=_TYPES[name.rpartition(".")[2]])
    answer["Content-Disposition"] = "inline"
    answer["Cache-Control"] = "private, no-store"
    answer["Content-Security-Policy"] = _INERT
    return answer
