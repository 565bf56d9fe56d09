"""The text that the demo prints when its server answers."""

from io import StringIO

from rich.console import Console

from takeback.demo.folder import Folder
from takeback.demo.stories import RETURNS, TRADE_IN
from takeback.home.demo_accounts import DemoAccounts

_STORIES = {
    "cancellable": "three items to cancel",
    "refundable": "two items to return",
    "needs_pickup": "two items that a carrier picks up",
    "partly_shipped": "one item shipped, one not",
    "merged": "one item with a quantity of four",
    "old_order": "imported from the previous system",
}


def banner(demo: DemoAccounts, folder: Folder, *, colour: bool) -> str:
    """Addresses, accounts and orders to try, as text for a terminal."""
    orders = [
        ("two items of a guest to cancel", demo.guest.number, demo.guest.email),
        *(
            (text, demo.stories[name].number, demo.stories[name].email)
            for name, text in _STORIES.items()
        ),
        ("a trade-in offer for an old clock", TRADE_IN, demo.customer.email),
        ("returns in several statuses", RETURNS, f"and more: {folder.published.name}"),
    ]
    rows = [f"{text:36}{number:18}{email}" for text, number, email in orders]
    output = StringIO()
    Console(file=output, force_terminal=colour, highlight=False, soft_wrap=True).print(f"""
[bold]The Takeback demo shop is open:[/] [bold cyan]{demo.url}/[/]

API docs    [cyan]{demo.url}/api/docs/[/]
Desk        [cyan]{demo.url}/desk/[/]
Customer    {demo.customer.email:24}password [bold]{demo.customer.password}[/]
Staff       {demo.staff.username:24}password [bold]{demo.staff.password}[/]

[bold]{"Sample orders":36}[/][dim]{"number":18}e-mail[/]
{chr(10).join(rows)}

Mails to shoppers: {folder.mails}
All of this and an API key: {folder.published}
[dim]Ctrl-C stops the demo.[/]""")
    return output.getvalue()
