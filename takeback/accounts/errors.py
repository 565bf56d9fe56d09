"""Refusals of sign-in, and of changes to staff and API keys."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import TOO_MANY_REQUESTS, Problem

_CODE, _STATUS = TOO_MANY_REQUESTS.code, TOO_MANY_REQUESTS.status
PASSWORD_BLOCKED = Problem(
    _CODE,
    _STATUS,
    _("Too many attempts. Sign in with a code sent by e-mail, or try again later."),
)
CODE_BLOCKED = Problem(
    _CODE,
    _STATUS,
    _("Too many wrong codes. Open the link in the e-mail, or try again later."),
)
STAFF_PASSWORD_BLOCKED = Problem(
    _CODE,
    _STATUS,
    _("Too many attempts. Set a new password at {url}, or try again later."),
)

RIGHTS_NOT_YOURS = Problem(
    "rights_not_yours",
    403,
    _("You can only pass on rights that you have. You do not have: {rights}."),
)
HAS_MORE_RIGHTS = Problem(
    "has_more_rights",
    403,
    _(
        "This account has rights that you do not have ({rights}). Ask someone with these rights"
        " to change it."
    ),
)
LAST_ADMIN = Problem(
    "last_admin",
    400,
    _(
        "This is the last active administrator of “{channel}”. Give someone else the scope admin"
        " first."
    ),
)
USERNAME_TAKEN = Problem(
    "username_taken", 400, _("This user name is taken. Choose another one."), field="username"
)
USERNAME_INVALID = Problem(
    "username_invalid",
    400,
    _("A user name has 1 to 150 letters, digits and signs of ASCII, without spaces."),
    field="username",
)
EMAIL_INVALID = Problem(
    "email_invalid",
    400,
    _("Enter an e-mail address in the usual form, such as ada@example.com."),
    field="email",
)
MONEY_RIGHT_MISSING = Problem(
    "money_right_missing",
    403,
    _("This step needs the rights {rights}. Ask a colleague who has them, or an administrator."),
)
