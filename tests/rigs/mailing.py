"""A mail server on this machine that accepts, refuses or hangs up, as a test configures it."""

import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import NamedTuple


class MailServer(NamedTuple):
    """A running server, and the mails that it has accepted, in their order."""

    port: int
    accepted: list[EmailMessage]


class _Dialogue(socketserver.StreamRequestHandler):
    """The part of SMTP that a client of one mail needs."""

    server: "_Listener"

    def handle(self) -> None:
        self._reply(b"220 here")
        while line := self.rfile.readline():
            verb = line[:4].upper().strip().decode()
            reply = self.server.replies.get(verb)
            if reply == b"":
                return
            if verb == "DATA" and reply is None:
                self._accept()
            else:
                self._reply(reply or b"250 ok")
            if verb == "QUIT":
                return

    def _accept(self) -> None:
        self._reply(b"354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.server.accepted.append(message)
        self._reply(self.server.replies.get("END", b"250 accepted"))

    def _reply(self, reply: bytes) -> None:
        self.wfile.write(reply + b"\r\n")


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, replies: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Dialogue)
        self.replies, self.accepted = replies, list[EmailMessage]()


@contextmanager
def mail_server(**replies: bytes) -> Iterator[MailServer]:
    """A server that replies 250 to all verbs except these; an empty reply hangs up.

    `END` is the reply to a complete mail.
    """
    with _Listener(replies) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield MailServer(listener.server_address[1], listener.accepted)
        listener.shutdown()
        thread.join()
