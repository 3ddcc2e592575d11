# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check has a case that passes it and one that fails it."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import replace

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import Refused
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import checks, checks_probe
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.checks_distribution import PRODUCTS, recognise
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.checks_model import Check, Expected, Observation
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.identity import Mark
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
EXPECTED = Expected(
    cluster="legacy",
    tier="tenant",
    hub_uid="hub",
    tenant_namespaces=["team-a"],
    ranges={"legacy": ["10.244.0.0/16"], "east": ["10.246.0.0/16", "172.20.0.0/16"]},
)


def node(name: str, *, ready: bool = True, **more: t.Any) -> dict[str, t.Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    info = {"architecture": more.pop("architecture", "amd64")}
    return {"metadata": {"name": name, **more}, "status": {"conditions": [condition], "nodeInfo": info}}


def webhook(**hook: t.Any) -> dict[str, t.Any]:
    rule = {"resources": ["pods/exec", "deployments"]}
    return {"metadata": {"name": "judge"}, "webhooks": [{"name": "pods.judge", "rules": [rule], **hook}]}


GOOD = Observation(
    server="https://192.0.2.1:6443",
    latency=0.01,
    certificate_end="2027-11-22T12:00:00Z",
    certificate_names=["kubernetes"],
    skew=0.0,
    credential_end="2026-11-22T13:00:00Z",
    git_version="v1.36.3",
    groups=["apps", "metrics.k8s.io"],
    uid="u-1",
    nodes=[node("a", labels={"node.kubernetes.io/exclude-from-external-load-balancers": ""})],
    namespaces=["default", "kube-system"],
    foreign_namespaces=["default", "kube-system"],
    daemon_sets=["calico-node", "kube-proxy"],
    webhooks=[],
    ranges=["10.244.0.0/24", "10.96.0.0/12"],
    default_classes=["fast"],
    metrics_api=True,
    missing_rights=[],
)

#: check id -> (what to change so that it fails, the severity then).
FAILING: dict[str, tuple[dict[str, t.Any], str]] = {
    "reachable": ({"unreachable": "connection refused"}, "error"),
    "tls": ({"tls_problem": "self-signed certificate"}, "error"),
    "latency": ({"latency": 0.8}, "warning"),
    "certificate_expiry": ({"certificate_end": "2026-12-01T00:00:00Z"}, "warning"),
    "clock_skew": ({"skew": -20.0}, "warning"),
    "credential_expiry": ({"credential_end": "2026-11-22T11:59:59Z"}, "error"),
    "distribution": ({"nodes": [node("a")]}, "info"),
    "version": ({"git_version": "v1.29.9"}, "error"),
    "feature_validating_admission_policy": ({"git_version": "v1.29.9"}, "info"),
    "feature_structured_authentication": ({"git_version": "v1.29.9"}, "info"),
    "feature_mutating_admission_policy": ({"git_version": "v1.35.1"}, "info"),
    "rights": ({"missing_rights": ["create namespaces"]}, "error"),
    "nodes": ({"nodes": [node("a", ready=False)]}, "warning"),
    "other_managers": ({"namespaces": ["kube-system", "cattle-system"]}, "warning"),
    "identity": ({"mark": Mark("another", "legacy")}, "error"),
    "metrics_api": ({"metrics_api": False}, "info"),
    "default_storage_class": ({"default_classes": []}, "info"),
    "architectures": ({"nodes": [node("a", architecture="s390x")]}, "info"),
    "network_policies": ({"daemon_sets": ["kube-flannel-ds"]}, "warning"),
    "fail_closed_webhooks": ({"webhooks": [webhook()]}, "warning"),
    "other_policy_engines": ({"groups": ["kyverno.io"]}, "warning"),
    "tenant_namespaces": ({"foreign_namespaces": ["team-a"]}, "warning"),
    "address_ranges": ({"ranges": ["10.96.0.0/12", "10.246.3.0/24"]}, "info"),
}


def found(seen: Observation, expected: Expected = EXPECTED) -> dict[str, Check]:
    return {item.id: item for item in checks.evaluate(seen, expected, NOW)}


def test_a_good_cluster_passes_every_check() -> None:
    assert {item.id for item in found(GOOD).values() if not item.passed} == set()


def test_every_check_has_its_case() -> None:
    assert set(found(GOOD)) == set(FAILING)


@pytest.mark.parametrize("identity", FAILING)
def test_each_check_fails_with_a_remedy(identity: str) -> None:
    change, severity = FAILING[identity]
    failed = found(replace(GOOD, **change))[identity]
    assert not failed.passed
    assert failed.severity == severity
    assert failed.remedy


@pytest.mark.parametrize(
    "key",
    [
        "nodes", "namespaces", "uid", "certificate_end", "skew", "missing_rights", "default_classes", "metrics_api",
        "daemon_sets", "webhooks", "foreign_namespaces",
    ],
)  # fmt: skip
def test_what_could_not_be_read_is_said_and_never_passes(key: str) -> None:
    seen = replace(GOOD, **{key: None})
    assert [item for item in found(seen).values() if not item.passed and "could not be read" in item.seen]


@pytest.mark.parametrize(
    ("version", "good"),
    [("v1.30.0", True), ("v1.37.2+k3s1", True), ("v1.38.0", False), ("v1.3.0", False), ("v2.30", False), ("", False)],
)
def test_versions(version: str, good: bool) -> None:
    assert found(replace(GOOD, git_version=version))["version"].passed is good


def test_identities_of_the_hub_count() -> None:
    swapped = replace(EXPECTED, recorded_uid="u-0")
    assert "recorded is u-0" in found(GOOD, swapped)["identity"].seen
    twice = replace(EXPECTED, records=[("old", "u-1")])
    assert "'old'" in found(GOOD, twice)["identity"].seen


def test_a_very_wrong_clock_keeps_a_cluster_out() -> None:
    assert found(replace(GOOD, skew=400.0))["clock_skew"].severity == "error"


def test_the_refusal_names_every_error_and_no_warning() -> None:
    seen = replace(GOOD, git_version="v1.20.1", missing_rights=["create namespaces"], latency=2.0)
    with pytest.raises(Refused) as caught:
        checks.refuse("legacy", checks.evaluate(seen, EXPECTED, NOW))
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines[1:]] == ["- version", "- rights"]


def test_the_table_is_aligned_and_holds_every_check() -> None:
    lines = checks.table("legacy", checks.evaluate(GOOD, EXPECTED, NOW)).splitlines()
    assert lines[0] == "Checks of legacy"
    assert len(lines) == 3 + len(FAILING)
    column = lines[1].index("seen")
    assert all(line[column - 2 : column] == "  " for line in lines[3:])


NODE: dict[str, t.Any] = {"metadata": {"name": "n", "labels": {}, "annotations": {}}, "spec": {}}
DISTRIBUTIONS: dict[str, tuple[str, list[str], dict[str, t.Any]]] = {
    "openshift": ("v1.31.6", ["config.openshift.io"], NODE),
    "k3s": ("v1.31.6+k3s1", [], NODE),
    "rke2": ("v1.31.6+rke2r1", [], NODE),
    "eks": ("v1.31.6-eks-bc803b4", [], NODE),
    "gke": ("v1.31.6-gke.1064000", [], NODE),
    "aks": ("v1.31.6", [], {"metadata": {"labels": {"kubernetes.azure.com/cluster": "x"}}}),
    "kind": ("v1.31.6", [], {**NODE, "spec": {"providerID": "kind://docker/kind/kind-control-plane"}}),
    "kubeadm": ("v1.31.6", [], {"metadata": {"annotations": {"kubeadm.alpha.kubernetes.io/cri-socket": "x"}}}),
    "unknown": ("v1.31.6", [], NODE),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_distributions(name: str) -> None:
    version, groups, example = DISTRIBUTIONS[name]
    answer = recognise(version, groups, [example])
    assert answer.name == name
    assert answer.evidence
    assert answer.product == PRODUCTS[name][0]


def test_the_platform_is_that_of_all_nodes() -> None:
    aws = {**NODE, "spec": {"providerID": "aws:///eu-west-1a/i-1"}}
    assert recognise("v1.36.3", [], [aws, NODE]).platform == "AWS"
    gce = {**NODE, "spec": {"providerID": "gce://p/z/i"}}
    assert recognise("v1.36.3", [], [aws, gce]).platform == "Other"


#: Made for this test; nobody has its key.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBpDCCAUmgAwIBAgIUYXVMpkyKWnmy9zGjOFjrNIt1KBwwCgYIKoZIzj0EAwIw
JzEKMAgGA1UECgwBeDEZMBcGA1UEAwwQa3ViZXJuZXRlcy1hZG1pbjAeFw0yNjEx
MjIxNjU2NTRaFw0zNjExMTkxNjU2NTRaMCcxCjAIBgNVBAoMAXgxGTAXBgNVBAMM
EGt1YmVybmV0ZXMtYWRtaW4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARjkB42
YjBW2Ub5aEBUAgm6v4KoyiLzDV3zl3fMGtQBCW0jlGO0pLl7MFlvvdTr9U61Ixt/
7WdWa56fKqooRwXlo1MwUTAdBgNVHQ4EFgQUBgZq5AWHxSZ90uwE0jlILuAP5lkw
HwYDVR0jBBgwFoAUBgZq5AWHxSZ90uwE0jlILuAP5lkwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNJADBGAiEAzmc+pVHUcfqM6OynQEYQAxegjQMi3zcW5nFN
OhxDrB4CIQCXFLP4nMfbzt9DJsTJ0aR5hQp4FdzWUwYCCTDzQqMeBA==
-----END CERTIFICATE-----
"""


def test_the_end_of_a_credential_is_read_from_it() -> None:
    def end(**fields: str) -> str:
        return checks_probe.credential_end(Connection(server="https://192.0.2.1:6443", **fields))

    assert end(token="t", expires="2026-11-22T13:00:00Z") == "2026-11-22T13:00:00Z"
    assert end(token="opaque") == ""
    assert end(client_certificate=CERTIFICATE, client_key="k") == "2036-11-19T16:56:54+00:00"
    assert end(client_certificate="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") == ""


@pytest.mark.parametrize(
    ("change", "closed"),
    [
        ({}, True),
        ({"failurePolicy": "Ignore"}, False),
        ({"namespaceSelector": {"matchExpressions": [{"key": "x", "operator": "Exists"}]}}, False),
        ({"rules": [{"resources": ["widgets"]}]}, False),
        ({"rules": [{"resources": ["*"]}]}, True),
        ({"namespaceSelector": {}}, True),
    ],
)
def test_which_webhooks_can_stop_a_cluster(change: dict[str, t.Any], closed: bool) -> None:
    answer = found(replace(GOOD, webhooks=[webhook(**change)]))["fail_closed_webhooks"]
    assert answer.passed is not closed
    assert ("judge/pods.judge" in answer.seen) is closed


@pytest.mark.parametrize(
    ("change", "enforces", "words"),
    [
        ({"daemon_sets": ["cilium"]}, True, "Cilium"),
        ({"daemon_sets": ["aws-node"], "daemon_containers": ["aws-node"]}, False, "Amazon VPC CNI, which does not"),
        ({"daemon_sets": ["aws-node"], "daemon_containers": ["aws-eks-nodeagent"]}, True, "with its policy agent"),
        ({"daemon_sets": [], "git_version": "v1.36.3+k3s1"}, True, "k3s"),
        ({"daemon_sets": ["somebodys-own"]}, False, "none that is known"),
    ],
)
def test_which_networks_enforce_policies(change: dict[str, t.Any], enforces: bool, words: str) -> None:
    answer = found(replace(GOOD, **change))["network_policies"]
    assert answer.passed is enforces
    assert words in answer.seen
