# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration is rendered from a cluster's settings, and the operator's deviations win."""

from __future__ import annotations

import json
import tomllib
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import files, kubeadm, kubevip, settings, toml
from ansible_collections.lodestar.platform.plugins.module_utils.machine.merge import merged
from ansible_collections.lodestar.platform.tests.unit.machine.examples import IMAGES, cluster, machine


def arguments(items: list[dict[str, str]]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in items}


def test_toml_is_read_back_as_it_was() -> None:
    document = {
        "version": 3,
        "on": True,
        "list": ["a", 'quoted " and \\ and \n'],
        "plugins": {"io.containerd.cri.v1.runtime": {"cni": {"bin_dirs": ["/opt/cni/bin"]}, "empty": {}}},
    }
    assert tomllib.loads(toml.dumps(document)) == document
    with pytest.raises(TypeError):
        toml.dumps({"nothing": None})


def test_merging() -> None:
    ours = {"keep": 1, "drop": 2, "deep": {"a": 1, "b": [1]}}
    theirs = {"drop": None, "deep": {"b": [2], "c": {"d": None, "e": 1}}, "new": {"x": None}}
    assert merged(ours, theirs) == {"keep": 1, "deep": {"a": 1, "b": [2], "c": {"e": 1}}, "new": {}}
    assert ours["deep"] == {"a": 1, "b": [1]}


def containerd(**changes: t.Any) -> dict[str, t.Any]:
    described = cluster(**changes)
    text = files.containerd_config(
        described.get("kubelet_config") or {}, described.get("containerd_config") or {}, IMAGES["pause"]
    )
    return tomllib.loads(text)["plugins"]


def test_the_runtime_and_the_kubelet_agree_on_cgroups() -> None:
    def systemd(**changes: t.Any) -> bool:
        runtime = containerd(**changes)["io.containerd.cri.v1.runtime"]
        return runtime["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"]

    assert systemd() is True
    assert systemd(kubelet_config={"cgroupDriver": "cgroupfs"}) is False
    assert kubeadm.kubelet_configuration(cluster())["cgroupDriver"] == "systemd"


def test_containerd_pins_its_sandbox_and_takes_deviations() -> None:
    deviation = {"plugins": {"io.containerd.cri.v1.runtime": {"restrict_oom_score_adj": True}}}
    plugins = containerd(containerd_config=deviation)
    assert plugins["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == IMAGES["pause"]
    assert plugins["io.containerd.cri.v1.runtime"]["restrict_oom_score_adj"] is True
    assert plugins["io.containerd.cri.v1.runtime"]["cni"]["bin_dirs"] == ["/opt/cni/bin"]


def test_files_with_settings_of_the_kubelet_are_roots_alone() -> None:
    modes = {item.path: item.mode for item in files.desired_files(cluster(), IMAGES["pause"])}
    assert modes["/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"] == 0o600


def test_cluster_configuration() -> None:
    document = kubeadm.cluster_configuration(cluster(), IMAGES)
    assert document["controlPlaneEndpoint"] == "192.0.2.10:6443"
    assert document["imageRepository"] == "lodestar.platform/bundle"
    assert document["etcd"]["local"]["imageTag"] == "3.6.16-0"
    assert document["dns"]["imageTag"] == "v1.14.6"
    server = arguments(document["apiServer"]["extraArgs"])
    assert server["profiling"] == "false"
    assert server["service-account-extend-token-expiration"] == "false"
    assert (server["audit-log-maxage"], server["audit-log-maxbackup"], server["audit-log-maxsize"]) == (
        "30",
        "10",
        "100",
    )
    mounted = {item["mountPath"]: item["readOnly"] for item in document["apiServer"]["extraVolumes"]}
    assert mounted == {"/etc/kubernetes/lodestar": True, "/var/log/kubernetes/audit": False}
    for path in (server["audit-policy-file"], server["encryption-provider-config"]):
        assert path.startswith("/etc/kubernetes/lodestar/")


def test_an_argument_of_ours_can_be_changed_and_taken_away() -> None:
    described = cluster(api_server_args={"audit-log-maxage": 7, "tls-min-version": None, "v": 2})
    server = arguments(kubeadm.cluster_configuration(described, IMAGES)["apiServer"]["extraArgs"])
    assert (server["audit-log-maxage"], server["v"], "tls-min-version" in server) == ("7", "2", False)


@pytest.mark.parametrize(
    ("machine_changes", "cluster_changes", "taints"),
    [
        ({}, {}, None),
        ({}, {"colocated": True}, []),
        ({"role": "worker"}, {}, []),
        ({"role": "worker", "taints": [{"key": "gpu", "effect": "NoSchedule"}]}, {}, ["gpu"]),
        ({"taints": [{"key": "gpu", "effect": "NoSchedule"}]}, {}, ["node-role.kubernetes.io/control-plane", "gpu"]),
    ],
)
def test_taints(machine_changes: dict[str, t.Any], cluster_changes: dict[str, t.Any], taints: list[str] | None) -> None:
    """A dedicated control plane keeps kubeadm's taint: ``None`` leaves it to kubeadm, an empty list takes it away."""
    registration = kubeadm.node_registration(cluster(**cluster_changes), machine(**machine_changes))
    given = registration.get("taints")
    assert (None if given is None else [item["key"] for item in given]) == taints


def test_kube_vip_carries_an_address_so_the_api_server_listens_on_the_endpoints_port() -> None:
    endpoint = {"address": "192.0.2.10", "port": 8443, "provider": "kube_vip", "interface": None}
    assert kubeadm.bind_port(cluster(endpoint=endpoint)) == 8443
    assert kubeadm.bind_port(cluster(endpoint={**endpoint, "provider": "external"})) == 6443
    assert kubeadm.endpoint(cluster(endpoint={**endpoint, "address": "2001:db8::1"})) == "[2001:db8::1]:8443"


def test_join_configuration_of_a_control_plane_and_of_a_worker() -> None:
    material = {"token": "abcdef.0123456789abcdef", "ca_hash": "sha256:aa", "certificate_key": "ff"}
    (control_plane,) = kubeadm.join_documents(cluster(), machine(), material)
    (worker,) = kubeadm.join_documents(cluster(), machine("w1", "worker"), material)
    assert control_plane["controlPlane"]["certificateKey"] == "ff"
    assert "controlPlane" not in worker
    assert worker["discovery"]["bootstrapToken"]["caCertHashes"] == ["sha256:aa"]


def test_documents_are_yaml_of_one_document_a_section() -> None:
    text = kubeadm.render(kubeadm.init_documents(cluster(), machine(), IMAGES, "abcdef.0123456789abcdef"))
    kinds = [json.loads(part)["kind"] for part in text.split("---\n")]
    assert kinds == ["InitConfiguration", "ClusterConfiguration", "KubeletConfiguration", "KubeProxyConfiguration"]


def level(user: str, groups: list[str], verb: str, group: str, resource: str) -> str:
    """The level of the first rule that matches, as the API server chooses it."""
    for rule in json.loads(settings.audit_policy())["rules"]:
        if "nonResourceURLs" in rule:
            continue
        resources = rule.get("resources")
        fits = resources is None or any(
            item["group"] == group and (not item.get("resources") or resource in item["resources"])
            for item in resources
        )
        if (
            fits
            and ("users" not in rule or user in rule["users"])
            and ("userGroups" not in rule or set(rule["userGroups"]) & set(groups))
            and ("verbs" not in rule or verb in rule["verbs"])
        ):
            return rule["level"]
    return "None"


OURS = (
    "system:serviceaccount:lodestar-system:lodestar",
    ["system:serviceaccounts", "system:serviceaccounts:lodestar-system"],
)
ADMIN = ("kubernetes-admin", ["kubeadm:cluster-admins"])


@pytest.mark.parametrize("user", [OURS, ADMIN])
@pytest.mark.parametrize("verb", ["create", "update", "patch", "delete"])
@pytest.mark.parametrize(
    ("group", "resource"),
    [
        ("", "secrets"),
        ("", "events"),
        ("", "pods"),
        ("rbac.authorization.k8s.io", "rolebindings"),
        ("coordination.k8s.io", "leases"),
        ("cluster.open-cluster-management.io", "managedclusters"),
    ],
)
def test_every_write_of_ours_is_in_the_audit_log(
    user: tuple[str, list[str]], verb: str, group: str, resource: str
) -> None:
    assert level(*user, verb, group, resource) != "None"


@pytest.mark.parametrize(
    ("group", "resource"), [("", "secrets"), ("", "configmaps"), ("authentication.k8s.io", "tokenreviews")]
)
@pytest.mark.parametrize("verb", ["get", "create", "update"])
def test_no_content_of_secrets_is_in_the_audit_log(group: str, resource: str, verb: str) -> None:
    assert level(*ADMIN, verb, group, resource) == "Metadata"
    assert level("system:node:e1", ["system:nodes"], verb, group, resource) == "Metadata"


def test_the_machinerys_own_reads_are_not_in_the_audit_log() -> None:
    assert level("system:node:e1", ["system:nodes"], "get", "", "pods") == "None"
    assert level(settings.KUBE_VIP_USER, [], "update", "coordination.k8s.io", "leases") == "None"


def test_encryption_keys_are_compared_by_content() -> None:
    one, other = settings.new_encryption(), settings.new_encryption()
    assert settings.same_encryption(one, json.dumps(json.loads(one)))
    assert not settings.same_encryption(one, other)
    provider = json.loads(one)["resources"][0]["providers"][0]
    assert list(provider) == ["secretbox"]
    assert settings.fingerprint(one) != settings.fingerprint(other)


def test_kube_vip_may_do_little() -> None:
    pod = json.loads(kubevip.manifest(IMAGES["kube-vip"], "192.0.2.10", 6443, "eth0", "e1"))
    security = pod["spec"]["containers"][0]["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW"]}
    assert pod["spec"]["volumes"][0]["hostPath"] == {"path": "/etc/kubernetes/kube-vip.conf", "type": "File"}
    environment = arguments(pod["spec"]["containers"][0]["env"])
    assert (environment["vip_leaseduration"], environment["vip_renewdeadline"], environment["vip_retryperiod"]) == (
        "5",
        "3",
        "1",
    )
    role, binding = kubevip.rbac()
    assert {resource for rule in role["rules"] for resource in rule["resources"]} == {"leases"}
    assert binding["subjects"][0]["name"] == settings.KUBE_VIP_USER


def test_the_interface_is_the_one_of_the_nodes_address() -> None:
    links = [
        {"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}, {"local": "192.0.2.10"}]},
        {"ifname": "eth1", "addr_info": [{"local": "192.0.2.11"}]},
    ]
    assert kubevip.interface_of(json.dumps(links), "192.0.2.11") == "eth1"
    assert kubevip.interface_of(json.dumps(links), "192.0.2.99") is None
    assert "192.0.2.10" in kubevip.addresses_on(json.dumps(links), "lo")
