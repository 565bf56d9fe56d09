"""The mailed link with which the owner of a bank account says that it is right.

Whoever knows an order's number and e-mail address may ask; only whoever reads that mailbox may
say where the money goes (promise P21).
"""

from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner

from takeback.cancellations.bank import account_of, masked
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.states import LIVE
from takeback.core.ids import id_of

PATH = "/users/orders/bank_account/"


def link_of(case: CancellationRequest) -> str:
    """The link that confirms this case's account."""
    return f"{settings.SITE_URL}{PATH}{token_of(case)}/"


def token_of(case: CancellationRequest) -> str:
    """The case's id, the time, and a signature over both and the account."""
    return _signer(str(case.iban_index)).sign(str(case.pk))


def case_of(token: str) -> CancellationRequest | None:
    """The live case whose account waits for this token; None for any other, whatever is wrong."""
    case_id = id_of(token.partition(".")[0])
    if case_id is None:
        return None
    case = (
        CancellationRequest.objects.select_related("order_item__order")
        .filter(
            pk=case_id,
            status__in=[status.value for status in LIVE],
            iban_index__isnull=False,
            is_bank_account_confirmed=False,
        )
        .first()
    )
    return case if case and _is_fresh(token, str(case.iban_index)) else None


def masked_account(case: CancellationRequest) -> str:
    """The account as a mail or a page may show it: `TR33 •••• 1326`; empty if there is none."""
    account = account_of(case)
    return masked(account.iban) if account else ""


def _is_fresh(token: str, account: str) -> bool:
    try:
        _signer(account).unsign(token, max_age=timedelta(days=settings.BANK_ACCOUNT_LINK_DAYS))
    except BadSignature:
        return False
    return True


def _signer(account: str) -> TimestampSigner:
    # The account is signed and not told: not even its index belongs in an address (promise P25).
    return TimestampSigner(salt=f"takeback.bank_account.{account}", sep=".")
