"""A mail server on this machine that takes, refuses or hangs up, as a test wants it."""

import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import NamedTuple


class MailServer(NamedTuple):
    """A running server; `taken` is what it has said yes to, in order."""

    port: int
    taken: list[EmailMessage]


class _Dialogue(socketserver.StreamRequestHandler):
    """One client, in the few words of SMTP that a client needs."""

    server: "_Listener"

    def handle(self) -> None:
        self._say(b"220 here")
        while line := self.rfile.readline():
            verb = line[:4].upper().strip().decode()
            reply = self.server.replies.get(verb)
            if reply == b"":
                return
            if verb == "DATA" and reply is None:
                self._take()
            else:
                self._say(reply or b"250 ok")
            if verb == "QUIT":
                return

    def _take(self) -> None:
        self._say(b"354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        told = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(told, EmailMessage)
        self.server.taken.append(told)
        self._say(self.server.replies.get("END", b"250 taken"))

    def _say(self, reply: bytes) -> None:
        self.wfile.write(reply + b"\r\n")


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, replies: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Dialogue)
        self.replies, self.taken = replies, list[EmailMessage]()


@contextmanager
def mail_server(**replies: bytes) -> Iterator[MailServer]:
    """A server that answers 250 to every verb but these; an empty answer hangs up.

    `END` is what it says to a mail that it has read.
    """
    with _Listener(replies) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield MailServer(listener.server_address[1], listener.taken)
        listener.shutdown()
        thread.join()
