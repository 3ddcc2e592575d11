# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether machines reach each other: listens where nothing does, connects to peers, and ends the listening.

A listener is a transient service of systemd with a name and a token of its own, so it ends at its time whatever happens
to the run, and nobody else is taken for it. Private to the collection.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import socket
import sys
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ...errors import PlatformError, Refused
from ...operation import Context
from ...plan import Plan
from .. import host, lock, place
from . import listener, needs, parse
from .across import OPEN, OURS

Params = t.Mapping[str, t.Any]

_UNIT = re.compile(rf"{listener.UNIT_PREFIX}[0-9a-f]{{8}}")
_AT_ONCE = 32
#: What is returned where there is nothing to answer on.
NOTHING: dict[str, t.Any] = {"listening": [], "occupied": [], "failed": {}, "token": "", "unit": ""}


def listen(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], seconds: int) -> dict[str, t.Any]:
    """Answers on the machine's ports that nothing listens on, for at most so many seconds.

    :returns: C(listening), C(occupied), C(failed) (why, by port), and C(unit) and C(token) of the listener.
    :raises PlatformError: systemd did not start it.
    """
    ports = [item.port for item in needs.open_ports(cluster, machine)]
    if lock.busy() is not None:
        # A run that acts here may be about to start what needs these ports.
        return {**NOTHING, "failed": {str(port): "another run changes this machine" for port in ports}}
    ports, occupied = _free(ports, machine["node_ip"])
    if not ports:
        return {**NOTHING, "occupied": occupied}
    token, unit = secrets.token_hex(16), listener.UNIT_PREFIX + secrets.token_hex(4)
    wanted = {"address": machine["node_ip"], "ports": ports, "token": token, "seconds": seconds}
    limits = ("Type=notify", f"RuntimeMaxSec={seconds + 5}", "TimeoutStartSec=20", "TimeoutStopSec=2")
    properties = [argument for limit in limits for argument in ("--property", limit)]
    program = [sys.executable, "-I", "-c", _program(), json.dumps(wanted)]
    host.run(["systemd-run", "--quiet", "--collect", "--unit", unit, *properties, "--", *program], timeout=30)
    said = host.run(["systemctl", "show", "--value", "-p", "StatusText", f"{unit}.service"]).stdout
    try:
        status = json.loads(said)
    except ValueError as exc:
        end(unit)
        raise PlatformError(f"the listener {unit} did not say what it listens on: {said.strip()!r}") from exc
    if not status["listening"]:
        end(unit)
    occupied = sorted({*occupied, *status["occupied"]})
    return {**status, "occupied": occupied, "token": token, "unit": unit if status["listening"] else ""}


def _free(ports: t.Sequence[int], address: str) -> tuple[list[int], list[int]]:
    """Ports that nothing listens on at an address, and the others."""
    tables = {4: host.read("/proc/net/tcp") or "", 6: host.read("/proc/net/tcp6") or ""}
    taken = {
        port
        for version, table in tables.items()
        for where, port, _inode in parse.listening(table, version)
        if parse.serves(where, address)
    }
    return [port for port in ports if port not in taken], sorted(set(ports) & taken)


def _program() -> str:
    """The listener's own text, also from within the archive in which Ansible sends modules."""
    loader: t.Any = listener.__spec__.loader if listener.__spec__ else None
    text = loader.get_source(listener.__name__) if loader else None
    if not text:
        raise PlatformError("the text of the listener is not at hand")
    # Ansible's own loader, of the controller, has bytes.
    return text.decode() if isinstance(text, bytes) else str(text)


def end(unit: str) -> None:
    """Ends a listener, if it has not ended yet.

    :raises Refused: the name is none of a listener.
    """
    if not _UNIT.fullmatch(unit):
        raise Refused(
            f"unit: {unit!r} is no listener of this collection, whose names begin with {listener.UNIT_PREFIX}"
        )
    host.run(["systemctl", "stop", f"{unit}.service"], check=False)


def connect(address: str, port: int, token: str, timeout: float) -> tuple[str, float | None]:
    """Connects once. Returns what answers, and how many milliseconds the connection took.

    :param token: what our listener says; empty where somebody else listens.
    :returns: C(ours), C(open) (somebody listens; no token was expected), C(other) (somebody, but not our listener),
        C(timeout), or what the kernel says, such as C(Connection refused).
    """
    began = time.monotonic()
    try:
        with socket.create_connection((address, port), timeout) as connection:
            milliseconds = round((time.monotonic() - began) * 1000, 2)
            if not token:
                return OPEN, milliseconds
            return (OURS if _heard(connection, len(token)) == token else "other"), milliseconds
    except TimeoutError:
        return "timeout", None
    except OSError as exc:
        return exc.strerror or str(exc), None


def _heard(connection: socket.socket, length: int) -> str:
    data = b""
    with contextlib.suppress(OSError):
        while len(data) < length and (piece := connection.recv(length - len(data))):
            data += piece
    return data.decode("ascii", "replace")


def probe(peers: t.Sequence[t.Mapping[str, t.Any]], timeout: float) -> list[dict[str, t.Any]]:
    """Connects to all ports of all peers, many at once.

    :param peers: C(name), C(address), C(token), and C(ports): C(port), C(purpose) and whether our listener is C(ours).
    """
    asked = [(peer, port) for peer in peers for port in peer["ports"]]

    def one(item: tuple[t.Mapping[str, t.Any], t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
        peer, port = item
        token = peer["token"] if port["ours"] else ""
        answer, milliseconds = connect(peer["address"], int(port["port"]), token, timeout)
        return {
            "peer": peer["name"],
            "port": port["port"],
            "purpose": port["purpose"],
            "answer": answer,
            "ms": milliseconds,
        }

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return list(pool.map(one, asked))


def plan(params: Params, context: Context) -> Plan:
    """The operation behind C(machine_reach). What is listened on for a moment is no state, so it is no step."""
    place.require_root()
    place.require_place(params["machine"])

    def finish() -> dict[str, t.Any]:
        if params["state"] == "listening":
            return listen(params["cluster"], params["machine"], params["lifetime"])
        if params["state"] == "probed":
            return {"probes": probe(params["peers"], params["timeout"])}
        if params["unit"]:
            end(params["unit"])
        return {}

    return Plan(finish=finish)
