"""Refusals of payment accounts and of the control over refunds; codes never change."""

from django.utils.translation import gettext_lazy as _

from takeback.core.errors import Problem

CODE_INVALID = Problem(
    "payment_account_code_invalid",
    400,
    _("A code has 1 to 64 letters, digits, dots, hyphens or underscores."),
    field="code",
)
CODE_TAKEN = Problem(
    "payment_account_code_taken",
    400,
    _("This channel has a payment account {code} already. Choose another code."),
    field="code",
)
PROVIDER_INVALID = Problem(
    "payment_account_provider_invalid",
    400,
    _("The name of a provider has 1 to 32 lower-case letters, digits or underscores."),
    field="provider",
)
PROVIDER_UNKNOWN = Problem(
    "payment_account_provider_unknown",
    400,
    _("There is no provider {provider}. Providers: {providers}."),
    field="provider",
)
PROVIDER_ACCOUNT_INVALID = Problem(
    "payment_account_provider_account_invalid",
    400,
    _("The provider's id of the account has 1 to 255 characters."),
    field="provider_account",
)
PROVIDER_ACCOUNT_TAKEN = Problem(
    "payment_account_provider_account_taken",
    400,
    _("Payment account {code} of channel {channel} already uses {provider_account}."),
    field="provider_account",
)
CURRENCY_UNKNOWN = Problem(
    "payment_account_currency_unknown",
    400,
    _("{currency} is no currency. Use a code of ISO 4217, such as EUR."),
    field="currency",
)
KIND_INVALID = Problem(
    "payment_account_kind_invalid",
    400,
    _("A payment type has 1 to 32 characters, and an account serves at most {max}."),
    field="payment_kinds",
)
KIND_TAKEN = Problem(
    "payment_account_kind_taken",
    400,
    _("Payment account {code} serves {kind} in {currency} already. A type has one account."),
    field="payment_kinds",
)
BASE_URL_INVALID = Problem(
    "payment_account_base_url_invalid",
    400,
    _("The address of a provider begins with https://; http:// is for this machine only."),
    field="base_url",
)
CREDENTIALS_INVALID = Problem(
    "payment_account_credentials_invalid",
    400,
    _("Credentials are a JSON object of at most {max} texts, none of them empty."),
    field="credentials",
)
LIMIT_INVALID = Problem(
    "payment_account_limit_invalid",
    400,
    _("A limit is an amount above 0. 0 removes it."),
)
ACCOUNT_HAS_REFUNDS = Problem(
    "payment_account_has_refunds",
    400,
    _(
        "Payment account {code} has refunds: its provider, currency and mode stay as they are. Add"
        " another account instead."
    ),
)
REFUNDS_UNDER_WAY = Problem(
    "payment_account_in_use",
    400,
    _(
        "Payment account {code} has refunds that are not final: {refunds}, of them in doubt:"
        " {in_doubt}. Pause it, and deactivate it when `takeback list-payment-accounts` shows"
        " none under way."
    ),
)
NEEDS_RECONCILIATION = Problem(
    "payment_account_needs_reconciliation",
    400,
    _(
        "The database was restored: the provider of payment account {code} may have paid more"
        " than it knows. Run `takeback reconcile`."
    ),
)

SAME_PERSON = Problem(
    "second_person_is_the_first",
    403,
    _("You requested this refund yourself. A colleague with the right money must approve it."),
)
NO_SECOND_PERSON_NEEDED = Problem(
    "no_second_person_needed",
    400,
    _("This refund does not wait for a second person. Reload the page."),
)
