"""Ports for servers that the tests start."""

import socket


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def two_free_ports() -> int:
    """The first of two; no client or server is given one of them meanwhile, who asks for any."""
    for port in range(20_000, 30_000, 2):
        if all(map(_is_free, (port, port + 1))):
            return port
    raise AssertionError("all ports from 20,000 to 30,000 are in use")


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
