# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a control plane and its cluster are well, before and after something of it is restarted.

Private to the collection.
"""

from __future__ import annotations

import contextlib
import typing as t

from ..errors import PlatformError, Refused
from . import etcd, host, kubeadm, kubeapi, paths

Answer = t.TypeVar("Answer")

SECONDS = 240
#: kube-vip ends where it loses its Lease, and the kubelet waits up to five minutes before it begins a pod again.
_ENDPOINT_SECONDS = 360
_MOVES_SECONDS = 0.5


def require_api(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> kubeapi.Api:
    """The local API server, as administrator.

    :raises PlatformError: this machine is not a control plane, or its API does not answer.
    """
    api = kubeapi.local_admin(machine["node_ip"], kubeadm.bind_port(cluster))
    if api is None or not api.live():
        raise PlatformError(f"{machine['name']} is not a healthy control plane of {cluster['name']}")
    return api


def patiently(ask: t.Callable[[], Answer | None], patience: float) -> Answer | None:
    """What a control plane answers, given time to start, as after a reboot or a run that was killed.

    One that answers, and one without a kubelet that would start it, is asked once.

    :param ask: asks it; ``None`` says that it does not answer.
    :param patience: seconds after which it counts as down.
    """
    answer = ask()
    if answer is not None or not host.services(["kubelet"])["kubelet"].active:
        return answer

    def lacking() -> str | None:
        nonlocal answer
        answer = ask()
        return "no answer" if answer is None else None

    with contextlib.suppress(PlatformError):
        host.wait_for("the API server answers", lacking, patience, interval=1)
    return answer


def wait_whole(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> None:
    """Waits until the endpoint answers and every member of etcd votes.

    :raises PlatformError: at the deadline, with what is missing.
    """
    wait_endpoint(cluster)
    database = etcd.Etcd(machine["node_ip"])
    database.wait_healthy(120)
    problem = etcd.quorum_problem(database.members())
    if problem is not None:
        raise PlatformError(problem)


def wait_endpoint(cluster: t.Mapping[str, t.Any]) -> None:
    """Waits until the API answers at the cluster's endpoint.

    :raises PlatformError: at the deadline.
    """
    address, port = cluster["endpoint"]["address"], int(cluster["endpoint"]["port"])
    ca = host.read_bytes(paths.CA) or b""

    def lacking() -> str | None:
        # Asked often, since a connection that began before the address moved does not notice.
        if not kubeapi.accepts(address, port, _MOVES_SECONDS):
            return f"{kubeadm.endpoint(cluster)} takes no connection"
        api = kubeapi.Api(address, port, kubeapi.client_context(ca), timeout=5)
        try:
            return None if api.ready() else f"{kubeadm.endpoint(cluster)} is not ready"
        finally:
            api.close()

    host.wait_for("the endpoint answers", lacking, _ENDPOINT_SECONDS)


def require_quorum_without(machine: t.Mapping[str, t.Any]) -> set[str]:
    """Stops where etcd could not do without this machine's member for a moment. A lone member has no other.

    :returns: the names of the healthy voters, for :func:`wait_recovered`.
    :raises Refused: the others are no majority.
    """
    members = etcd.Etcd(machine["node_ip"]).members()
    problem = etcd.absence_problem(members, machine["node_name"])
    if problem is not None:
        raise Refused(f"nothing is restarted on {machine['name']}: {problem}")
    return {member.name for member in members if member.healthy and not member.learner}


def wait_recovered(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], well: t.Collection[str]) -> None:
    """Waits until the endpoint answers and every member of etcd votes that did before.

    :param well: the names of the members that were healthy.
    :raises PlatformError: at the deadline, with what is missing.
    """
    wait_endpoint(cluster)
    database = etcd.Etcd(machine["node_ip"])

    def lacking() -> str | None:
        try:
            healthy = {member.name for member in database.members() if member.healthy}
        except PlatformError as exc:
            return str(exc)
        ill = sorted(set(well) - healthy)
        return f"no longer healthy: {', '.join(ill)}" if ill else None

    host.wait_for("the members of etcd are healthy again", lacking, 120)
