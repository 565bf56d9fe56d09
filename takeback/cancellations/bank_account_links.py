"""Mailed links with which the owner of a bank account confirms it.

Anyone who knows an order's number and e-mail address may open a case, but only the reader of that
mailbox may confirm where the money goes.
"""

from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner

from takeback.accounts.policy import shop_policy
from takeback.bank_accounts.bank_account import bank_account_of, iban_start
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.queries import cases_opened_together
from takeback.cancellations.statuses import LIVE
from takeback.core.ids import CaseId, id_of
from takeback.limits.commands import Bucket, key_of

# After as many wrong entries a link is invalid; a new mail brings a new link.
LINK_TRIES = 5
PATH = "/users/orders/bank_account/"


def link_of(case: CancellationRequest) -> str:
    """The link that confirms a case's bank account."""
    return f"{settings.SITE_URL}{PATH}{token_of(case)}/"


def token_of(case: CancellationRequest) -> str:
    """The case's id and the time, signed together with the account."""
    return _signer(str(case.iban_index)).sign(str(case.pk))


def case_of(token: str) -> CancellationRequest | None:
    """The live case whose account a token confirms; None if the token is not valid."""
    # The case of the link may have ended while others of the same request are live.
    cases = cases_of(token)
    return next(
        (case for case in cases if case.status in LIVE and not case.is_bank_account_confirmed), None
    )


def cases_of(token: str) -> list[CancellationRequest]:
    """The cases of a request with the account of a token; none if the token is not valid."""
    case_id = id_of(token.partition(".")[0])
    cases = cases_opened_together(CaseId(case_id)) if case_id else []
    case = next((case for case in cases if case.pk == case_id), None)
    if case is None or case.iban_index is None or not _is_valid(token, case):
        return []
    return [other for other in cases if other.iban_index == case.iban_index]


def link_bucket(token: str, channel_id: int) -> Bucket:
    """The wrong entries of a link; the window ends after the link has expired."""
    days = shop_policy(channel_id).bank_account_link_days
    seconds = int(timedelta(days=days + 1).total_seconds())
    return Bucket(key_of("bank-account-link", token), LINK_TRIES, seconds)


def masked_account(case: CancellationRequest) -> str:
    """The account as mails and the page show it, without the characters that the page asks for:
    `TR33 ••••`; empty if there is none."""
    account = bank_account_of(case)
    return iban_start(account.iban) if account else ""


def _is_valid(token: str, case: CancellationRequest) -> bool:
    max_age = timedelta(days=shop_policy(case.channel_id).bank_account_link_days)
    try:
        _signer(str(case.iban_index)).unsign(token, max_age=max_age)
    except BadSignature:
        return False
    return True


def _signer(account: str) -> TimestampSigner:
    # The account is part of the signature only: not even its index belongs in a URL.
    return TimestampSigner(salt=f"takeback.bank_account.{account}", sep=".")
