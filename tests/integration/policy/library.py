# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each rule of the library lets through and what it refuses: one table, asked of an API server and of the scan."""

from __future__ import annotations

from dataclasses import dataclass, field

from .things import (
    DIGEST,
    HOST_LOG,
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
    init,
    owned,
    pod,
    port,
    service,
    sized,
    volume,
)


@dataclass(frozen=True)
class Cases:
    """A rule with parameters, objects that keep it, and objects that break it with what is said of them."""

    rule: str
    parameters: Object | None
    good: list[Object]
    bad: list[tuple[Object, str]]
    #: Ephemeral containers that are refused, with what is said of them.
    debug: list[tuple[Object, str]] = field(default_factory=list)
    #: What tells cases of the same rule with other parameters apart.
    variant: str = ""

    @property
    def place(self) -> str:
        """The namespace in which the rule is in force with these parameters, and no other."""
        return self.rule.replace("_", "-") + self.variant


LIBRARY: list[Cases] = [
    Cases(
        "allowed_registries",
        {"registries": ["reg.local"]},
        [pod()],
        [(image("reg.local.evil/a"), "not from an allowed registry: reg.local.evil/a")],
        [(container("e", image="evil.example/d"), "not from an allowed registry: evil.example/d")],
    ),
    Cases(
        "no_latest_tag",
        {"tags": ["latest", "main"]},
        [
            image("a:1"),
            image(f"a@{DIGEST}"),
            image(f"reg:5000/a:latest@{DIGEST}"),
            image("a:latest-2"),
            image("a:xmain"),
        ],
        [
            (image("a"), "or with none: a;"),
            (image("reg.local:5000/a"), "none: reg.local:5000/a;"),
            (image("a:latest"), "none: a:latest;"),
            (init(container("i", image="a:main")), "none: a:main;"),
            (pod(volumes=[volume(image={"reference": "a:latest"})]), "none: a:latest;"),
        ],
        [(container("e", image="debug"), "none: debug;")],
    ),
    Cases(
        "digest_only",
        None,
        [image(f"a@{DIGEST}"), image(f"reg:5000/a:1@{DIGEST}")],
        [
            (image("a:1"), "without a digest: a:1;"),
            (init(container("i", image=f"a@{DIGEST[:-1]}")), "without a digest"),
        ],
        [(container("e", image="debug:1"), "without a digest: debug:1")],
    ),
    Cases(
        "required_labels",
        {"labels": ["team", {"key": "tier", "values": ["front"]}]},
        [pod(metadata={"labels": {"team": "a", "tier": "front"}})],
        [(pod(), "wrong: team, tier;"), (pod(metadata={"labels": {"team": "a", "tier": "x"}}), "wrong: tier;")],
    ),
    Cases(
        "required_annotations",
        {"annotations": ["example.org/contact", {"key": "level", "values": ["a b"]}]},
        [pod(metadata={"annotations": {"example.org/contact": "x@y", "level": "a b"}})],
        [
            (pod(), "wrong: example.org/contact, level;"),
            (pod(metadata={"annotations": {"example.org/contact": "x", "level": "a"}}), "wrong: level;"),
        ],
    ),
    Cases(
        "required_resources",
        {"limits": ["memory"], "requests": ["cpu"]},
        [
            pod(sized(limits={"memory": "1Gi"}, requests={"cpu": "1"})),
            pod(resources={"limits": {"memory": "1Gi"}, "requests": {"cpu": "1"}}),
        ],
        [
            (pod(), "c (limits.memory), c (requests.cpu);"),
            (pod(sized(requests={"cpu": "1"})), "required resources: c (limits.memory);"),
            (pod(sized(limits={"memory": "1Gi"})), "required resources: c (requests.cpu);"),
            (pod(sized(limits={"cpu": "1"})), "required resources: c (limits.memory);"),
        ],
    ),
    Cases(
        "max_resources",
        {"limits": {"cpu": "2", "memory": "1Gi", "example.org/gpu": 1}, "requests": {"cpu": "1500m"}},
        [
            pod(),
            pod(sized(limits={"cpu": "2000m", "memory": "1048576Ki"}, requests={"cpu": "1.5"})),
            pod(sized(limits={"example.org/gpu": "1"})),
        ],
        [
            (pod(sized(limits={"cpu": "2001m"})), "c (limits.cpu is 2001m)"),
            (pod(sized(limits={"memory": "1.1Gi"})), "c (limits.memory is "),
            (pod(sized(limits={"example.org/gpu": "2"})), "c (limits.example.org/gpu is 2)"),
            (pod(sized(limits={"cpu": "2"})), "c (requests.cpu is 2)"),
            (pod(sized(requests={"cpu": "2"})), "c (requests.cpu is 2)"),
            (pod(sized(limits={"cpu": "3"}, requests={"cpu": "1"})), "c (limits.cpu is 3)"),
            (init({**sized(limits={"cpu": "3"}), "name": "i"}), "i (limits.cpu is 3)"),
            (pod(resources={"limits": {"cpu": "3"}}), "the pod (limits.cpu is 3)"),
        ],
    ),
    Cases(
        "no_privileged_containers",
        None,
        [pod(), guarded(privileged=False)],
        [
            (guarded(privileged=True), "privileged containers: c;"),
            (init(container("i", securityContext={"privileged": True})), "privileged containers: i;"),
            (
                pod(hostNetwork=True, securityContext={"windowsOptions": {"hostProcess": True}}),
                "privileged containers: the pod (hostProcess)",
            ),
        ],
        [(container("e", securityContext={"privileged": True}), "privileged containers: e;")],
    ),
    Cases(
        "no_privilege_escalation",
        None,
        [guarded(**SAFE), pod(os={"name": "windows"})],
        [
            (pod(), "escalate privileges: c;"),
            (guarded(allowPrivilegeEscalation=True), "escalate privileges: c;"),
            (init(container("i", securityContext={})), "escalate privileges: c, i;"),
        ],
        [(container("e"), "escalate privileges: e;")],
    ),
    Cases(
        "allowed_capabilities",
        {"add": ["NET_BIND_SERVICE"]},
        [guarded(**SAFE), guarded(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]})],
        [
            (pod(), "c (does not drop ALL)"),
            (guarded(capabilities={"drop": ["NET_RAW"]}), "c (does not drop ALL)"),
            (
                guarded(capabilities={"drop": ["ALL"], "add": ["NET_ADMIN", "SYS_ADMIN"]}),
                "c (adds NET_ADMIN, SYS_ADMIN)",
            ),
            (guarded(capabilities={"drop": ["ALL"], "add": ["ALL"]}), "c (adds ALL)"),
        ],
        [
            (
                container("e", securityContext={"capabilities": {"drop": ["ALL"], "add": ["SYS_PTRACE"]}}),
                "e (adds SYS_PTRACE)",
            )
        ],
    ),
    Cases(
        "run_as_non_root",
        None,
        [
            guarded(**SAFE),
            guarded(runAsUser=1000),
            pod(securityContext={"runAsNonRoot": True}),
            pod(securityContext={"runAsUser": 5}),
            pod(container(securityContext={"runAsUser": 5}), securityContext={"runAsUser": 0}),
        ],
        [
            (pod(), "run as root: c;"),
            (guarded(runAsUser=0, runAsNonRoot=True), "run as root: c;"),
            (
                pod(container(securityContext={"runAsNonRoot": False}), securityContext={"runAsNonRoot": True}),
                "root: c;",
            ),
            (pod(container(securityContext={"runAsUser": 0}), securityContext={"runAsUser": 5}), "root: c;"),
            (pod(initContainers=[container("i")], securityContext={"runAsNonRoot": False}), "root: c, i;"),
        ],
        [(container("e", securityContext={"runAsUser": 0}), "run as root: e;")],
    ),
    Cases(
        "read_only_root_filesystem",
        None,
        [guarded(**SAFE)],
        [
            (pod(), "root file system: c;"),
            (init(container("i")), "c, i;"),
            (guarded(readOnlyRootFilesystem=False), "c;"),
        ],
        [(container("e"), "root file system: e;")],
    ),
    Cases(
        "no_host_namespaces",
        {"allowed": ["hostIPC"]},
        [pod(), pod(hostIPC=True, hostPID=False)],
        [(pod(hostPID=True, hostNetwork=True), "namespaces of the machine: hostNetwork, hostPID;")],
    ),
    Cases(
        "allowed_host_paths",
        {"paths": ["/var/log", "/srv/data"], "read_only": True},
        [
            pod(volumes=[HOST_LOG]),
            pod(container(volumeMounts=[{"name": "v", "mountPath": "/l", "readOnly": True}]), volumes=[HOST_LOG]),
            pod(volumes=[volume(hostPath={"path": "/srv/data"})]),
            pod(volumes=[volume(emptyDir={})]),
        ],
        [
            (pod(volumes=[volume(hostPath={"path": "/"})]), "v (/);"),
            (pod(volumes=[volume(hostPath={"path": "/var/logs"})]), "v (/var/logs);"),
            (pod(volumes=[volume(hostPath={"path": "//var/log"})]), "v (//var/log);"),
            (
                pod(
                    initContainers=[container("i", volumeMounts=[{"name": "v", "mountPath": "/l"}])],
                    volumes=[HOST_LOG],
                ),
                "v (/var/log/app) mounted for writing",
            ),
        ],
    ),
    Cases(
        "allowed_host_ports",
        {"ports": [9100, "8000-8010"]},
        [pod(), pod(port(9100, 8000, 8010)), pod(container(ports=[{"containerPort": 1}]))],
        [
            (pod(port(80)), "ports of the machine: c (80);"),
            (pod(port(8011, 9100, 7999)), "c (8011, 7999);"),
            (init({**port(443), "name": "i"}), "i (443);"),
            (pod(container(ports=[{"containerPort": 5000}]), hostNetwork=True), "c (5000);"),
        ],
    ),
    Cases(
        "allowed_volume_types",
        {"types": ["emptyDir", "configMap"]},
        [pod(), pod(volumes=[volume(emptyDir={}), {"name": "w", "configMap": {"name": "m"}}])],
        [
            (pod(volumes=[volume(emptyDir={}), {"name": "w", "hostPath": {"path": "/"}}]), "allowed: w (hostPath);"),
            (pod(volumes=[volume(secret={"secretName": "s"})]), "v (secret);"),
            (pod(volumes=[volume(nfs={"server": "s", "path": "/"})]), "v (nfs);"),
        ],
    ),
    Cases(
        "no_token_automount",
        {"service_accounts": ["operator"]},
        [pod(automountServiceAccountToken=False), pod(serviceAccountName="operator")],
        [
            (pod(), "token for the API: ServiceAccount default;"),
            (pod(serviceAccountName="operator-2", automountServiceAccountToken=True), "ServiceAccount operator-2;"),
        ],
    ),
    Cases(
        "required_probes",
        {"probes": ["readiness", "liveness"]},
        [
            pod(),
            owned("Job"),
            owned("ReplicaSet", container(readinessProbe=PROBE, livenessProbe=PROBE)),
        ],
        [
            (owned("ReplicaSet"), "without probes: c (readinessProbe), c (livenessProbe);"),
            (owned("StatefulSet", container(readinessProbe=PROBE)), "without probes: c (livenessProbe);"),
            (owned("DaemonSet", container(livenessProbe=PROBE)), "without probes: c (readinessProbe);"),
        ],
    ),
    Cases(
        "replica_bounds",
        {"minimum": 2, "maximum": 4},
        [
            deployment(replicas=2),
            deployment("StatefulSet", replicas=4),
            deployment("DaemonSet"),
            autoscaler(minReplicas=2, maxReplicas=4),
        ],
        [
            (deployment(), "not allowed: 1;"),
            (deployment(replicas=0), "not allowed: 0;"),
            (deployment("StatefulSet", replicas=5), "not allowed: 5;"),
            (autoscaler(maxReplicas=3), "not allowed: 1;"),
            (autoscaler(minReplicas=2, maxReplicas=9), "not allowed: 9; at least 2 and at most 4"),
        ],
    ),
    Cases(
        "pdb_sanity",
        None,
        [budget(maxUnavailable=1), budget(maxUnavailable="1%"), budget(minAvailable=3), budget(minAvailable="99%")],
        [
            (budget(maxUnavailable=0), "every drain: maxUnavailable: 0;"),
            (budget(maxUnavailable="00%"), "maxUnavailable: 00%;"),
            (budget(minAvailable="100%"), "minAvailable: 100%;"),
        ],
    ),
    Cases(
        "allowed_service_types",
        {"types": ["ClusterIP", "LoadBalancer"]},
        [service(), service(type="LoadBalancer")],
        [
            (service(type="NodePort"), "not allowed: NodePort;"),
            (service(type="ExternalName", externalName="a.b"), "not allowed: ExternalName;"),
        ],
    ),
    Cases(
        "allowed_external_ips",
        {"addresses": ["192.0.2.1", "2001:db8::1"]},
        [service(), service(externalIPs=["192.0.2.1", "2001:db8::1"])],
        [(service(externalIPs=["192.0.2.1", "192.0.2.10"]), "not allowed: 192.0.2.10;")],
    ),
    Cases(
        "allowed_ingress_hosts",
        {"suffixes": ["apps.example.org"]},
        [ingress("a.apps.example.org", "apps.example.org", "*.apps.example.org")],
        [
            (ingress("evilapps.example.org"), "not allowed: evilapps.example.org;"),
            (ingress("apps.example.org.evil.example"), "not allowed: apps.example.org.evil.example;"),
            (ingress("*.example.org"), "not allowed: *.example.org;"),
            (ingress(None), "not allowed: (any host);"),
            (ingress(backend=True), "not allowed: (any host);"),
            (
                ingress("apps.example.org", tls=[{"hosts": ["apps.example.org", "bank.example"], "secretName": "s"}]),
                "not allowed: tls: bank.example;",
            ),
        ],
    ),
    Cases(
        "allowed_ingress_classes",
        {"classes": ["internal"]},
        [
            ingress("a.b", ingressClassName="internal"),
            ingress("a.b", metadata={"annotations": {"kubernetes.io/ingress.class": "internal"}}),
        ],
        [
            (ingress("a.b"), "not allowed: (none);"),
            (ingress("a.b", ingressClassName="public"), "not allowed: public;"),
            (ingress("a.b", metadata={"annotations": {"kubernetes.io/ingress.class": "public"}}), "allowed: public;"),
        ],
    ),
    Cases(
        "allowed_storage_classes",
        {"classes": ["fast"]},
        [claim("fast")],
        [(claim("slow"), "not allowed: slow;"), (claim(), "not allowed: (none);"), (claim(""), "not allowed: (none);")],
    ),
    Cases(
        "allowed_priority_classes",
        {"classes": ["normal"]},
        [pod(), pod(priorityClassName="normal")],
        [(pod(priorityClassName="urgent"), "not allowed: urgent;")],
    ),
    Cases(
        "forbidden_namespaces",
        {"namespaces": ["forbidden-namespaces"]},
        [service()],
        [(pod(), "not for use: forbidden-namespaces;"), (claim(), "not for use: forbidden-namespaces;")],
    ),
]
