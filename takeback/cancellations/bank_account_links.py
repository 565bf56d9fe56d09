"""The mailed link with which the owner of a bank account says that it is right.

Whoever knows an order's number and e-mail address may ask; only whoever reads that mailbox may
say where the money goes (promise P21).
"""

from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner

from takeback.bank_accounts.bank_account import bank_account_of, mask_iban
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.queries import cases_opened_together
from takeback.cancellations.statuses import LIVE
from takeback.core.ids import id_of

PATH = "/users/orders/bank_account/"


def link_of(case: CancellationRequest) -> str:
    """The link that confirms this case's account."""
    return f"{settings.SITE_URL}{PATH}{token_of(case)}/"


def token_of(case: CancellationRequest) -> str:
    """The case's id, the time, and a signature over both and the account."""
    return _signer(str(case.iban_index)).sign(str(case.pk))


def case_of(token: str) -> CancellationRequest | None:
    """A live case whose account waits for this token; None for any other, whatever is wrong."""
    case_id = id_of(token.partition(".")[0])
    together = cases_opened_together(case_id) if case_id else []
    account = next((case.iban_index for case in together if case.pk == case_id), None)
    if account is None or not _is_fresh(token, account):
        return None
    # The case that the link was made for may have ended while others of the same call live.
    waiting = (case for case in together if case.iban_index == account and case.status in LIVE)
    return next((case for case in waiting if not case.is_bank_account_confirmed), None)


def masked_account(case: CancellationRequest) -> str:
    """The account as a mail or a page may show it: `TR33 •••• 1326`; empty if there is none."""
    account = bank_account_of(case)
    return mask_iban(account.iban) if account else ""


def _is_fresh(token: str, account: str) -> bool:
    try:
        _signer(account).unsign(token, max_age=timedelta(days=settings.BANK_ACCOUNT_LINK_DAYS))
    except BadSignature:
        return False
    return True


def _signer(account: str) -> TimestampSigner:
    # The account is signed and not told: not even its index belongs in an address (promise P25).
    return TimestampSigner(salt=f"takeback.bank_account.{account}", sep=".")
