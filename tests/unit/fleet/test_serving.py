# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubelets get serving certificates for what the inventory says of them, and nobody gets any other."""

from __future__ import annotations

import base64
import ipaddress
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import serving, serving_operation
from ansible_collections.lodestar.platform.plugins.module_utils.kube import signing_request
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEY = ec.generate_private_key(ec.SECP256R1())
NODES = {"e1": "192.0.2.11", "e2": "2001:db8::12"}
USER = "system:node:e1"
NAMES: list[x509.GeneralName] = [x509.DNSName("e1"), x509.IPAddress(ipaddress.ip_address("192.0.2.11"))]


def pem(
    user: str = USER,
    groups: t.Sequence[str] = ("system:nodes",),
    names: t.Sequence[x509.GeneralName] = tuple(NAMES),
    extra: x509.ExtensionType | None = None,
    place: str | None = None,
) -> bytes:
    """A request as a library makes it that we do not use."""
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    subject.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
    if place:
        subject.append(x509.NameAttribute(NameOID.LOCALITY_NAME, place))
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
    if extra is not None:
        builder = builder.add_extension(extra, critical=True)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def request(content: bytes | None = None, status: dict[str, t.Any] | None = None, **changes: t.Any) -> dict[str, t.Any]:
    spec = {
        "signerName": serving.SIGNER,
        "username": USER,
        "groups": ["system:nodes", "system:authenticated"],
        "usages": ["digital signature", "server auth"],
        "request": base64.b64encode(content or pem()).decode(),
        **changes,
    }
    metadata = {"name": "csr-1", "uid": "u1", "creationTimestamp": "2026-01-01T00:00:05Z"}
    return {"metadata": metadata, "spec": spec, "status": status or {}}


APPROVED = {"conditions": [{"type": "Approved", "status": "True"}]}


def test_what_a_request_asks_for() -> None:
    names = [*NAMES, x509.IPAddress(ipaddress.ip_address("2001:db8::1"))]
    assert signing_request.parse(pem(names=names)) == signing_request.SigningRequest(
        (USER,), ("system:nodes",), ("e1",), ("192.0.2.11", "2001:db8::1")
    )
    assert signing_request.parse(pem(names=())).dns_names == ()


@pytest.mark.parametrize("text", [b"", pem()[:200], pem() + pem(), pem().replace(b"MII", b"MIH", 1)])
def test_what_is_no_request(text: bytes) -> None:
    with pytest.raises(ValueError):
        signing_request.parse(text)


def test_a_kubelet_of_the_inventory_is_granted() -> None:
    assert serving.objection(request(), NODES) == ""
    usages = ["key encipherment", "digital signature", "server auth"]
    assert serving.objection(request(usages=usages), NODES) == ""
    names = [x509.DNSName("e2"), x509.IPAddress(ipaddress.ip_address("2001:db8:0::12"))]
    user = "system:node:e2"
    assert serving.objection(request(pem(user, names=names), username=user), NODES) == ""


def names(*items: str) -> list[x509.GeneralName]:
    return [x509.IPAddress(ipaddress.ip_address(item)) if item[0].isdigit() else x509.DNSName(item) for item in items]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (request(username="system:node:e9"), "no machine of the inventory"),
        (request(username="alice"), "alice is no machine"),
        (request(username="e1"), "e1 is no machine"),
        (request(groups=["system:authenticated"]), "not in system:nodes"),
        (request(usages=["digital signature", "client auth"]), "usages"),
        (request(usages=[]), "usages are none"),
        (request(pem("system:node:e2")), "subject"),
        (request(pem(groups=("system:nodes", "system:masters"))), "subject"),
        (request(pem(groups=())), "subject"),
        (request(pem(place="Vienna")), "Vienna"),
        (request(pem(names=names("e1"))), "it is for e1,"),
        (request(pem(names=names("192.0.2.11"))), "it is for 192.0.2.11,"),
        (request(pem(names=())), "it is for nothing"),
        (request(pem(names=names("e1", "192.0.2.11", "192.0.2.10"))), "192.0.2.10"),
        (request(pem(names=names("e1", "kubernetes", "192.0.2.11"))), "kubernetes"),
        (request(pem(names=names("e2", "192.0.2.11"))), "e2"),
        (request(pem(names=[*NAMES, x509.RFC822Name("a@example.org")])), "neither a DNS name nor an address"),
        (request(pem(names=[*NAMES, x509.UniformResourceIdentifier("spiffe://x")])), "neither a DNS name"),
        (request(pem(extra=x509.BasicConstraints(ca=True, path_length=None))), "another extension"),
        (request(b"nonsense"), "certificate request"),
    ],
)
def test_everything_else_is_left_alone(bad: dict[str, t.Any], words: str) -> None:
    assert words in serving.objection(bad, NODES)


class Cluster:
    """Holds requests, and notes what is approved."""

    def __init__(self, *requests: dict[str, t.Any], later: t.Sequence[dict[str, t.Any]] = ()) -> None:
        self.requests = list(requests)
        self.later = list(later)
        self.approved: list[tuple[str, str | None]] = []
        self.reads = 0

    def list(self, api_version: str, kind: str) -> list[dict[str, t.Any]]:
        assert (api_version, kind) == (serving.API, serving.KIND)
        self.reads += 1
        if self.reads == 3:
            self.requests += self.later
        return self.requests

    def get(self, api_version: str, kind: str, name: str) -> dict[str, t.Any]:
        return {"metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:03Z"}}

    def apply(self, obj: dict[str, t.Any], subresource: str | None = None) -> None:
        assert [item["type"] for item in obj["status"]["conditions"]] == ["Approved"]
        self.approved.append((obj["metadata"]["name"], subresource))


def planned(cluster: Cluster, joining: t.Sequence[str] = ()) -> tuple[list[t.Any], list[str]]:
    return serving.plan(t.cast(t.Any, cluster), "east", NODES, joining)


def test_nothing_pending_is_nothing_to_do() -> None:
    other = {**request(signerName="kubernetes.io/kube-apiserver-client-kubelet")}
    assert planned(Cluster(request(status=APPROVED), other)) == ([], [])


def test_what_is_pending_is_approved() -> None:
    cluster = Cluster(request())
    steps, warnings = planned(cluster)
    assert [(step.id, step.action, step.target) for step in steps] == [
        ("certificates.k8s.io/v1/CertificateSigningRequest/e1", "update", "east")
    ]
    assert warnings == []
    steps[0].perform()
    assert cluster.approved == [("csr-1", "approval")]


def test_the_plan_for_joining_nodes_is_the_same_before_and_after_they_ask() -> None:
    before, _warnings = planned(Cluster(), ["e1", "e2"])
    after, _warnings = planned(Cluster(request()), ["e1", "e2"])
    assert [step.as_dict() for step in before] == [step.as_dict() for step in after]


def test_a_node_that_has_just_joined_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.time, "sleep", lambda _seconds: None)
    cluster = Cluster(later=[request()])
    steps, _warnings = planned(cluster, ["e1"])
    steps[0].perform()
    assert (cluster.approved, cluster.reads) == ([("csr-1", "approval")], 3)


def test_a_request_of_an_earlier_machine_of_that_name_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.time, "sleep", lambda _seconds: None)
    old = request(status=APPROVED)
    old["metadata"]["creationTimestamp"] = "2026-01-01T00:00:01Z"
    cluster = Cluster(old, later=[request()])
    planned(cluster, ["e1"])[0][0].perform()
    assert cluster.approved == [("csr-1", "approval")]
    granted = Cluster(request(status=APPROVED))
    planned(granted, ["e1"])[0][0].perform()
    assert granted.approved == []


def test_one_that_never_asks_for_the_right_thing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_PATIENCE", -1.0)
    cluster = Cluster(request(pem(names=names("e1", "192.0.2.99"))))
    steps, warnings = planned(cluster, ["e1"])
    assert "csr-1 is left alone" in warnings[0]
    with pytest.raises(PlatformError, match=r"192\.0\.2\.99"):
        steps[0].perform()
    assert cluster.approved == []


def test_pending_requests_of_others_are_named() -> None:
    steps, warnings = planned(Cluster(request(username="system:node:stranger")))
    assert steps == []
    assert "stranger is no machine of the inventory" in warnings[0]


def test_a_run_without_the_cluster_approves_for_its_own_machines() -> None:
    """Check mode tells of it without access to the cluster; nothing is said of requests of other nodes."""
    params = {"cluster": "east", "kubelets": {"e1": NODES["e1"]}, "joining": ["e1"], "cluster_exists": False}
    plan = serving_operation.plan(params, Context(environ={}))
    assert [step.id for step in plan.steps] == ["certificates.k8s.io/v1/CertificateSigningRequest/e1"]
    assert plan.warnings == []
