# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers on ports for a while, so that others can find out whether they reach this machine.

Its text is run by itself, as a service of systemd that ends it: C(python3 -I -c TEXT JSON), so it imports nothing of
this collection. It tells systemd what it listens on once it does (C(READY=1), C(STATUS=JSON)). Private to the
collection.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import socket
import sys
import time
from typing import Any

#: How the names of the services begin that run this.
UNIT_PREFIX = "lodestar-reach-"


def bind(address: str, ports: list[int]) -> tuple[dict[int, socket.socket], list[int], dict[str, str]]:
    """Sockets by port, ports that somebody else listens on, and why the others failed."""
    sockets: dict[int, socket.socket] = {}
    occupied: list[int] = []
    failed: dict[str, str] = {}
    for port in ports:
        listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen(128)
            listener.setblocking(False)
        except OSError as exc:
            listener.close()
            if exc.errno == errno.EADDRINUSE:
                occupied.append(port)
            else:
                failed[str(port)] = exc.strerror or str(exc)
        else:
            sockets[port] = listener
    return sockets, occupied, failed


def serve(sockets: list[socket.socket], token: str, seconds: float) -> None:
    """Says the token to everybody who connects, until the time is over. The other side closes."""
    end = time.monotonic() + seconds
    selector = selectors.DefaultSelector()
    for listener in sockets:
        selector.register(listener, selectors.EVENT_READ, True)
    while (left := end - time.monotonic()) > 0:
        for key, _events in selector.select(left):
            connection: Any = key.fileobj
            try:
                if key.data:
                    connection, _peer = connection.accept()
                    connection.setblocking(False)
                    connection.send(token.encode() + b"\n")
                    selector.register(connection, selectors.EVENT_READ, False)
                elif not connection.recv(4096):
                    selector.unregister(connection)
                    connection.close()
            except BlockingIOError:
                continue
            except OSError:
                if connection in selector.get_map():
                    selector.unregister(connection)
                connection.close()


def tell(text: str) -> None:
    """Tells the service manager; without one, nobody."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.connect("\0" + path[1:] if path.startswith("@") else path)
            channel.send(text.encode())


def main(text: str) -> None:
    """Runs by itself.

    :param text: JSON with C(address), C(ports), C(token) and C(seconds).
    """
    wanted = json.loads(text)
    sockets, occupied, failed = bind(wanted["address"], wanted["ports"])
    status = {"listening": sorted(sockets), "occupied": occupied, "failed": failed}
    tell(f"READY=1\nSTATUS={json.dumps(status)}")
    # Also where nothing is left to listen on: what it said is lost with it, and whoever began it ends it.
    serve(list(sockets.values()), wanted["token"], wanted["seconds"])


if __name__ == "__main__":
    main(sys.argv[1])
