"""Serves the image files of cases, and the logos of shops."""

import re

from django.conf import settings
from django.http import FileResponse

from takeback.core import errors
from takeback.core.errors import Refused

# Only names that we generate: a path with any other name never reaches the file system.
_NAME = re.compile(r"cases/([0-9a-f]{2})/\1[0-9a-f]{30}\.(jpg|png)", re.ASCII)
_LOGO = re.compile(r"logos/([0-9a-f]{2})/\1[0-9a-f]{30}\.(jpg|png)", re.ASCII)
_TYPES = {"jpg": "image/jpeg", "png": "image/png"}


def is_image_name(name: str) -> bool:
    """Whether an image of ours can have this name."""
    return _NAME.fullmatch(name) is not None


def image_response(name: str) -> FileResponse:
    """The image; shared caches do not store it and browsers run no script in it.

    Raises Refused (NOT_FOUND) if the file does not exist.
    """
    if not is_image_name(name):
        raise Refused(errors.NOT_FOUND)
    return _file_response(name, "private, no-store")


def logo_response(name: str) -> FileResponse:
    """A logo, for anyone: its name never has another content, so caches may store it."""
    if not _LOGO.fullmatch(name):
        raise Refused(errors.NOT_FOUND)
    return _file_response(name, "public, max-age=86400, immutable")


def _file_response(name: str, cache_control: str) -> FileResponse:
    try:
        file = (settings.MEDIA_ROOT / name).open("rb")
    except FileNotFoundError as error:
        raise Refused(errors.NOT_FOUND) from error
    response = FileResponse(file, content_type=_TYPES[name.rpartition(".")[2]])
    response["Content-Disposition"] = "inline"
    response["Cache-Control"] = cache_control
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
