# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For random declarations and states of a cluster: a second run does nothing, and check mode says what a run does."""

from __future__ import annotations

import copy
import random
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import Refused
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.desired import normalise
from ansible_collections.lodestar.platform.plugins.module_utils.kube.diff import covers

from ..harness.apiserver import ApiServer
from .test_apply import edit, plan, run

Object = dict[str, t.Any]
RBAC = "rbac.authorization.k8s.io"
QUICK, LONG = 12, 250


class World:
    """What one seed makes of it."""

    def __init__(self, api: ApiServer, seed: int, prefix: str) -> None:
        self.api, self.prefix, self.random = api, f"{prefix}-{seed}", random.Random(seed)
        self.pool = [maker(self, f"{self.prefix}-{number}") for number, maker in enumerate(MAKERS * 2)]

    def declared(self) -> list[Object]:
        """Some of the objects, each as random makes it."""
        chosen = self.random.sample(self.pool, self.random.randint(1, len(self.pool)))
        return [self.vary(copy.deepcopy(obj)) for obj in chosen]

    def vary(self, obj: Object) -> Object:
        """Other labels, annotations and data."""
        for key in ("labels", "annotations"):
            if self.random.random() < 0.4:
                obj["metadata"][key] = self.words()
        if "data" in obj and self.random.random() < 0.6:
            obj["data"] = self.words()
        if "stringData" in obj and self.random.random() < 0.6:
            obj["stringData"] = self.words()
        return obj

    def words(self) -> dict[str, str]:
        return {key: self.random.choice(["1", "0.5", "true", "", "x"]) for key in self.random.sample("abcdef", 2)}

    def disturb(self, client: Client, objects: list[Object]) -> None:
        """Somebody edits, deletes, and declares fields of what is there."""
        for obj in objects:
            path = client.resource(obj["apiVersion"], obj["kind"]).path("default", obj["metadata"]["name"])
            if client.get(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], "default") is None:
                continue
            act = self.random.choice(["leave", "leave", "edit", "delete", "unlabel", "declare", "strip"])
            if act == "delete":
                client.delete(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], "default")
            elif act == "edit":
                edit(self.api, path, {"metadata": {"labels": self.words(), "annotations": self.words()}})
            elif act == "unlabel":
                edit(self.api, path, {"metadata": {"labels": {"applyset.kubernetes.io/part-of": None}}})
            elif act == "strip":
                edit(self.api, path, {"metadata": {"annotations": None}})
            elif act == "declare":
                self.declare(path, obj)

    def declare(self, path: str, obj: Object) -> None:
        body = {**{key: obj[key] for key in ("apiVersion", "kind")}, "metadata": {"labels": self.words()}}
        query = {"fieldManager": "other", "force": "true"}
        with Client(self.api.admin) as admin:
            admin.request("PATCH", path, query=query, body=body, content_type="application/apply-patch+yaml")


def _object(api_version: str, kind: str, name: str, **content: t.Any) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "default"}, **content}


def _deployment(world: World, name: str) -> Object:
    cpu = world.random.choice(["0.5", "500m", "1000m", 1])
    container = {"name": "app", "image": "a:1", "env": [], "resources": {"requests": {"cpu": cpu}}}
    container["ports"] = [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}]
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "tolerations": []}}
    return _object("apps/v1", "Deployment", name, spec={"selector": {"matchLabels": labels}, "template": template})


def _policy(world: World, name: str) -> Object:
    peers = [{"podSelector": {}}, {"ipBlock": {"cidr": "10.0.0.0/8"}}]
    rules = [{"from": world.random.sample(peers, world.random.randint(1, 2)), "ports": [{"port": 53}]}]
    return _object(
        "networking.k8s.io/v1", "NetworkPolicy", name, spec={"podSelector": {}, "ingress": rules, "egress": []}
    )


def _binding(world: World, name: str) -> Object:
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": world.random.choice(["view", "edit"])}
    subjects = [{"kind": "User", "name": "a"}, {"kind": "ServiceAccount", "name": "b", "namespace": "default"}]
    return _object(f"{RBAC}/v1", "RoleBinding", name, roleRef=role, subjects=subjects)


MAKERS: list[t.Callable[[World, str], Object]] = [
    lambda world, name: _object("v1", "ConfigMap", name, data={"a": "1"}),
    lambda world, name: _object("v1", "Secret", name, stringData={"a": "1"}),
    lambda world, name: _object("v1", "Service", name, spec={"ports": [{"name": "a", "port": 80}]}),
    lambda world, name: _object("v1", "ResourceQuota", name, spec={"hard": {"pods": 9, "requests.cpu": "4000m"}}),
    _deployment,
    _policy,
    _binding,
]


def check(api: ApiServer, client: Client, seed: int, prefix: str) -> None:
    world = World(api, seed, prefix)
    name = world.prefix
    for _round in range(3):
        objects = world.declared()
        world.disturb(client, world.pool)
        mark = api.audit.mark()
        options: dict[str, t.Any] = {}
        try:
            predicted = plan(client, objects, name)
        except Refused:
            options = {"force": True, "adopt": ["all"]}
            predicted = plan(client, objects, name, **options)
        assert not [request for request in api.audit.since(mark) if request.writes]
        done = run(client, objects, name, **options)
        assert [step.as_dict() for step in done] == [step.as_dict() for step in predicted]
        assert plan(client, objects, name) == [], f"seed {seed}: a second run has something to do"
        for obj in normalise(objects):
            there = client.get(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], "default")
            assert there is not None
            assert covers(obj, there), f"seed {seed}: {obj['kind']} is not as declared"


def test_random_states(api: ApiServer, client: Client, prefix: str) -> None:
    for seed in range(QUICK):
        check(api, client, seed, prefix)


@pytest.mark.full
def test_many_random_states(api: ApiServer, client: Client, prefix: str, bar: t.Any) -> None:
    for seed in range(QUICK, LONG):
        check(api, client, seed, prefix)
    bar(
        "random declarations and cluster states: check equals run, a second run does nothing",
        f"{3 * LONG} of {3 * LONG}",
    )
