# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the API server's certificate to the names and addresses that it is declared for. Private to the collection."""

from __future__ import annotations

import ipaddress
import socket
import ssl

from ..errors import PlatformError
from . import host, kubeadm, node, paths, x509

_CERTIFICATE, _KEY = f"{paths.PKI}/apiserver.crt", f"{paths.PKI}/apiserver.key"
#: The API server looks at its files once a minute, and when it is told that they changed.
_SECONDS = 120


def wanted_names(member: node.Member) -> set[str]:
    """The names and addresses that an API server's certificate should hold: kubeadm's own and the declared. Pure."""
    cluster, machine = member.cluster, member.machine
    network = cluster["network"]
    service = "kubernetes.default.svc"
    first = ipaddress.ip_network(network["service_cidr"]).network_address + 1
    names = {machine["node_name"], "kubernetes", "kubernetes.default", service, f"{service}.{network['dns_domain']}"}
    addresses = {str(first), machine["node_ip"], cluster["endpoint"]["address"]}
    declared = kubeadm.cluster_configuration(cluster, member.images)["apiServer"]["certSANs"]
    return {_normal(name) for name in (*names, *addresses, *declared)}


def _normal(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _held_names() -> frozenset[str] | None:
    data = host.read_bytes(_CERTIFICATE)
    if data is None or host.read_bytes(_KEY) is None:
        return None
    try:
        return x509.parse_pem(data).names
    except ValueError:
        return None


def add(steps: node.Steps, member: node.Member) -> None:
    """Adds the step that makes the certificate anew where it is for other names. No pod is restarted by it."""
    wanted, held = wanted_names(member), _held_names()
    if held is not None and set(held) == wanted:
        return
    steps.add(
        "certificate:apiserver",
        "create" if held is None else "update",
        "make the API server's certificate for its declared names",
        lambda: _renew(member),
        before=None if held is None else {"names": sorted(held - wanted)},
        after={"names": sorted(wanted - (held or set()))},
    )


def _renew(member: node.Member) -> None:
    """The API server goes on with the certificate that it has read, and reads the new one by itself."""
    certificate, key = _made(member)
    # The names are in the certificate: a run that is killed between the two makes both again.
    host.write(_KEY, key, 0o600)
    host.write(_CERTIFICATE, certificate, 0o644)
    wanted = ssl.PEM_cert_to_DER_cert(certificate)
    address, port = member.machine["node_ip"], kubeadm.bind_port(member.cluster)

    def lacking() -> str | None:
        try:
            return None if _served(address, port) == wanted else "it still shows the old one"
        except OSError as exc:
            return f"it does not answer: {exc}"

    host.wait_for("the API server shows its new certificate", lacking, _SECONDS, interval=1)


def _made(member: node.Member) -> tuple[str, str]:
    """Certificate and key as kubeadm makes them, beside those that are in use."""
    directory = f"{host.RUN_DIRECTORY}/pki"
    host.make_directory(host.RUN_DIRECTORY, 0o700)
    host.remove_tree(directory)
    host.make_directory(directory, 0o700)
    try:
        for name in ("ca.crt", "ca.key"):
            host.write(f"{directory}/{name}", host.read(f"{paths.PKI}/{name}") or "", 0o600)
        member.run_phase(["certs", "apiserver"], certificates=directory)
        made = [host.read(f"{directory}/apiserver.{kind}") for kind in ("crt", "key")]
    finally:
        host.remove_tree(directory)
    if not all(made):
        raise PlatformError("kubeadm made no certificate of the API server; nothing was changed")
    return str(made[0]), str(made[1])


def _served(address: str, port: int) -> bytes | None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((address, port), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname="kubernetes") as connection,
    ):
        return connection.getpeercert(binary_form=True)
