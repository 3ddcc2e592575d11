# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Membership and quorum of the cluster's etcd, through its HTTP gateway. Private to the collection."""

from __future__ import annotations

import http.client
import json
import ssl
import typing as t
import urllib.parse
from dataclasses import dataclass

from ..errors import PlatformError, Refused
from . import host, paths

_PORT = 2379
#: Seconds in which members elect a leader and connect to a new one, with room to spare.
_SETTLED_SECONDS = 30


@dataclass(frozen=True)
class Member:
    """A member of etcd's cluster.

    :param name: empty while it has never started.
    :param healthy: its C(/health) says so.
    """

    id: str
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    learner: bool
    healthy: bool = False


def majority(voters: int) -> int:
    """How many voters must agree."""
    return voters // 2 + 1


def quorum_problem(members: t.Sequence[Member]) -> str | None:
    """Why membership must not be changed now; ``None`` when it may. Pure.

    A new member starts as a learner and gets its vote once it has caught up, so it never costs a majority itself.
    """
    voters = [member for member in members if not member.learner]
    healthy = [member for member in voters if member.healthy]
    if len(healthy) >= majority(len(voters)):
        return None
    ill = ", ".join(member.name or member.id for member in voters if not member.healthy)
    return f"etcd has no quorum: {len(healthy)} of {len(voters)} voters are healthy, ill: {ill}"


def stale(members: t.Sequence[Member], node_name: str, node_ip: str, has_data: bool) -> Member | None:
    """The member that a machine without etcd data left behind under its name or address. Pure."""
    if has_data:
        return None
    peer = peer_url(node_ip)
    return next((member for member in members if member.name == node_name or peer in member.peer_urls), None)


def removal_problem(members: t.Sequence[Member], leaving: Member) -> str | None:
    """Why a member must not be removed now; ``None`` when it may. Pure.

    The members of before have to agree on the removal, the leaving one among them; those that stay have to agree on
    everything after it.
    """
    quorum = quorum_problem(members)
    if leaving.learner or quorum is not None:
        return quorum
    staying = [member for member in members if not member.learner and member.id != leaving.id]
    healthy = sum(member.healthy for member in staying)
    if not staying:
        return "it is etcd's last voter"
    if healthy < majority(len(staying)):
        return (
            f"etcd would lose its quorum: of the {len(staying)} voters that stay {healthy} are healthy,"
            f" and {majority(len(staying))} are needed"
        )
    return None


def absence_problem(members: t.Sequence[Member], name: str) -> str | None:
    """Why a member must not be restarted now; ``None`` when it may. A lone member has no others to rely on. Pure."""
    voters = [member for member in members if not member.learner]
    others = [member for member in voters if member.name != name]
    healthy = [member for member in others if member.healthy]
    if not others or len(healthy) >= majority(len(voters)):
        return None
    ill = ", ".join(member.name or member.id for member in others if not member.healthy)
    return (
        f"etcd would lose its quorum for as long: {len(healthy)} of {len(others)} other voters are healthy, ill: {ill}"
    )


def peer_url(address: str) -> str:
    """The peer URL that kubeadm gives a member."""
    return f"https://[{address}]:2380" if ":" in address else f"https://{address}:2380"


class Etcd:
    """etcd on this control plane, with the machine's health check certificate.

    :param address: of this machine.
    """

    def __init__(self, address: str, timeout: float = 5) -> None:
        self.address, self._timeout = address, timeout
        self._context = ssl.create_default_context(cafile=f"{paths.PKI}/etcd/ca.crt")
        self._context.load_cert_chain(
            f"{paths.PKI}/etcd/healthcheck-client.crt", f"{paths.PKI}/etcd/healthcheck-client.key"
        )

    def _call(self, method: str, address: str, path: str, body: t.Any = None) -> dict[str, t.Any]:
        connection = http.client.HTTPSConnection(address, _PORT, context=self._context, timeout=self._timeout)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body))
            answer = connection.getresponse()
            data = json.loads(answer.read() or b"{}")
            if answer.status != 200:
                raise PlatformError(f"etcd on {address} refused {path}: {data.get('message', answer.status)}")
            return dict(data)
        except (OSError, ValueError, http.client.HTTPException) as exc:
            raise PlatformError(f"etcd on {address} does not answer: {exc}") from exc
        finally:
            connection.close()

    def _healthy(self, urls: t.Sequence[str]) -> bool:
        for url in urls:
            try:
                address = urllib.parse.urlsplit(url).hostname or ""
                if str(self._call("GET", address, "/health").get("health")).lower() == "true":
                    return True
            except PlatformError:
                continue
        return False

    def members(self, health: bool = True) -> list[Member]:
        """All members. With ``health`` each of them is asked.

        :raises PlatformError: this machine's member does not answer.
        """
        listed = self._call("POST", self.address, "/v3/cluster/member/list", {}).get("members", [])
        answer = []
        for item in listed:
            urls = tuple(item.get("clientURLs", ()))
            answer.append(
                Member(
                    id=str(item["ID"]),
                    name=item.get("name", ""),
                    peer_urls=tuple(item.get("peerURLs", ())),
                    client_urls=urls,
                    learner=bool(item.get("isLearner", False)),
                    healthy=health and self._healthy(urls),
                )
            )
        return answer

    def remove(self, member: Member) -> None:
        """Takes a member out. While another one is new or was the leader and has just left, for some seconds, etcd
        refuses or has no leader, and is asked again.

        :raises Refused: the others would lose their quorum.
        """
        name = member.name or member.id
        problem: str | None = None

        def unsafe() -> str | None:
            nonlocal problem
            problem = removal_problem(self.members(), member)
            return problem

        try:
            host.wait_for(f"etcd can lose {name}", unsafe, _SETTLED_SECONDS, interval=1)
        except PlatformError as exc:
            why = problem or str(exc)
            raise Refused(f"the etcd member {name} must not be removed: {why}") from exc

        def lacking() -> str | None:
            try:
                self._call("POST", self.address, "/v3/cluster/member/remove", {"ID": member.id})
            except PlatformError as exc:
                if "unhealthy cluster" not in str(exc):
                    raise
                return str(exc)
            return None

        host.wait_for(f"etcd lets {name} go", lacking, _SETTLED_SECONDS, interval=1)

    def wait_healthy(self, deadline: float) -> None:
        """Waits until every member votes and is healthy."""

        def lacking() -> str | None:
            try:
                members = self.members()
            except PlatformError as exc:
                return str(exc)
            ill = [item.name or item.id for item in members if item.learner or not item.healthy]
            return f"not yet a healthy voter: {', '.join(ill)}" if ill else None

        host.wait_for("etcd is whole", lacking, deadline)
