"""The commands of payment accounts: add, change, pause, resume, list and remove them."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from takeback.cli.lists import print_table, words, yes
from takeback.cli.setup import open_database, stop

if TYPE_CHECKING:
    from takeback.refunds.models import PaymentAccount

Code = Annotated[str, typer.Argument(help="Code by which payments refer to the account.")]
Channel = Annotated[
    int | None, typer.Option(help="Id of its channel; needed if several channels use the code.")
]
PROVIDER_ACCOUNT = typer.Option(help="The provider's own id of your account there.")
CURRENCY = typer.Option(help="ISO 4217 code, such as EUR.")
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind", help="Payment type that it serves, such as credit_card; may be repeated."
    ),
]
BaseUrl = Annotated[
    str | None, typer.Option(help="Address of the provider; without it the adapter's own.")
]
Secrets = Annotated[
    list[str] | None,
    typer.Option("--secret", metavar="NAME", help="Asks for this credential; may be repeated."),
]
SecretsFile = Annotated[Path | None, typer.Option(help="JSON file with the credentials by name.")]
SecretsVariable = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Environment variable with this JSON."),
]
Test = Annotated[
    bool | None, typer.Option("--test/--live", help="Whether its credentials move no money.")
]
LimitEach = Annotated[
    str | None, typer.Option(metavar="AMOUNT", help="Largest refund, such as 500.00; 0: no limit.")
]
Active = Annotated[bool, typer.Option("--active", help="Activate a removed account again.")]
LimitDay = Annotated[
    str | None, typer.Option(metavar="AMOUNT", help="Refunds of a day (UTC); 0: no limit.")
]


def add_payment_account(  # noqa: PLR0913 - the options of a command
    code: Code,
    *,
    channel: Annotated[int, typer.Option(help="Id of its channel.")],
    provider: Annotated[str, typer.Option(help="Name of the provider, such as sandbox.")],
    provider_account: Annotated[str, PROVIDER_ACCOUNT],
    currency: Annotated[str, CURRENCY],
    kind: Kinds = None,
    base_url: BaseUrl = None,
    secret: Secrets = None,
    secrets_file: SecretsFile = None,
    secrets_variable: SecretsVariable = None,
    test: Test = None,
    limit_each: LimitEach = None,
    limit_day: LimitDay = None,
) -> None:
    """Add an account at a payment provider, through which refunds are sent.

    Credentials come from a prompt, a file or a variable, never from an argument.
    """
    credentials = _credentials(secret, secrets_file, secrets_variable)
    open_database()
    from takeback.core import clock
    from takeback.refunds.commands.accounts import NewAccount, add_account

    _require_channel_and_provider(channel, provider)
    new = NewAccount(
        code=code,
        provider=provider,
        provider_account=provider_account,
        currency=currency,
        payment_kinds=kind or [],
        base_url=base_url or "",
        credentials=credentials or {},
        is_test=bool(test),
        limit_each_minor=_minor(limit_each, currency) or 0,
        limit_day_minor=_minor(limit_day, currency) or 0,
    )
    add_account(channel, new, now=clock.now())
    typer.echo(f"Payment account {code} added to channel {channel}.", err=True)


def change_payment_account(  # noqa: PLR0913 - the options of a command
    code: Code,
    *,
    channel: Channel = None,
    provider_account: Annotated[str | None, PROVIDER_ACCOUNT] = None,
    currency: Annotated[str | None, CURRENCY] = None,
    kind: Kinds = None,
    base_url: BaseUrl = None,
    secret: Secrets = None,
    secrets_file: SecretsFile = None,
    secrets_variable: SecretsVariable = None,
    test: Test = None,
    limit_each: LimitEach = None,
    limit_day: LimitDay = None,
    active: Active = False,
) -> None:
    """Change a payment account; kinds and credentials replace all old ones."""
    credentials = _credentials(secret, secrets_file, secrets_variable)
    open_database()
    from takeback.core import clock
    from takeback.refunds.commands.accounts import AccountChange, change_account

    account = _account(code, channel)
    unit = currency or account.currency
    change = AccountChange(
        provider_account=provider_account,
        currency=currency,
        payment_kinds=kind,
        base_url=base_url,
        credentials=credentials,
        is_test=test,
        limit_each_minor=_minor(limit_each, unit),
        limit_day_minor=_minor(limit_day, unit),
        is_active=active or None,
    )
    if change == AccountChange():
        stop("Name what to change, such as --limit-day or --secrets-file.")
    changed = change_account(account.channel_id, account.pk, change, now=clock.now())
    typer.echo(f"Payment account {code}: {words(changed) or 'nothing'} changed.", err=True)


def pause_payment_account(code: Code, *, channel: Channel = None) -> None:
    """Stop sending refunds through a payment account; planned ones wait."""
    open_database()
    from takeback.core import clock
    from takeback.refunds.commands.control import pause_account

    account = _account(code, channel)
    pause_account(account.channel_id, account.pk, now=clock.now())
    typer.echo(f"Payment account {code} paused. Planned refunds wait.", err=True)


def resume_payment_account(code: Code, *, channel: Channel = None) -> None:
    """Send refunds through a paused payment account again."""
    open_database()
    from takeback.core import clock
    from takeback.refunds.commands.control import resume_account

    account = _account(code, channel)
    resume_account(account.channel_id, account.pk, now=clock.now())
    typer.echo(f"Payment account {code} resumed.", err=True)


def remove_payment_account(code: Code, *, channel: Channel = None) -> None:
    """Deactivate a payment account once none of its refunds is under way; its history stays."""
    open_database()
    from takeback.core import clock
    from takeback.refunds.commands.accounts import deactivate_account

    account = _account(code, channel)
    deactivate_account(account.channel_id, account.pk, now=clock.now())
    typer.echo(f"Payment account {code} removed.", err=True)


def list_payment_accounts() -> None:
    """List the payment accounts without their credentials."""
    open_database()
    from takeback.core.money import show
    from takeback.refunds.account_queries import accounts, refunds_under_way

    rows = list(accounts())
    under_way = refunds_under_way([account.pk for account in rows])

    def limit(account: "PaymentAccount", minor: int | None) -> str:
        return show(minor, account.currency) if minor else "-"

    print_table(
        (
            *("code", "channel", "provider", "account", "currency", "kinds", "mode"),
            *("each", "day", "paused", "under way", "active"),
        ),
        (
            (
                account.code,
                account.channel_id,
                account.provider,
                account.provider_account,
                account.currency.upper(),
                words(account.payment_kinds) or "-",
                "test" if account.is_test else "live",
                limit(account, account.limit_each_minor),
                limit(account, account.limit_day_minor),
                account.paused_because or "-",
                under_way[account.pk].refunds if account.pk in under_way else 0,
                yes(account.is_active),
            )
            for account in rows
        ),
        "No payment account yet. Run `takeback add-payment-account`.",
    )


def _account(code: str, channel_id: int | None) -> "PaymentAccount":
    from takeback.refunds.account_queries import accounts_with_code

    accounts = accounts_with_code(code, channel_id)
    if not accounts:
        stop(f"There is no payment account {code}. `takeback list-payment-accounts` shows all.")
    if len(accounts) > 1:
        channels = words(account.channel_id for account in accounts)
        stop(f"Several channels have an account {code}: {channels}. Name one with --channel.")
    return accounts[0]


def _require_channel_and_provider(channel_id: int, name: str) -> None:
    from takeback.accounts.channels import InvalidChannel, require_channel
    from takeback.core.errors import Refused
    from takeback.refund_providers.registry import ADAPTERS
    from takeback.refunds.account_errors import PROVIDER_UNKNOWN

    try:
        require_channel(channel_id)
    except InvalidChannel as reason:
        stop(reason)
    if name not in ADAPTERS:
        values = {"provider": name[:32], "providers": words(sorted(ADAPTERS))}
        raise Refused(PROVIDER_UNKNOWN.with_values(**values))


def _minor(amount: str | None, currency: str) -> int | None:
    """An amount in minor units; a currency that does not exist is refused by the command."""
    from takeback.core.money import NotAnAmount, is_currency, parse

    if amount is None or not is_currency(currency.lower()):
        return None
    try:
        return parse(amount, currency.lower())
    except NotAnAmount:
        stop(f"{amount} is no amount in {currency.upper()}, such as 500.")


def _credentials(
    names: list[str] | None, file: Path | None, variable: str | None
) -> dict[str, str] | None:
    """The credentials by name; None if no option names any."""
    if sum(map(bool, (names, file, variable))) > 1:
        stop("Give the credentials by one of --secret, --secrets-file and --secrets-variable.")
    if names:
        return {name: _prompt(name) for name in names}
    if file:
        return _object(file.read_bytes(), str(file))
    if variable:
        if variable not in os.environ:
            stop(f"There is no environment variable {variable}.")
        return _object(os.environ[variable], variable)
    return None


def _prompt(name: str) -> str:
    if "=" in name:
        stop("--secret takes the name only: other users can read the arguments of a command.")
    if not sys.stdin.isatty():
        stop("--secret needs a terminal. Use --secrets-file or --secrets-variable.")
    return str(typer.prompt(name, hide_input=True))


def _object(text: str | bytes, source: str) -> dict[str, str]:
    """The JSON object; its content is never printed."""
    try:
        value: Any = json.loads(text)
    except ValueError:
        stop(f"{source} is no JSON.")
    if not isinstance(value, dict):
        stop(f'{source} is no JSON object, such as {{"api_key": "..."}}.')
    return value
