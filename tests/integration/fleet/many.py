# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A hub with many members behind one API server, a stand-in for their controllers, and runs of the module delivery."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.delivery.operate import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_secret import Stored, to_secret
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.members import Members
from .conftest import LODESTAR, minted, run

Object = dict[str, t.Any]
GRANTS = {"resources": ["configmaps", "deployments.apps", "secrets"]}
CLUSTER = "cluster.open-cluster-management.io/v1"
SET_LABEL = "cluster.open-cluster-management.io/clusterset"


class Controllers(threading.Thread):
    """Makes Deployments ready, as the controllers of the members would, but for those that are broken.

    :ivar broken: says of a member and an image that it never becomes ready.
    :ivar under_way: the most members that had a Deployment which was not ready, at any time; C(seen) which these were.
    :ivar space: the namespace that is looked at.
    """

    def __init__(self, members: Members) -> None:
        super().__init__(daemon=True)
        self.space = "-"
        self.broken: t.Callable[[str, str], bool] = lambda member, image: False
        self.under_way, self.seen = 0, list[set[str]]()
        self._members, self._ended = members, threading.Event()

    def run(self) -> None:
        with Client(self._members.server.admin) as client:
            while not self._ended.wait(0.2):
                there = {self._members.whose(one["metadata"]["namespace"]): one for one in self._listed(client)}
                unready = {name: one for name, one in there.items() if name and not _is_ready(one)}
                self.under_way = max(self.under_way, len(unready))
                if unready and (not self.seen or self.seen[-1] != set(unready)):
                    self.seen.append(set(unready))
                for name, one in unready.items():
                    if not self.broken(name, one["spec"]["template"]["spec"]["containers"][0]["image"]):
                        _make_ready(client, one)

    def _listed(self, client: Client) -> list[Object]:
        found = client.list("apps/v1", "Deployment")
        return [one for one in found if one["metadata"]["namespace"].endswith(f"-{self.space}")]

    def look(self, space: str) -> None:
        """Begins to look anew."""
        self.space, self.under_way, self.seen = space, 0, []

    def end(self) -> None:
        """Ends."""
        self._ended.set()
        self.join()


def _is_ready(one: Object) -> bool:
    status, wanted = one.get("status") or {}, one["spec"]["replicas"]
    seen = status.get("observedGeneration") == one["metadata"]["generation"]
    return seen and status.get("availableReplicas", 0) == wanted


def _make_ready(client: Client, one: Object) -> None:
    _set_status(client, one, one["spec"]["replicas"])


def _set_status(client: Client, one: Object, ready: int) -> None:
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), ready)
    status = {"observedGeneration": one["metadata"]["generation"], **counts}
    path = f"/apis/apps/v1/namespaces/{one['metadata']['namespace']}/deployments/{one['metadata']['name']}/status"
    with contextlib.suppress(Exception):
        client.request(
            "PATCH", path, body={"status": status}, content_type="application/merge-patch+json",
            query={"fieldManager": "controllers"},
        )  # fmt: skip


class Many:
    """The fleet: the members, the hub that knows them, and the module.

    :param labels: by member, its labels.
    """

    def __init__(self, hub: ApiServer, hub_access: Object, server: ApiServer, labels: t.Mapping[str, Object]) -> None:
        self.hub, self.hub_access, self.server = hub, hub_access, server
        self.members = Members(server, list(labels))
        self.controllers = Controllers(self.members)
        self.clusters: dict[str, Object] = {
            name: {
                "name": name, "mode": "attach", "role": "workload", "colocated": False, "labels": dict(some),
                "access": {"tier": "tenant", "grants": GRANTS},
            }
            for name, some in labels.items()
        }  # fmt: skip
        self.name = "shop"
        self._marks = (0, 0)

    def __enter__(self) -> Many:
        self.members.__enter__()
        made = minted(self.server, access.access_objects("tenant", grants=GRANTS))
        rights = access.rights_digest("tenant", grants=GRANTS)
        with Client(self.hub.admin) as client:
            for name, cluster in self.clusters.items():
                _attach(client, name, cluster["labels"], Stored(
                    name, self.members.url(name), self.server.authority.pair.certificate, made["token"],
                    made["expires"], 3600, self.members.uid(name), "tenant", rights,
                ))  # fmt: skip
        self.controllers.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.controllers.end()
        self.members.__exit__()
        self.forget()

    def begin(self, name: str) -> None:
        """From now on there is another delivery, with a namespace of its own."""
        self.name = name
        self.controllers.look(name)

    def forget(self) -> None:
        """Removes what the hub keeps of deliveries."""
        with Client(self.hub.admin) as client:
            for kind in ("ConfigMap", "Secret"):
                for obj in client.list("v1", kind, namespace="lodestar-system"):
                    if obj["metadata"]["name"].startswith("delivery-"):
                        client.delete("v1", kind, obj["metadata"]["name"], "lodestar-system")

    def item(self, image: str = "web:1", **changes: t.Any) -> Object:
        """A delivery of a namespace, settings, a password and a Deployment."""
        where = {} if "placement" in changes else {"clusters": {"names": list(self.clusters)}}
        return {"name": self.name, "objects": objects(self.name, image), **where, **changes}

    def __call__(self, *items: Object, check: bool = False, **given: t.Any) -> Object:
        self._marks = (self.hub.audit.mark(), self.server.audit.mark())
        known = {"hub": "hub", "hub_access": self.hub_access, "clusters": self.clusters, "decision_timeout": 1}
        return run(OPERATION, check, deliveries=list(items), **{"at_once": 16, **known, **given})

    def done(self, *items: Object, **given: t.Any) -> Object:
        answer = self(*items, **given)
        assert not answer.get("failed"), answer["msg"]
        return answer

    def written(self) -> dict[str, int]:
        """How many writes the members and the hub got since the last run began, where there were any."""
        found = dict(self.members.written(self.server.audit.since(self._marks[1], LODESTAR)))
        hub = [one for one in self.hub.audit.since(self._marks[0], LODESTAR) if one.writes]
        return {**found, **({"hub": len(hub)} if hub else {})}

    def images(self) -> dict[str, str]:
        """By member, the image that its Deployment declares."""
        with Client(self.server.admin) as client:
            found = client.list("apps/v1", "Deployment")
        return {
            self.members.whose(one["metadata"]["namespace"]): one["spec"]["template"]["spec"]["containers"][0]["image"]
            for one in found
            if one["metadata"]["namespace"].endswith(f"-{self.name}")
        }

    def held(self, kind: str, name: str) -> dict[str, Object]:
        """By member, what an object in its namespace declares as data."""
        with Client(self.server.admin) as client:
            found = [one for one in client.list("v1", kind) if one["metadata"]["name"] == name]
        return {self.members.whose(one["metadata"]["namespace"]): one.get("data") for one in found}

    def everything(self) -> dict[str, Object]:
        """What the members hold of the delivery, without what servers write by themselves."""
        with Client(self.server.admin) as client:
            found = [
                (kind, obj)
                for api, kind in (("v1", "ConfigMap"), ("v1", "Secret"), ("apps/v1", "Deployment"))
                for obj in client.list(api, kind)
                if obj["metadata"]["namespace"].endswith(f"-{self.name}")
            ]
        return {
            f"{obj['metadata']['namespace']}/{kind}/{obj['metadata']['name']}": {
                **{key: obj[key] for key in ("data", "spec", "type") if key in obj},
                **{key: obj["metadata"].get(key) for key in ("labels", "annotations")},
            }
            for kind, obj in found
        }

    def kept(self) -> list[str]:
        """The Secrets of deliveries on the hub."""
        with Client(self.hub.admin) as client:
            found = client.list("v1", "Secret", namespace="lodestar-system")
        return [name for obj in found if (name := obj["metadata"]["name"]).startswith("delivery-")]

    def standing(self) -> Object:
        """How the rollout stands, as the hub records it."""
        with Client(self.hub.admin) as client:
            found = client.get("v1", "ConfigMap", f"delivery-{self.name}", "lodestar-system") or {}
        return dict(json.loads(found["data"]["rollout"]))

    @contextlib.contextmanager
    def restarting(self, member: str, after: float) -> t.Iterator[None]:
        """Some time after the Deployment of a member has become ready it is not any more."""
        ended = threading.Event()

        def restart() -> None:
            with Client(self.server.admin) as client:
                while not ended.wait(0.1):
                    there = client.get("apps/v1", "Deployment", "web", f"{member}-{self.name}")
                    if there and _is_ready(there) and there["metadata"]["generation"] > 1 and not ended.wait(after):
                        _set_status(client, there, 0)
                        return

        thread = threading.Thread(target=restart)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def states(answer: Object) -> dict[str, list[str]]:
    """By state, the clusters that are in it, of the one delivery of a run."""
    found: dict[str, list[str]] = {}
    (outcome,) = answer["outcome"].values()
    for cluster, one in sorted(outcome.items()):
        found.setdefault(one["state"], []).append(cluster)
    return found


def objects(space: str, image: str, **data: str) -> list[Object]:
    """What the delivery holds."""
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}}
    where, told = {"namespace": space}, data or {"mode": "plain"}
    password = base64.b64encode(f"password of {image}".encode()).decode()
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", **where}, "data": told},
        {
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", **where}, "type": "Opaque",
            "data": {"password": password},
        },
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", **where},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
        },
    ]  # fmt: skip


def _attach(client: Client, name: str, labels: t.Mapping[str, str], stored: Stored) -> None:
    """What attaching leaves on the hub."""
    mark = {"lodestar.platform/cluster": name}
    client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": mark}}, force=True)
    client.apply(to_secret(stored), force=True)
    record = {
        "apiVersion": CLUSTER,
        "kind": "ManagedCluster",
        "metadata": {"name": name, "labels": {**labels, **mark, SET_LABEL: "default"}},
    }
    client.apply({**record, "spec": {"hubAcceptsClient": True}}, force=True)
