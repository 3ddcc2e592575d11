# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects that rules look at, small and valid, with what a test wants different about them."""

from __future__ import annotations

import copy
import typing as t

Object = dict[str, t.Any]
DIGEST = "sha256:" + "a" * 64
SAFE: Object = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
}


def container(name: str = "c", **fields: t.Any) -> Object:
    return {"name": name, "image": "reg.local/a:1", **fields}


def pod(*containers: Object, metadata: Object | None = None, **spec: t.Any) -> Object:
    made = [copy.deepcopy(item) for item in containers or (container(),)]
    return thing("v1", "Pod", {"containers": made, **spec}, metadata)


def guarded(**context: t.Any) -> Object:
    """A pod whose container has this security context."""
    return pod(container(securityContext=context))


def init(*containers: Object) -> Object:
    """A pod with init containers."""
    return pod(initContainers=list(containers))


def thing(api_version: str, kind: str, spec: Object, metadata: Object | None = None) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", **(metadata or {})}, "spec": spec}


def deployment(kind: str = "Deployment", template: Object | None = None, **spec: t.Any) -> Object:
    made = template or pod()
    selected = {"selector": {"matchLabels": {"a": "b"}}, **({"serviceName": "s"} if kind == "StatefulSet" else {})}
    body = {"template": {"metadata": {"labels": {"a": "b"}}, "spec": made["spec"]}, **selected, **spec}
    return thing("apps/v1", kind, body)


def owned(kind: str, *containers: Object) -> Object:
    owner = {"apiVersion": "v1", "kind": kind, "name": "o", "uid": "1", "controller": True}
    return pod(*containers, metadata={"ownerReferences": [owner]})


def autoscaler(**spec: t.Any) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    return thing("autoscaling/v2", "HorizontalPodAutoscaler", {"scaleTargetRef": target, **spec})


def service(**spec: t.Any) -> Object:
    return thing("v1", "Service", {"ports": [{"port": 80}], "selector": {"a": "b"}, **spec})


def ingress(*hosts: str | None, metadata: Object | None = None, **spec: t.Any) -> Object:
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    path = {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}
    rules = [{"http": path, **({"host": host} if host else {})} for host in hosts]
    given = {"defaultBackend": backend} if spec.pop("backend", False) else {}
    return thing("networking.k8s.io/v1", "Ingress", {"rules": rules, **given, **spec}, metadata)


def claim(name: str | None = None) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return thing("v1", "PersistentVolumeClaim", {**spec, **({} if name is None else {"storageClassName": name})})


def budget(**spec: t.Any) -> Object:
    return thing("policy/v1", "PodDisruptionBudget", {"selector": {"matchLabels": {"a": "b"}}, **spec})


def volume(**source: t.Any) -> Object:
    return {"name": "v", **source}


def image(name: str) -> Object:
    return pod(container(image=name))


def port(*numbers: int) -> Object:
    return container(ports=[{"containerPort": 80 + place, "hostPort": one} for place, one in enumerate(numbers)])


def sized(**resources: t.Any) -> Object:
    return container(resources=resources)


PROBE = {"httpGet": {"port": 80}}
HOST_LOG = volume(hostPath={"path": "/var/log/app"})
