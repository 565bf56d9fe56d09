"""Whether a server can listen on a port."""

import errno
import socket


def unusable_reason(host: str, port: int) -> str | None:
    """Why nobody can listen there; None if the port is free.

    The server shares its port with its workers (SO_REUSEPORT), so that it would also share it with
    another server instead of failing: half of the requests would go to another database.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        return f"{host} is no address of this machine; choose another with --host."
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            # Another server that shares its port has not refused the bind in every case.
            probe.listen(1)
        except OSError as error:
            return _sentence(host, port, error)
    return None


def _sentence(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is busy; choose another with --port."
    if error.errno == errno.EACCES:
        return (
            f"Port {port} is reserved for root; choose one above 1023 with --port, and let a proxy "
            "listen on it."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; choose another with --host."
    return f"Port {port} cannot be used ({error.strerror}); choose another with --port."
