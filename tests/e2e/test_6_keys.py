# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of the clusters: kept by the operator, alike on all control planes; and kubelets that prove who they are."""

from __future__ import annotations

import base64
import json
import subprocess
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Fleet, Run
from tests.e2e.test_4_wrong_input import cluster, site_with

pytestmark = pytest.mark.timeout(900)
ENCRYPTION = "/etc/kubernetes/lodestar/encryption.yaml"
PKI = ("ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "etcd/ca.crt", "etcd/ca.key", "sa.pub", "sa.key")
NODES = {"global": ("g1", "g2", "g3"), "east": ("e1", "e2")}


def kept(fleet: Fleet, name: str) -> dict[str, t.Any]:
    return json.loads((fleet.state / f"recovery-{name}.json").read_text())


def secrets_of(fleet: Fleet) -> set[str]:
    """Lines of private keys, and encryption keys: none of them may be seen anywhere."""
    found: set[str] = set()
    for name in NODES:
        keys = kept(fleet, name)["keys"]
        lines = [line for key in PKI if key.endswith(".key") for line in keys[key].splitlines()]
        found |= {line for line in lines if len(line) > 40}
        providers = json.loads(keys["encryption"])["resources"][0]["providers"]
        found |= {key["secret"] for key in providers[0]["secretbox"]["keys"]}
    return found


def refused(run: Run, *words: str) -> None:
    assert run.code != 0
    assert run.changed == 0
    assert run.steps() == []
    message = " ".join(run.output.split())
    assert [word for word in words if word not in message] == [], run.output[-3000:]


def test_the_recovery_files_hold_what_the_control_planes_hold(fleet: Fleet) -> None:
    for name, machines in {"global": NODES["global"], "east": ("e1",)}.items():
        path, content = fleet.state / f"recovery-{name}.json", kept(fleet, name)
        assert path.stat().st_mode & 0o7777 == 0o600
        uid = fleet.get(name, "namespace", "kube-system")["metadata"]["uid"]
        assert (content["cluster"], content["uid"]) == (name, uid)
        for machine in machines:
            for key in PKI:
                assert fleet.on(machine, f"cat /etc/kubernetes/pki/{key}") == content["keys"][key], f"{machine} {key}"
            assert fleet.on(machine, f"cat {ENCRYPTION}") == content["keys"]["encryption"]


def test_no_key_is_seen(fleet: Fleet, platform: t.Any, bar: Bar) -> None:
    secrets = secrets_of(fleet)
    assert len(secrets) > 100
    shown = platform.first.output + json.dumps(platform.first.tasks) + fleet.site("-vvv").checked().output
    assert [secret[:8] for secret in secrets if secret in shown] == []
    bar("keys of two clusters in the output of the first run, its plan, and a run with -vvv", f"0 of {len(secrets)}")


def test_a_lost_recovery_file_comes_back_and_nothing_else_changes(fleet: Fleet) -> None:
    path = fleet.state / "recovery-global.json"
    before = path.read_text()
    path.rename(path.with_suffix(".kept"))
    try:
        predicted = fleet.site("--check").checked()
        assert not path.exists()
        written = fleet.site().checked()
    finally:
        path.with_suffix(".kept").replace(path) if not path.exists() else path.with_suffix(".kept").unlink()
    assert written.steps() == predicted.steps() == [("global", f"file:{path}", "create")]
    assert path.read_text() == before


def test_a_recovery_file_of_another_cluster_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    path = fleet.state / "recovery-twin.json"
    path.write_text((fleet.state / "recovery-global.json").read_text())
    path.chmod(0o600)
    try:
        run = site_with(fleet, tmp_path, cluster("east", cluster_recovery_file=str(path)))
        refused(run, "east: cluster_recovery_file", str(path), "holds the keys of global", "never overwritten")
    finally:
        path.unlink()


def test_control_planes_with_different_keys_stop_the_run(fleet: Fleet, bar: Bar) -> None:
    fleet.on("g3", f'cp -a {ENCRYPTION} /root/kept && sed -i \'s/"secret": "./"secret": "!/\' {ENCRYPTION}')
    try:
        refused(fleet.site(), "different keys", ENCRYPTION, "g1, g2: sha256:", "g3: sha256:")
    finally:
        fleet.on("g3", f"mv /root/kept {ENCRYPTION}")
    assert fleet.site().checked().changed == 0
    bar("another encryption key on one of three control planes", "refused before the first change, by machine and file")


def verified(fleet: Fleet, machine: str, address: str) -> str:
    """What TLS says of a kubelet to somebody who trusts the cluster's CA only."""
    script = (
        "import socket, ssl; c = ssl.create_default_context(cafile='/etc/kubernetes/pki/ca.crt');"
        f"s = c.wrap_socket(socket.create_connection(('{address}', 10250), 5), server_hostname='{address}');"
        "print(dict(x[0] for x in s.getpeercert()['subject'])['commonName'])"
    )
    return fleet.on(machine, f'python3 -c "{script}"').strip()


def test_kubelets_have_certificates_of_their_cluster(fleet: Fleet, bar: Bar) -> None:
    for name, nodes in NODES.items():
        for node in nodes:
            assert verified(fleet, nodes[0], fleet.address(node)) == f"system:node:{node}"
        pods = fleet.get(name, "pods", "-n", "kube-system", "-l", "k8s-app=metrics-server")["items"]
        arguments = [arg for item in pods for arg in item["spec"]["containers"][0]["args"]]
        assert "--kubelet-insecure-tls" not in arguments
        assert fleet.kubectl(name, "logs", "-n", "kube-system", pods[0]["metadata"]["name"], "--tail=1").strip()
    measured = json.loads(fleet.kubectl("global", "get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes"))
    assert {item["metadata"]["name"] for item in measured["items"]} == set(NODES["global"])
    bar("kubelets verified by the cluster's CA, metrics and logs through them", "5 of 5 nodes")


def stranger(path: Path) -> str:
    """A certificate request for a node's address by somebody else."""
    command = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subject = ["-subj", "/O=system:nodes/CN=system:node:e1", "-addext", "subjectAltName=DNS:e1", "-batch"]
    subprocess.run([*command, *subject, "-keyout", str(path / "key"), "-out", str(path / "csr")], check=True)
    return base64.b64encode((path / "csr").read_bytes()).decode()


def test_others_get_no_serving_certificate(fleet: Fleet, tmp_path: Path) -> None:
    document = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "stranger"},
        "spec": {
            "signerName": "kubernetes.io/kubelet-serving",
            "usages": ["digital signature", "server auth"],
            "request": stranger(tmp_path),
        },
    }
    fleet.kubectl("east", "create", "-f", "-", text=json.dumps(document))
    try:
        run = fleet.site().checked()
        assert run.changed == 0
        assert "stranger is left alone" in " ".join(run.output.split())
        assert fleet.get("east", "csr", "stranger").get("status") == {}
    finally:
        fleet.kubectl("east", "delete", "csr", "stranger")
