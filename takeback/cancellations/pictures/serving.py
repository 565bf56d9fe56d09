"""A picture as an answer; whether the caller may see it is decided before."""

import re

from django.conf import settings
from django.http import FileResponse

from takeback.core import problems
from takeback.core.problems import Refused

# Our own names only: whatever else a path may say, it is not looked for on the disk.
_NAME = re.compile(r"cases/([0-9a-f]{2})/\1[0-9a-f]{30}\.(jpg|png)", re.ASCII)
_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
_INERT = "default-src 'none'; sandbox"


def may_be_picture(name: str) -> bool:
    """Whether the name has the form of ours."""
    return _NAME.fullmatch(name) is not None


def picture_answer(name: str) -> FileResponse:
    """The file, inert; `Refused` as not found when there is none of this name."""
    fits = _NAME.fullmatch(name)
    if fits is None:
        raise Refused(problems.NOT_FOUND)
    try:
        file = (settings.MEDIA_ROOT / name).open("rb")
    except FileNotFoundError as error:
        raise Refused(problems.NOT_FOUND) from error
    answer = FileResponse(file, content_type=_TYPES[fits[2]])
    answer["Content-Disposition"] = "inline"
    answer["Cache-Control"] = "private, no-store"
    answer["Content-Security-Policy"] = _INERT
    return answer
