# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoint's address while a control plane is upgraded: another one carries it before the API server here ends.

A kube-vip that is told to end gives its Lease back, so the address moves within a second or two; one whose API server
is gone keeps it until the Lease runs out. Private to the collection.
"""

from __future__ import annotations

import os
import typing as t

from ..errors import PlatformError
from . import host, kubeadm, kubeapi, kubevip_identity, node, paths, place

#: Where the static pod's manifest waits meanwhile: a run that goes on brings it back.
PARKED = f"{paths.SETTINGS}/kube-vip.yaml"
_MOVED_SECONDS = 30

Cluster = t.Mapping[str, t.Any]


def moves(cluster: Cluster) -> bool:
    """Whether there is another control plane that could carry the address. Pure."""
    return cluster["endpoint"]["provider"] == "kube_vip" and len(cluster["control_plane"]) > 1


def add_leaving(steps: node.Steps, cluster: Cluster) -> None:
    """Adds the step that makes another control plane carry the address, whoever carries it now."""
    address = cluster["endpoint"]["address"]
    if moves(cluster):
        steps.add("address:left", "run", f"leave {address} to another control plane", lambda: _leave(cluster))


def add_returning(steps: node.Steps, cluster: Cluster, images: t.Mapping[str, str]) -> None:
    """Adds the steps after which this control plane may carry the address again, with a renewed certificate."""
    if cluster["endpoint"]["provider"] != "kube_vip":
        return
    steps.add(
        f"file:{paths.KUBE_VIP_CONF}",
        "update",
        "renew the certificate of kube-vip, and start it with that",
        lambda: _renew(cluster, images),
        before="(secret)",
        after="(secret)",
    )


def _leave(cluster: Cluster) -> None:
    if os.path.exists(paths.KUBE_VIP_MANIFEST):
        os.replace(paths.KUBE_VIP_MANIFEST, PARKED)
    try:
        host.wait_for("another control plane carries the address", lambda: _carried_here(cluster), _MOVED_SECONDS)
    except PlatformError:
        _bring_back()
        raise


def _carried_here(cluster: Cluster) -> str | None:
    where = cluster["endpoint"]
    if where["address"] in place.addresses():
        return "it is still here"
    ca = host.read_bytes(paths.CA) or b""
    api = kubeapi.Api(where["address"], int(where["port"]), kubeapi.client_context(ca), timeout=3)
    try:
        return None if api.ready() else f"{kubeadm.endpoint(cluster)} is not ready"
    finally:
        api.close()


def _bring_back() -> None:
    if os.path.exists(paths.KUBE_VIP_MANIFEST):
        host.remove(PARKED)
    elif os.path.exists(PARKED):
        os.replace(PARKED, paths.KUBE_VIP_MANIFEST)


def _renew(cluster: Cluster, images: t.Mapping[str, str]) -> None:
    kubevip_identity.write(cluster, images)
    if os.path.exists(PARKED):
        _bring_back()
        return
    # It reads its certificate when it starts, and never again.
    listed = host.run(["/usr/local/bin/crictl", "ps", "-q", "--name", "^kube-vip$"]).stdout.split()
    for container in listed:
        host.run(["/usr/local/bin/crictl", "stop", container], timeout=60)
