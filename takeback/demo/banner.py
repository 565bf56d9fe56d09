"""What the demo prints when it is up."""

from io import StringIO

from rich.console import Console
from rich.table import Table

from takeback.demo.entrance import Entrance
from takeback.demo.folder import Folder
from takeback.demo.stories import ASKING, TRADE_IN

_WIDTH = 100
_TRIES = {
    "cancellable": "three lines to cancel",
    "refundable": "two lines to send back",
    "needs_pickup": "two lines the courier collects",
    "partly_shipped": "one line on its way, one not",
    "merged": "four of one thing in one line",
    "old_order": "from an older system",
}


def banner(entrance: Entrance, folder: Folder, *, colour: bool) -> str:
    """Addresses, accounts and orders to try, as text for a terminal."""
    text = StringIO()
    console = Console(file=text, force_terminal=colour, width=_WIDTH, highlight=False)
    customer, staff = entrance["customer"], entrance["staff"]
    console.print(f"\n[bold]The Takeback demo shop is open:[/] [bold cyan]{entrance['url']}/[/]\n")
    table = Table.grid(padding=(0, 3))
    table.add_row("API pages", f"[cyan]{entrance['url']}/api/docs/[/]")
    table.add_row("Desk", f"[cyan]{entrance['url']}/desk/[/]")
    table.add_row("Customer", customer["email"], f"password [bold]{customer['password']}[/]")
    table.add_row("Staff", staff["username"], f"password [bold]{staff['password']}[/]")
    table.add_row()
    table.add_row("[bold]Try me[/]", "[dim]order[/]", "[dim]e-mail[/]")
    guest = entrance["guest"]
    table.add_row("a guest's, two to cancel", guest["number"], guest["email"])
    for name, words in _TRIES.items():
        story = entrance["stories"][name]
        table.add_row(words, story["number"], story["email"])
    table.add_row("an offer for an old clock", TRADE_IN, customer["email"])
    table.add_row("requests in every state", ASKING, f"and more: {folder.published.name}")
    console.print(table)
    console.print(f"\nMails to shoppers: {folder.mails}")
    console.print(f"All of this, and an API key: {folder.published}")
    console.print("[dim]Ctrl-C stops the demo.[/]")
    return text.getvalue()
