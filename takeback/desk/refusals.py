"""The sentences of refusals on pages of the desk, each with the next step."""

from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from takeback.core import errors
from takeback.core.formatting import format_duration

SESSION_ENDED = _("Your session has expired. Sign in again.")
SESSION_ENDED_WITH_TEXT = _("Your session has expired. Sign in again; your text is kept.")

_SENTENCES: dict[str, str | Promise] = {
    errors.NOT_FOUND.code: _(
        "This page does not exist, or you do not have access to it. Check the address."
    ),
    errors.PERMISSION_DENIED.code: _(
        "You do not have permission to do this. Ask an administrator of your shop."
    ),
    errors.METHOD_NOT_ALLOWED.code: _(
        "This page cannot be opened like this. Go back and use the buttons of the page."
    ),
    errors.MALFORMED_REQUEST.code: _(
        "The form could not be read. Open its page again and send it once more."
    ),
    errors.UNSUPPORTED_MEDIA_TYPE.code: _(
        "The form could not be read. Open its page again and send it once more."
    ),
    errors.PAYLOAD_TOO_LARGE.code: _("The form is too large. Shorten your text and send it again."),
    errors.CSRF_FAILED.code: _(
        "This form was not sent from the desk. Open its page again and send it from there."
    ),
}


def refusal_sentence(code: str, default: str | Promise, retry_after: str | None) -> str | Promise:
    """The desk's own sentence for a refusal; `retry_after` is its header of seconds."""
    if code == errors.TOO_MANY_REQUESTS.code and retry_after:
        return too_many_attempts(int(retry_after))
    return _SENTENCES.get(code, default)


def too_many_attempts(seconds: int) -> str:
    """Says how long to wait, rounded up to minutes."""
    wait = timedelta(minutes=-(-seconds // 60))
    return gettext("Too many attempts. Wait %(time)s, then try again.") % {
        "time": format_duration(wait)
    }
