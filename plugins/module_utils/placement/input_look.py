# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at one cluster, with the access that the hub keeps: what placements decide by. Private to the collection."""

from __future__ import annotations

import datetime
import time
import typing as t
from dataclasses import dataclass, field, replace

from ..declaration import TENANT_LABEL
from ..errors import PlatformError
from ..fleet import access_info, look, tombstone
from ..fleet.access_secret import from_secret, secret_name
from ..fleet.overview.live import ALIVE
from ..fleet.records import UNAVAILABLE, Observed
from ..kube.client import Client
from ..kube.connection import Connection, resolve
from ..kube.errors import NONSENSE, ApiError, Forbidden, ServerError, Unauthorized, Unreachable
from ..kube.transport import one_look
from .measure import BUDGET, LATENCY, OF_PODS, Measured

Object = t.Mapping[str, t.Any]

USABLE, ABSENT, LEAVING, FAILED = "usable", "absent", "leaving", "failed"
#: States of a cluster that cannot be looked at, and whose records say so.
LOST = ("unreachable", "refused", "expired", UNAVAILABLE)


@dataclass(frozen=True)
class Seen:
    """What a look has found of a cluster.

    :param state: C(usable), one of :data:`LOST`, C(absent) (the hub keeps no access), C(leaving) (it is being detached
        or destroyed), or C(failed) for any other reason.
    """

    name: str
    state: str = USABLE
    reason: str = ""
    observed: Observed | None = None
    measured: Measured = field(default_factory=Measured)


class _Not(Exception):
    """There is nothing to be seen."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state, self.reason = state, reason


def see(cluster: Object, params: Object, hub: Client, wanted: t.Collection[str]) -> Seen:
    """Looks at a cluster of the fleet. Whatever is wrong with it is told, and stops no other one.

    Costs the hub one request and the cluster four, one more for scores of pods and one for budgets.

    :param params: with C(hub) and C(hub_access).
    :param wanted: names of scores.
    """
    name = str(cluster["name"])
    try:
        with one_look():
            return _seen(cluster, _reach(name, params, hub), wanted)
    except _Not as exc:
        return Seen(name, exc.state, exc.reason)
    except Unauthorized as exc:
        return Seen(name, "refused", f"its access is not accepted ({exc}); renew it with rekey: {name}")
    except Unreachable as exc:
        return Seen(name, "unreachable", str(exc))
    except ServerError as exc:
        return Seen(name, UNAVAILABLE, str(exc))
    except PlatformError as exc:
        return Seen(name, FAILED, str(exc))
    except NONSENSE as exc:
        return Seen(name, FAILED, f"it answers with something that is no Kubernetes API ({type(exc).__name__})")


def _reach(name: str, params: Object, hub: Client) -> Connection:
    """The way to a cluster."""
    if name == params["hub"]:
        own = {key: value for key, value in params["hub_access"].items() if key != "uid"}
        return resolve({"access": own}, {})
    try:
        secret = hub.get("v1", "Secret", secret_name(name), name)
    except ApiError as exc:
        raise PlatformError(f"{name}: the hub cannot be asked for the access: {exc}") from exc
    stored = from_secret(name, secret)
    if stored is None:
        raise _Not(ABSENT, "the hub keeps no access for it")
    if tombstone.read(secret) is not None or tombstone.read_ending(secret) is not None:
        raise _Not(LEAVING, "it is being detached or destroyed")
    state, reason, access = access_info.judge(stored, datetime.datetime.now(datetime.UTC))
    if access is None:
        raise _Not(state, reason)
    return stored.connection


def _seen(cluster: Object, connection: Connection, wanted: t.Collection[str]) -> Seen:
    deadline = access_info.DEADLINE
    with Client(connection, deadline=deadline, until=time.monotonic() + deadline) as client:
        # Answers to what was asked before are no measure.
        seconds = min(_timed(client.version), _timed(lambda: client.request("GET", "/apis")))
        observed = replace(look.observe(client, cluster["name"]), access_expires=connection.expires)
        parts = _Parts(str((cluster.get("access") or {}).get("tier") or ""))
        pods = quotas = None
        if set(OF_PODS) & set(wanted):
            pods = parts.read("pods", lambda: client.list("v1", "Pod", field_selector=ALIVE))
        if BUDGET in wanted and cluster.get("tenants"):
            quotas = parts.read("quotas", lambda: client.list("v1", "ResourceQuota", label_selector=TENANT_LABEL))
    measured = Measured(
        observed.nodes, pods, quotas, seconds if LATENCY in wanted else None, parts.left_out, parts.missed
    )
    return Seen(cluster["name"], observed=observed, measured=measured)


def _timed(ask: t.Callable[[], t.Any]) -> float:
    begin = time.monotonic()
    ask()
    return time.monotonic() - begin


class _Parts:
    """What is read besides, part by part: what may not be seen, or cannot be seen now, keeps no other from being read.

    :param tier: of our access; one that only observes is not asked for what it may not see.
    """

    def __init__(self, tier: str) -> None:
        self._tier = tier
        self.left_out: dict[str, str] = {}
        self.missed: dict[str, str] = {}

    def read(self, name: str, reader: t.Callable[[], list[dict[str, t.Any]]]) -> list[dict[str, t.Any]] | None:
        """A part, None where it was not seen."""
        if self._tier == "observe":
            self.left_out[name] = f"our access to the cluster is of the tier observe, which may not list {name}"
            return None
        try:
            return reader()
        except Forbidden:
            self.left_out[name] = f"our access to the cluster may not list {name}"
        except PlatformError as exc:
            self.missed[name] = str(exc).splitlines()[0]
        except NONSENSE as exc:
            self.missed[name] = f"the answer is no object of Kubernetes ({type(exc).__name__})"
        return None
