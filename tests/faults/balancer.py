# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A load balancer of plain TCP, as simple as one can be: each connection goes to a backend that accepts it."""

from __future__ import annotations

import contextlib
import itertools
import selectors
import socket
import threading
import types
import typing as t

_CONNECT_SECONDS = 1.0


class Balancer:
    """Forwards connections to its address, round robin, past backends that do not accept; ends what nobody accepts.

    :param address: where it listens.
    :param backends: address and port of each.
    """

    def __init__(self, address: tuple[str, int], backends: t.Sequence[tuple[str, int]]) -> None:
        self.served: dict[tuple[str, int], int] = dict.fromkeys(backends, 0)
        self._turn = itertools.cycle(range(len(backends)))
        self._listener = socket.create_server(address)
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Balancer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        # A thread that waits in accept() is not woken by close() alone.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            first = next(self._turn)
            order = list(self.served)
            for backend in order[first:] + order[:first]:
                with contextlib.suppress(OSError), socket.create_connection(backend, _CONNECT_SECONDS) as server:
                    server.settimeout(None)
                    self.served[backend] += 1
                    _pump(client, server)
                    return


def _pump(one: socket.socket, two: socket.socket) -> None:
    """Carries bytes both ways until one side has ended."""
    with selectors.DefaultSelector() as ready:
        ready.register(one, selectors.EVENT_READ, two)
        ready.register(two, selectors.EVENT_READ, one)
        while True:
            for key, _events in ready.select():
                data = t.cast(socket.socket, key.fileobj).recv(65536)
                if not data:
                    return
                key.data.sendall(data)
