# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an attached cluster can be promoted: every check has a case that fails it, and one cluster passes all."""

from __future__ import annotations

import copy
import re
import typing as t
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import before, paths, settings
from ansible_collections.lodestar.platform.plugins.module_utils.machine.promotion import adopt, judge, look
from ansible_collections.lodestar.platform.plugins.module_utils.machine.promotion.differences import differences
from ansible_collections.lodestar.platform.plugins.module_utils.machine.promotion.model import ERROR, Case
from ansible_collections.lodestar.platform.plugins.module_utils.machine.recovery import ENCRYPTION, KEYS
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster, machine

ROOT = Path(__file__).resolve().parents[3]
VERSION = "1.36.3"
HUB, UID = "hub-uid", "uid-1"

Facts = dict[str, t.Any]


def worker(**changes: t.Any) -> Facts:
    """What is seen of a worker that plain kubeadm has made."""
    return {
        "member": True,
        "prepared": False,
        "ca_sha256": "aa",
        "recorded": None,
        "static_pods": [],
        "kubelet": {
            "readable": True,
            "cgroupDriver": "systemd",
            "staticPodPath": paths.MANIFESTS,
            "containerRuntimeEndpoint": "unix:///var/run/containerd/containerd.sock",
            "clusterDomain": "cluster.local",
            "arguments": {},
        },
        "containerd": {"readable": True, "root": "", "state": ""},
        "network": "10-calico.conflist",
        **changes,
    }


def node(name: str, number: int, role: str) -> Facts:
    return {
        "name": name,
        "addresses": [f"192.0.2.{number}"],
        "version": VERSION,
        "runtime": "containerd://2.1.4",
        "control_plane": role == "control_plane",
        "tainted": role == "control_plane",
        "ready": True,
    }


def control_plane(**changes: t.Any) -> Facts:
    """What is seen of a control plane that plain kubeadm has made."""
    components = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    return {
        **worker(),
        "static_pods": list(paths.STATIC_PODS),
        "lasting": {"endpoint": "192.0.2.10:6443", "pod_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/12"},
        "images": {"etcd": "registry/etcd:3.6.1-0", **{name: f"registry/{name}:v{VERSION}" for name in components}},
        "arguments": {
            "kube-apiserver": {
                "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
                "client-ca-file": paths.CA,
                "tls-cert-file": f"{paths.PKI}/apiserver.crt",
                "service-account-signing-key-file": f"{paths.PKI}/sa.key",
            },
            "etcd": {"data-dir": paths.ETCD_DATA},
        },
        "keys": {name: f"digest of {name}" for name in KEYS if name != ENCRYPTION},
        "encryption": {"path": "/etc/kubernetes/enc.yaml", "digest": "dd", "kms": False},
        "api": True,
        "uid": UID,
        "founded": True,
        "members": [
            {"id": "1", "name": name, "peer_urls": [], "learner": False, "healthy": True} for name in ("e1", "e2")
        ],
        "configuration": {"certificatesDir": paths.PKI, "dnsDomain": "cluster.local", "etcd": ["local"]},
        "mark": {"hub_uid": HUB, "cluster": "east"},
        "nodes": [node("e1", 11, "control_plane"), node("e2", 12, "control_plane"), node("w1", 21, "worker")],
        "addons": {"kube-router": "others", "metrics-server": ""},
        "unreadable": "",
        **changes,
    }


def case(**facts: Facts) -> Case:
    """Two control planes and a worker of a cluster that can be promoted."""
    declared = cluster(
        control_plane=["e1", "e2"],
        workers=["w1"],
        endpoint={"address": "192.0.2.10", "port": 6443, "provider": "external", "interface": None},
    )
    return Case(
        cluster=declared,
        machines={
            "e1": machine("e1", node_ip="192.0.2.11"),
            "e2": machine("e2", node_ip="192.0.2.12"),
            "w1": machine("w1", "worker", node_ip="192.0.2.21"),
        },
        facts={"e1": control_plane(), "e2": control_plane(), "w1": worker(), **facts},
        record={"mode": "attach", "uid": UID, "detaching": False},
        hub_uid=HUB,
        addons=("metrics-server",),
    )


def declared(**changes: t.Any) -> Case:
    good = case()
    return replace(good, cluster={**good.cluster, **changes})


def nodes(**changes: t.Any) -> Facts:
    """A control plane that tells of another Node e2."""
    seen = control_plane()
    seen["nodes"][1] = {**seen["nodes"][1], **changes}
    return seen


def deep(seen: Facts, *path: str, value: t.Any) -> Facts:
    """The same facts with another value in one place."""
    answer = copy.deepcopy(seen)
    place = answer
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return answer


@dataclass(frozen=True)
class Failing:
    """A case that fails a check, of whom it is said, and what."""

    case: Case
    subject: str
    seen: str
    needed: str = ""
    remedy: str = ""


_GONE = replace(case(), facts={name: seen for name, seen in case().facts.items() if name != "e2"})
_VIP = {"address": "192.0.2.10", "port": 6443, "provider": "kube_vip", "interface": None}
_RANGES = cluster()["network"]
FAILING = {
    "recorded": Failing(replace(case(), record={}), "east", "no record", remedy="lodestar.platform.attach"),
    "reached": Failing(replace(_GONE, troubles={"e2": "no route to host"}), "e2", "no route to host"),
    "own-record": Failing(case(w1=worker(recorded="west")), "w1", "a machine of west"),
    "member": Failing(case(w1=worker(member=False)), "w1", "nothing of a cluster"),
    "api": Failing(case(e2=control_plane(api=False)), "e2", "does not answer", "port 6443"),
    "identity": Failing(case(e1=control_plane(uid="uid-2")), "e1", "uid-2", UID),
    "mark": Failing(case(e1=control_plane(mark={"hub_uid": "other", "cluster": "east"})), "e1", "hub other", HUB),
    "authority": Failing(case(w1=worker(ca_sha256="bb")), "w1", "bb", "aa"),
    "kubeadm": Failing(case(e1=control_plane(founded=False)), "e1", "kube-proxy"),
    "etcd": Failing(case(e1=deep(control_plane(), "configuration", "etcd", value=["external"])), "e1", "outside"),
    "nodes": Failing(case(e1=nodes(name="e9")), "east", "inventory: e9; no Node of the cluster: e2"),
    "node-role": Failing(case(e1=nodes(control_plane=False)), "e2", "a worker", "a control_plane"),
    "node-ip": Failing(case(e1=nodes(addresses=["192.0.2.99"])), "e2", "192.0.2.99", "192.0.2.12"),
    "node-ready": Failing(case(e1=nodes(ready=False)), "e2", "not Ready"),
    "keys": Failing(case(e2=deep(control_plane(), "keys", "sa.key", value="another")), "e2", "sa.key"),
    "foreseen": Failing(replace(case(), untold={"w1": "the bundle lacks it"}), "w1", "the bundle lacks it"),
    "version": Failing(case(e1=nodes(version="1.35.4")), "e2", "kubelet 1.35.4", VERSION),
    "endpoint": Failing(
        declared(endpoint={**_VIP, "provider": "external", "address": "192.0.2.77"}), "e1", "192.0.2.10", "192.0.2.77"
    ),
    "pod-range": Failing(declared(network={**_RANGES, "pod_cidr": "10.0.0.0/16"}), "e1", "10.244.0.0/16"),
    "service-range": Failing(declared(network={**_RANGES, "service_cidr": "10.0.0.0/16"}), "e1", "10.96.0.0/12"),
    "dns-domain": Failing(declared(network={**_RANGES, "dns_domain": "east.local"}), "e1", "cluster.local"),
    "issuer": Failing(
        case(e1=deep(control_plane(), "arguments", "kube-apiserver", "service-account-issuer", value="https://x")),
        "e1",
        "https://x",
        remedy="api_server_args: {service-account-issuer: https://x}",
    ),
    "endpoint-provider": Failing(declared(endpoint=_VIP), "e1", "no kube-vip", remedy="provider: external"),
    "runtime": Failing(case(e1=nodes(runtime="cri-o://1.36.0")), "e2", "cri-o://1.36.0"),
    "cgroup-driver": Failing(
        case(w1=deep(worker(), "kubelet", "cgroupDriver", value="cgroupfs")), "w1", "cgroupfs", "systemd"
    ),
    "paths": Failing(case(e1=deep(control_plane(), "arguments", "etcd", "data-dir", value="/data")), "e1", "/data"),
    "encryption": Failing(case(e2=deep(control_plane(), "encryption", "kms", value=True)), "e2", "external service"),
    "encrypted": Failing(
        case(e1=control_plane(encryption={"path": "", "digest": "", "kms": False})), "e1", "not encrypted"
    ),
    "taint": Failing(case(e1=nodes(tainted=False)), "e2", "no taint", "the taint", "cluster_colocated"),
    "network": Failing(
        replace(case(), addons=("kube-router", "metrics-server")), "w1", "10-calico.conflist", remedy="[metrics-server]"
    ),
    "addons": Failing(replace(case(), addons=("kube-router",)), "east", "kube-router", remedy="addons_names: []"),
}


def test_a_cluster_that_can_be_promoted_passes_every_check() -> None:
    found = judge.findings(replace(case(), addons=("metrics-server",)))
    assert [item.as_dict() for item in judge.failed(found)] == []
    # Nothing is said about kube-vip where the endpoint is external, nor about a network that is left alone.
    assert {item.check for item in found} == set(judge.IDS) - {"endpoint-provider", "network"}
    ours = {name: {**seen, "network": "10-lodestar.conflist"} for name, seen in case().facts.items()}
    vip = {name: {**seen, "static_pods": [*seen["static_pods"], "kube-vip"]} for name, seen in ours.items()}
    made = replace(declared(endpoint=_VIP), facts=vip, addons=("kube-router", "metrics-server"))
    passed = {item.check for item in judge.findings(made) if item.verdict.passed}
    assert {"endpoint-provider", "network"} <= passed


@pytest.mark.parametrize("check", judge.IDS)
def test_every_check_fails_where_it_should(check: str) -> None:
    expected = FAILING[check]
    found = [item for item in judge.failed(judge.findings(expected.case)) if item.check == check]
    told = {item.verdict.subject: item.verdict for item in found}
    assert expected.subject in told, [item.as_dict() for item in judge.failed(judge.findings(expected.case))]
    verdict = told[expected.subject]
    assert expected.seen in verdict.seen
    assert expected.needed in verdict.needed
    assert expected.remedy in verdict.remedy
    assert verdict.remedy


def test_the_checks_of_the_documentation_are_those_that_are_made() -> None:
    text = (ROOT / "docs" / "fleet.md").read_text().split("## Promoting")[1]
    rows = re.findall(r"^\| `([a-z-]+)` \| (error|warning) \|", text, re.MULTILINE)
    assert rows == [(check.id, check.severity) for check in judge.CHECKS]


def test_all_failures_of_all_machines_are_told_together() -> None:
    bad = replace(declared(version="1.37.2"), record={"mode": "attach", "uid": "other", "detaching": False})
    problems = judge.problems(judge.findings(bad))
    assert [line.split(":")[1].strip() for line in problems] == ["identity"] * 2 + ["version"] * 3
    assert all(UID in line and "other" in line for line in problems[:2])
    table = "\n".join(judge.table(judge.findings(bad)))
    assert "e1, e2, w1" not in table  # what control planes run is told beside the kubelet
    assert "w1" in table


def test_differences_say_what_is_restarted() -> None:
    def step(identity: str, action: str = "update") -> dict[str, t.Any]:
        return {"id": identity, "action": action, "description": "change it", "before": None, "after": "x" * 1000}

    seen = {
        "plan": [step("record:before"), step("file:/etc/crictl.yaml"), step("service:containerd", "restart")],
        "machine": {"differs": [step("static-pod:etcd"), step(f"file:{paths.AUDIT_POLICY}"), step("record:cluster")]},
    }
    found = differences(seen)
    assert [(item["what"], item["restarts"]) for item in found] == [
        ("file:/etc/crictl.yaml", ""),
        ("service:containerd", "containerd"),
        ("static-pod:etcd", "etcd"),
        (f"file:{paths.AUDIT_POLICY}", "kube-apiserver"),
    ]
    assert len(found[0]["wanted"]) < 1000
    assert "e1, e2" in "\n".join(judge.differences_table({"e1": found, "e2": found}))


def test_a_reset_of_a_promoted_machine_empties_it() -> None:
    seen = before.Before(
        sysctls={"net.ipv4.ip_forward": "1"},
        directories={"/etc/kubernetes": 0o755, "/usr/local/bin": 0o755},
        filled=["/var/lib/containerd"],
        units={name: {"enabled": True, "active": True} for name in before.UNITS},
    )
    noted = adopt.emptied(seen)
    assert noted.directories == {"/etc/kubernetes": None, "/usr/local/bin": 0o755}
    assert noted.filled == []
    assert noted.replaced == {}
    assert not any(value for unit in noted.units.values() for value in unit.values())
    assert noted.sysctls == seen.sysctls


def test_what_the_api_server_encrypts_with_is_read_without_being_told(tmp_path: Path) -> None:
    file = tmp_path / "enc.yaml"
    file.write_text("providers:\n- secretbox:\n    keys: [{name: a, secret: c2VjcmV0}]\n- identity: {}\n")
    seen = look.encryption({"encryption-provider-config": [str(file)]})
    assert seen["path"] == str(file)
    assert not seen["kms"]
    assert "c2VjcmV0" not in repr(seen)
    file.write_text("providers:\n- kms:\n    apiVersion: v2\n    endpoint: unix:///x\n")
    assert look.encryption({"encryption-provider-config": [str(file)]})["kms"]
    assert look.encryption({}) == {"path": "", "digest": "", "kms": False}
    assert '"identity": {}' in settings.no_encryption()
    assert 'secret"' not in settings.no_encryption()


def test_where_a_kubelet_keeps_what() -> None:
    text = 'KUBELET_KUBEADM_ARGS="--root-dir=/data/kubelet --pod-infra-container-image=x --node-ip=192.0.2.11"\n'
    assert look.kubelet_arguments(text) == {"root-dir": "/data/kubelet", "node-ip": "192.0.2.11"}


def test_errors_stop_and_warnings_do_not() -> None:
    warned = FAILING["node-ready"].case
    assert judge.problems(judge.findings(warned)) == []
    assert judge.failed(judge.findings(warned), ERROR) == []
    assert any("node-ready" in line for line in judge.table(judge.findings(warned)))
