# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last good set of a delivery: what each cluster had of it, in a Secret on the hub. Pure.

It may hold Secrets, so nothing of it is shown. Private to the collection.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import hmac
import json
import typing as t
from dataclasses import dataclass, field

from ...errors import InvalidInput, PlatformError, Problem
from ...fleet.identity import NAMESPACE
from ...kube.desired import Normal

Object = dict[str, t.Any]

#: What of an item says how it is delivered, and not what.
_OTHER = {
    "name",
    "description",
    "src",
    "objects",
    "clusters",
    "placement",
    "wait",
    "wait_timeout",
    "prune_limit",
    "rollout",
}
#: What of a chart says how it is fetched, and not what it is; a password is kept nowhere. What is in files is told by a
#: digest, wherever they lie.
_FETCHING = {"source", "version", "ca_file", "username", "password", "values_files"}
#: What Kubernetes allows of a Secret, less room for what is beside the set.
LIMIT = 1024 * 1024 - 4096
DIGEST = "lodestar.platform/delivery-digest"
LABEL = "lodestar.platform/record"
_KIND = "delivery-good"
_KEY = "set"


@dataclass(frozen=True)
class Good:
    """A set that was ready on all its clusters.

    :param clusters: by name, the objects that a cluster had.
    :param declared: the objects as declared, for a cluster that was not among them, and C(item) how they are delivered.
    """

    digest: str
    clusters: t.Mapping[str, Normal] = field(repr=False)
    declared: Normal = field(repr=False)
    item: t.Mapping[str, t.Any] = field(repr=False)


class Hasher:
    """Digests of objects. With a key, nobody who lacks it can tell from one what a Secret holds."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = key
        self._known: dict[int, tuple[t.Any, str]] = {}

    def of_set(self, objects: t.Iterable[Object], item: t.Mapping[str, t.Any]) -> str:
        """The digest of a set: its objects in any order, and how they are delivered."""
        return self._digest([sorted(map(self._of, objects)), item])

    def of_clusters(self, clusters: t.Mapping[str, t.Iterable[Object]]) -> str:
        """The digest of what each cluster has."""
        return self._digest({name: sorted(map(self._of, objects)) for name, objects in clusters.items()})

    def _of(self, obj: Object) -> str:
        """Clusters share most objects, so each is looked at once; it is kept, for its id to stay its own."""
        if id(obj) not in self._known:
            self._known[id(obj)] = obj, self._digest(obj)
        return self._known[id(obj)][1]

    def _digest(self, value: t.Any) -> str:
        return hmac.new(self._key, _text(value), hashlib.sha256).hexdigest()[:20]


def ways(item: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What of an item of C(deliveries) changes what clusters get: patches, replicas, values of a chart and the like."""
    found = {key: value for key, value in sorted(item.items()) if key not in _OTHER}
    if isinstance(found.get("chart"), dict):
        chart = {key: value for key, value in sorted(found["chart"].items()) if key not in _FETCHING}
        if "cluster_values" in chart:
            parts = [one.items() for one in chart["cluster_values"]]
            chart["cluster_values"] = [{key: value for key, value in one if key not in _FETCHING} for one in parts]
        found["chart"] = chart
    return found


def secret_name(name: str) -> str:
    """The name of the Secret that keeps the last good set of a delivery."""
    return f"delivery-{name}-good"


def pack(name: str, good: Good) -> Object:
    """The Secret.

    :raises InvalidInput: the set is too large for one.
    """
    places: dict[str, int] = {}
    objects: list[Object] = []

    def place(obj: Object) -> int:
        text = _text(obj).decode()
        if text not in places:
            places[text] = len(objects)
            objects.append(obj)
        return places[text]

    content = {
        "clusters": {cluster: [place(obj) for obj in held] for cluster, held in sorted(good.clusters.items())},
        "declared": [place(obj) for obj in good.declared],
        "item": dict(good.item),
        "objects": objects,
    }
    packed = gzip.compress(_text(content), mtime=0)
    if len(packed) > LIMIT:
        reason = f"takes {len(packed)} bytes compressed, and a Secret, which keeps it for a rollback, holds {LIMIT}"
        remedy = "Divide the delivery into several, or remove rollout, and nothing is kept"
        raise InvalidInput([Problem(f"deliveries[{name}].rollout", "the set", reason, remedy)])
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret_name(name),
            "namespace": NAMESPACE,
            "labels": {LABEL: _KIND},
            "annotations": {DIGEST: good.digest},
        },
        "data": {_KEY: base64.b64encode(packed).decode()},
    }


def unpack(name: str, secret: t.Mapping[str, t.Any] | None) -> Good:
    """What a Secret holds.

    :raises PlatformError: it is gone, or somebody has changed it; its content is not shown.
    """
    try:
        if secret is None:
            raise ValueError("gone")
        content = json.loads(gzip.decompress(base64.b64decode(str(secret["data"][_KEY]), validate=True)))
        objects = content["objects"]
        clusters = {str(one): Normal(objects[place] for place in held) for one, held in content["clusters"].items()}
        declared = Normal(objects[place] for place in content["declared"])
        return Good(str(secret["metadata"]["annotations"][DIGEST]), clusters, declared, dict(content["item"]))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OSError, EOFError, binascii.Error):
        raise PlatformError(
            f"delivery {name}: the hub's Secret {NAMESPACE}/{secret_name(name)} does not hold its last good set any "
            f"more, so nothing can be rolled back. Declare what is to be there, and give delivery_resume={name}; "
            "nothing was changed."
        ) from None


def _text(value: t.Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()
