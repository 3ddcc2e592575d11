# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules with one other parameter than in the library: what one lets through the other refuses: it decides."""

from __future__ import annotations

import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.policy.rules.host import VOLUME_TYPES

from .library import LIBRARY, Cases
from .things import (
    PROBE,
    SAFE,
    Object,
    autoscaler,
    budget,
    claim,
    container,
    deployment,
    guarded,
    image,
    ingress,
    owned,
    pod,
    port,
    service,
    sized,
    volume,
)

#: A source of each type of volume, as the API server takes it.
SOURCES: dict[str, Object] = {
    "awsElasticBlockStore": {"volumeID": "v"},
    "azureDisk": {"diskName": "d", "diskURI": "https://a.example/d"},
    "azureFile": {"secretName": "s", "shareName": "s"},
    "cephfs": {"monitors": ["m"]},
    "cinder": {"volumeID": "v"},
    "configMap": {"name": "m"},
    "csi": {"driver": "d.example"},
    "downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]},
    "emptyDir": {},
    "ephemeral": {"volumeClaimTemplate": {"spec": claim()["spec"]}},
    "fc": {"targetWWNs": ["w"], "lun": 0},
    "flexVolume": {"driver": "d"},
    "flocker": {"datasetName": "d"},
    "gcePersistentDisk": {"pdName": "p"},
    "gitRepo": {"repository": "r"},
    "glusterfs": {"endpoints": "e", "path": "p"},
    "hostPath": {"path": "/"},
    "image": {"reference": "reg.local/a:1"},
    "iscsi": {"targetPortal": "192.0.2.1:3260", "iqn": "iqn.2001-04.com.example:s", "lun": 0},
    "nfs": {"server": "s", "path": "/"},
    "persistentVolumeClaim": {"claimName": "c"},
    "photonPersistentDisk": {"pdID": "p"},
    "portworxVolume": {"volumeID": "v"},
    "projected": {"sources": [{"configMap": {"name": "m"}}]},
    "quobyte": {"registry": "r:1", "volume": "v"},
    "rbd": {"monitors": ["m"], "image": "i"},
    "scaleIO": {"gateway": "g", "system": "s", "secretRef": {"name": "s"}, "volumeName": "v"},
    "secret": {"secretName": "s"},
    "storageos": {"volumeName": "v"},
    "vsphereVolume": {"volumePath": "v"},
}
MOUNTED = {kind: pod(volumes=[volume(**{kind: source})]) for kind, source in SOURCES.items()}
#: Every type but one.
OTHERS = [kind for kind in VOLUME_TYPES if kind != "secret"]
_PARAMETERS = {cases.rule: cases.parameters or {} for cases in LIBRARY}


def varied(rule: str, changes: Object, good: list[Object], bad: list[tuple[Object, str]], variant: str = "") -> Cases:
    """Cases of a rule with these parameters in place of those that the library has."""
    name = variant or "-".join(sorted(changes)).replace("_", "-")
    return Cases(rule, {**_PARAMETERS[rule], **changes}, good, bad, variant=f"-{name}")


LABELLED = pod(metadata={"labels": {"team": "a", "tier": "front"}})
NOTED = pod(metadata={"annotations": {"example.org/contact": "x@y", "level": "a b"}})
WITH_REQUEST, WITH_LIMIT = pod(sized(requests={"cpu": "1"})), pod(sized(limits={"memory": "1Gi"}))
MORE_LIMIT, MORE_REQUEST = pod(sized(limits={"cpu": "3"}, requests={"cpu": "1"})), pod(sized(requests={"cpu": "2"}))
BINDING = guarded(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]})
DROPPING = guarded(capabilities={"drop": ["NET_RAW"]})
HOST_IPC, HOST_OTHERS = pod(hostIPC=True, hostPID=False), pod(hostPID=True, hostNetwork=True)
LOG = volume(hostPath={"path": "/var/log/app"})
WRITTEN = pod(
    initContainers=[container("i", volumeMounts=[{"name": "v", "mountPath": "/l"}])],
    volumes=[LOG],
)
STARTED = owned("ReplicaSet", container(readinessProbe=PROBE, livenessProbe=PROBE, startupProbe=PROBE))
READY = owned("StatefulSet", container(readinessProbe=PROBE))
UNREADY = owned("ReplicaSet", container(startupProbe=PROBE))
ALIVE = owned("DaemonSet", container(livenessProbe=PROBE))
HOST = "a.apps.example.org"

VARIED: list[Cases] = [
    varied(
        "allowed_registries", {"registries": ["reg.local.evil"]}, [image("reg.local.evil/a")], [(pod(), "reg.local/a")]
    ),
    varied("no_latest_tag", {"tags": ["stable"]}, [image("a:latest")], [(image("a:stable"), "none: a:stable;")]),
    varied("required_labels", {"labels": ["other"]}, [pod(metadata={"labels": {"other": ""}})], [(LABELLED, "other;")]),
    varied(
        "required_annotations",
        {"annotations": ["example.org/contact", "other"]},
        [pod(metadata={"annotations": {"example.org/contact": "x", "other": ""}})],
        [(NOTED, "wrong: other;")],
    ),
    varied("required_resources", {"limits": []}, [WITH_REQUEST], [(WITH_LIMIT, "c (requests.cpu);")]),
    varied("required_resources", {"requests": []}, [WITH_LIMIT], [(WITH_REQUEST, "c (limits.memory);")]),
    varied("max_resources", {"limits": {"cpu": "3"}}, [MORE_LIMIT], [(MORE_REQUEST, "c (requests.cpu is 2)")]),
    varied("max_resources", {"requests": {"cpu": "3"}}, [MORE_REQUEST], [(MORE_LIMIT, "c (limits.cpu is 3)")]),
    varied("allowed_capabilities", {"add": []}, [guarded(**SAFE)], [(BINDING, "c (adds NET_BIND_SERVICE)")]),
    varied("allowed_capabilities", {"drop": ["NET_RAW"]}, [DROPPING, BINDING], [(pod(), "c (does not drop NET_RAW)")]),
    varied(
        "no_host_namespaces", {"allowed": ["hostNetwork", "hostPID"]}, [HOST_OTHERS], [(HOST_IPC, "machine: hostIPC;")]
    ),
    varied("allowed_host_paths", {"paths": ["/srv"]}, [pod()], [(pod(volumes=[LOG]), "v (/var/log/app)")]),
    varied(
        "allowed_host_paths",
        {"read_only": False},
        [WRITTEN],
        [(pod(volumes=[volume(hostPath={"path": "/"})]), "v (/)")],
    ),
    varied(
        "allowed_host_ports", {"ports": ["8011-8012"]}, [pod(port(8011))], [(pod(port(9100, 8000, 8010)), "c (9100")]
    ),
    varied(
        "allowed_volume_types",
        {"types": OTHERS},
        [MOUNTED[kind] for kind in OTHERS],
        [(MOUNTED["secret"], "v (secret);")],
        "others",
    ),
    varied(
        "allowed_volume_types",
        {"types": ["secret"]},
        [MOUNTED["secret"]],
        [(MOUNTED[kind], f"v ({kind});") for kind in OTHERS],
        "one",
    ),
    varied(
        "no_token_automount",
        {"service_accounts": ["other"]},
        [pod(serviceAccountName="other")],
        [(pod(serviceAccountName="operator"), "ServiceAccount operator;")],
    ),
    varied("required_probes", {"probes": ["readiness"]}, [READY], [(ALIVE, "c (readinessProbe)")], "ready"),
    varied("required_probes", {"probes": ["liveness"]}, [ALIVE], [(READY, "c (livenessProbe)")], "live"),
    varied("required_probes", {"probes": ["startup"]}, [UNREADY, STARTED], [(READY, "c (startupProbe)")], "started"),
    varied("replica_bounds", {"minimum": 3}, [deployment(replicas=3)], [(deployment(replicas=2), "not allowed: 2;")]),
    varied(
        "replica_bounds",
        {"maximum": 3},
        [deployment(replicas=2)],
        [(deployment("StatefulSet", replicas=4), "allowed: 4;")],
    ),
    varied(
        "replica_bounds",
        {"allow_zero": True},
        [deployment(replicas=0), autoscaler(minReplicas=2, maxReplicas=4)],
        [(deployment(), "not allowed: 1; at least 2 and at most 4 are wanted, or 0")],
    ),
    varied(
        "pdb_sanity",
        {"max_unavailable_only": True},
        [budget(maxUnavailable=1)],
        [(budget(minAvailable=3), "no maxUnavailable"), (budget(), "no maxUnavailable")],
    ),
    varied(
        "allowed_service_types",
        {"types": ["NodePort", "ExternalName"]},
        [service(type="NodePort"), service(type="ExternalName", externalName="a.b")],
        [(service(), "not allowed: ClusterIP;"), (service(type="LoadBalancer"), "not allowed: LoadBalancer;")],
    ),
    varied(
        "allowed_external_ips",
        {"addresses": ["192.0.2.1", "192.0.2.10"]},
        [service(externalIPs=["192.0.2.1", "192.0.2.10"])],
        [(service(externalIPs=["192.0.2.1", "2001:db8::1"]), "not allowed: 2001:db8::1;")],
    ),
    varied(
        "allowed_ingress_hosts", {"suffixes": ["example.org"]}, [ingress("*.example.org")], [(ingress("a.b"), "a.b;")]
    ),
    varied(
        "allowed_ingress_hosts",
        {"allow_any_host": True},
        [ingress(None), ingress(backend=True), ingress(HOST)],
        [(ingress("evilapps.example.org"), "not allowed: evilapps.example.org;")],
    ),
    varied(
        "allowed_ingress_classes",
        {"classes": ["public"]},
        [ingress("a.b", ingressClassName="public")],
        [(ingress("a.b", ingressClassName="internal"), "not allowed: internal;")],
    ),
    varied("allowed_storage_classes", {"classes": ["slow"]}, [claim("slow")], [(claim("fast"), "not allowed: fast;")]),
    varied(
        "allowed_storage_classes", {"allow_none": True}, [claim(), claim("")], [(claim("slow"), "not allowed: slow;")]
    ),
    varied(
        "allowed_priority_classes",
        {"classes": ["urgent"]},
        [pod(priorityClassName="urgent")],
        [(pod(priorityClassName="normal"), "not allowed: normal;")],
    ),
]


def decided(cases: t.Iterable[Cases]) -> set[str]:
    """Which parameters, and which choices, are seen to decide: C(rules.<rule>.<parameter>), with C(=<choice>).

    Of two cases of a rule that differ in one parameter, some object is good in one and bad in the other. A choice is in
    one of the two lists, and what is said of the object names it.
    """
    found = set()
    every = list(cases)
    for one in every:
        for other in every:
            differing = differences(one, other) if one.rule == other.rule else []
            flipped = [told for body, told in other.bad if body in one.good]
            if len(differing) != 1 or not flipped:
                continue
            key = f"rules.{one.rule}.{differing[0]}"
            left, right = ((cases.parameters or {}).get(differing[0]) for cases in (one, other))
            choices = listed(left) ^ listed(right)
            found |= {key, *(f"{key}={choice}" for choice in choices if any(choice in told for told in flipped))}
    return found


def listed(value: t.Any) -> set[str]:
    """The texts of a list."""
    return {item for item in value if isinstance(item, str)} if isinstance(value, list) else set()


def differences(one: Cases, other: Cases) -> list[str]:
    """The parameters of which two cases have other values."""
    left, right = one.parameters or {}, other.parameters or {}
    return [name for name in sorted({*left, *right}) if left.get(name) != right.get(name)]
