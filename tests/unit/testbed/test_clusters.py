# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The legacy cluster's configuration, and the operators' identities."""

from __future__ import annotations

import base64
import datetime
import hashlib
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from testbed import bundle, definition, kubeadm, legacy, operators
from testbed.errors import TestbedError

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
REPOSITORY = "lodestar.platform/bundle"
MANIFEST: dict[str, t.Any] = {
    "kubernetes": ["1.9.1", "1.36.3"],
    "parts": [
        {
            "name": "kubelet",
            "kind": "binary",
            "purpose": "kubernetes",
            "path": "k/kubelet",
            "sha256": "a",
            "kubernetes": v,
        }
        for v in ("1.9.1", "1.36.3")
    ]
    + [
        {
            "name": name,
            "kind": "image",
            "purpose": "addon",
            "path": f"images/{name}.tar",
            "sha256": name,
            "references": [f"{REPOSITORY}/{name}:{tag}" for tag in tags],
        }
        for name, tags in {"pause": ["3.10.1", "3.10.2"], "coredns": ["v1.14.6"], "etcd": ["3.6.16-0"]}.items()
    ],
}


def certificate(hours: float) -> str:
    """A certificate that ends so many hours after NOW, in base64 of PEM as a kubeconfig holds it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(NOW - datetime.timedelta(days=9))
        .not_valid_after(NOW + datetime.timedelta(hours=hours))
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


@pytest.mark.parametrize(("hours", "usable"), [(23, True), (1.1, True), (0.9, False), (-1, False)])
def test_an_identity_is_renewed_before_it_ends(hours: float, usable: bool) -> None:
    known = {"server": "https://s", "ca": "Q0E=", "certificate": certificate(hours), "key": "a2V5"}
    assert operators.usable(known, "https://s", "Q0E=", NOW) is usable


def test_an_identity_of_another_cluster_is_replaced() -> None:
    known = {"server": "https://s", "ca": "Q0E=", "certificate": certificate(23), "key": "a2V5"}
    assert not operators.usable(known, "https://s", "T1RIRVI=", NOW)
    assert not operators.usable(known, "https://t", "Q0E=", NOW)
    assert not operators.usable(None, "https://s", "Q0E=", NOW)


def test_the_kubeconfig_is_read_as_it_was_written(tmp_path: Path) -> None:
    identities = {
        name: {"server": f"https://{name}", "ca": "Q0E=", "certificate": "Qw==", "key": "Sw=="} for name in ("b", "a")
    }
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(operators.kubeconfig(identities)))
    assert operators.read(file) == identities
    assert yaml.safe_load(file.read_text())["current-context"] == "b"
    assert operators.read(tmp_path / "absent") == {}


def test_the_environment_can_be_sourced_twice(tmp_path: Path) -> None:
    state = tmp_path / "it's a $HOME directory"
    state.mkdir()
    (state / "env").write_text(operators.environment(state))
    script = '. "$0" && . "$0" && printf "%s\\n%s" "$KUBECONFIG" "$PATH"'
    done = subprocess.run(
        ["sh", "-c", script, str(state / "env")], env={"PATH": "/bin"}, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [str(state / "kubeconfig"), f"{state / 'bin'}:/bin"], done.stderr


def test_the_bundle_is_cut_down_to_one_version(tmp_path: Path) -> None:
    cut = bundle.parse(MANIFEST, tmp_path, "1.36.3")
    assert [part.kubernetes for part in cut.programs("kubernetes")] == ["1.36.3"]
    assert cut.image("pause") == f"{REPOSITORY}/pause:3.10.2"
    with pytest.raises(TestbedError, match=r"1\.9\.1, 1\.36\.3, not 1\.35\.4"):
        bundle.parse(MANIFEST, tmp_path, "1.35.4")
    with pytest.raises(TestbedError, match="no image kube-router"):
        cut.image("kube-router")


def test_init_configuration() -> None:
    wanted = definition.Legacy("legacy", "l1", ("l2",), "1.36.3", "10.250.0.0/16", "10.251.0.0/16")
    text = kubeadm.init_configuration(wanted, bundle.parse(MANIFEST, Path("/b"), "1.36.3"), "10.89.0.31")
    kinds = {item["kind"]: item for item in yaml.safe_load_all(text)}
    cluster, init = kinds["ClusterConfiguration"], kinds["InitConfiguration"]
    assert cluster["dns"] == {"imageRepository": REPOSITORY, "imageTag": "v1.14.6"}
    assert cluster["etcd"]["local"] == {"imageRepository": REPOSITORY, "imageTag": "3.6.16-0"}
    assert cluster["controlPlaneEndpoint"] == "10.89.0.31:6443"
    assert {"name": "audit-log-path", "value": "/var/log/kubernetes/audit/audit.log"} in cluster["apiServer"][
        "extraArgs"
    ]
    assert init["nodeRegistration"]["taints"] == []


def test_the_audit_policy_logs_writes_of_service_accounts_and_admins() -> None:
    """First rule that fits decides; none but the last one may fit a write of a user outside of Kubernetes' own."""
    *quiet, last = kubeadm.audit_policy()["rules"]
    assert last == {"level": "Metadata"}
    for rule in quiet:
        reads_only = set(rule.get("verbs", [])) <= {"get", "list", "watch"} and rule.get("verbs")
        subjects = rule.get("users", []) + rule.get("userGroups", [])
        own = subjects and all(s.startswith(("system:kube-", "system:apiserver", "system:nodes")) for s in subjects)
        assert reads_only or own, rule


def test_key_digest_is_that_of_the_public_key() -> None:
    pem = base64.b64decode(certificate(1))
    command = "openssl x509 -pubkey -noout | openssl pkey -pubin -outform der"
    der = subprocess.run(["sh", "-c", command], input=pem, capture_output=True, check=True).stdout
    assert legacy.key_digest(pem.decode()) == "sha256:" + hashlib.sha256(der).hexdigest()


def test_ready_nodes() -> None:
    def node(name: str, status: str) -> dict[str, t.Any]:
        conditions = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": status}]
        return {"metadata": {"name": name}, "status": {"conditions": conditions}}

    nodes = {"items": [node("a", "True"), node("b", "Unknown"), {"metadata": {"name": "c"}, "status": {}}]}
    assert legacy.ready_nodes(nodes) == {"a"}
