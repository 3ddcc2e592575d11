# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access to a member cluster as the hub keeps it: a Secret in the shape of Cluster API that says when it ends.

The Secret C(<cluster>-kubeconfig) in the namespace C(<cluster>) holds a kubeconfig with a token that expires. Pure.
Private to the collection.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import typing as t
from dataclasses import dataclass, field

from ..errors import PlatformError
from ..kube.connection import Connection, from_kubeconfig, pem
from ..kube.documents import load_one
from ..kube.token import end, moment
from .identity import CLUSTER_LABEL, SERVICE_ACCOUNT, UID_LABEL

Object = dict[str, t.Any]

#: Cluster API's label for the cluster of a Secret.
CAPI_LABEL = "cluster.x-k8s.io/cluster-name"
SECRET_TYPE = "cluster.x-k8s.io/secret"  # noqa: S105 - a type
EXPIRES = "lodestar.platform/expires"
TIER = "lodestar.platform/tier"
RIGHTS = "lodestar.platform/rights"
LIFETIME = "lodestar.platform/lifetime"
_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Stored:
    """Access to a cluster, as it is kept.

    :param expires: end of the token, RFC 3339.
    :param lifetime: seconds that the cluster granted when it made the token.
    :param rights: digest of what the tier may do, of :func:`access.rights_digest`.
    """

    cluster: str
    server: str
    ca_data: str
    token: str = field(repr=False)
    expires: str = ""
    lifetime: int = 0
    uid: str = ""
    tier: str = ""
    rights: str = ""

    @property
    def connection(self) -> Connection:
        """The connection that it means."""
        return Connection(server=self.server, ca_data=self.ca_data, token=self.token, expires=self.expires)

    @property
    def access(self) -> dict[str, str]:
        """The argument C(access) of cluster-side modules."""
        return {"server": self.server, "ca_data": self.ca_data, "token": self.token, "expires": self.expires}

    def left(self, now: datetime.datetime) -> float:
        """Seconds until the token ends; negative afterwards."""
        return (moment(self.expires) - now).total_seconds()

    def ageing(self, now: datetime.datetime) -> bool:
        """True when no more than half of the lifetime is left."""
        return self.left(now) <= self.lifetime / 2


def secret_name(cluster: str) -> str:
    """The name of a cluster's Secret, as Cluster API names it."""
    return f"{cluster}-kubeconfig"


def to_secret(stored: Stored) -> Object:
    """The hub's Secret for an access."""
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": stored.cluster,
        "contexts": [{"name": stored.cluster, "context": {"cluster": stored.cluster, "user": SERVICE_ACCOUNT}}],
        "clusters": [{"name": stored.cluster, "cluster": _cluster(stored)}],
        "users": [{"name": SERVICE_ACCOUNT, "user": {"token": stored.token}}],
    }
    text = json.dumps(kubeconfig, indent=2, sort_keys=True) + "\n"
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": SECRET_TYPE,
        "metadata": {
            "name": secret_name(stored.cluster),
            "namespace": stored.cluster,
            "labels": {CAPI_LABEL: stored.cluster, CLUSTER_LABEL: stored.cluster, UID_LABEL: stored.uid},
            "annotations": {
                EXPIRES: stored.expires,
                LIFETIME: str(stored.lifetime),
                TIER: stored.tier,
                RIGHTS: stored.rights,
            },
        },
        "data": {"value": base64.b64encode(text.encode()).decode()},
    }


def _cluster(stored: Stored) -> dict[str, str]:
    entry = {"server": stored.server}
    if stored.ca_data:
        ca = pem(stored.ca_data, f"{stored.cluster}: ca_data")
        entry["certificate-authority-data"] = base64.b64encode(ca.encode()).decode()
    return entry


def from_secret(cluster: str, secret: t.Mapping[str, t.Any] | None) -> Stored | None:
    """The access in the hub's Secret; None where there is none.

    :raises PlatformError: the Secret is there and does not hold what it should; its content is not shown.
    """
    if secret is None:
        return None
    name = secret_name(cluster)
    metadata = secret.get("metadata") or {}
    annotations, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
    try:
        value = base64.b64decode(str((secret.get("data") or {})["value"]), validate=True).decode()
        connection = from_kubeconfig(load_one(value, name, _LIMIT), None, ("link-local",))
        expires = annotations.get(EXPIRES) or end(connection.token)
        lifetime = int(annotations.get(LIFETIME) or 0)
        moment(expires)
    except (KeyError, ValueError, binascii.Error, UnicodeDecodeError, PlatformError):
        raise PlatformError(
            f"{cluster}: the Secret {cluster}/{name} on the hub does not hold an access of ours. "
            f"Correct it or delete it, then renew the access (rekey: {cluster}).",
            cluster=cluster,
        ) from None
    return Stored(
        cluster=cluster,
        server=connection.server,
        ca_data=connection.ca_data,
        token=connection.token,
        expires=expires,
        lifetime=lifetime,
        uid=str(labels.get(UID_LABEL) or ""),
        tier=str(annotations.get(TIER) or ""),
        rights=str(annotations.get(RIGHTS) or ""),
    )
