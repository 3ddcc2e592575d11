# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identities for the people at the quickstart: client certificates of a day, in one kubeconfig, and an env file.

Their group is bound to cluster-admin by a ClusterRoleBinding, so that it can be taken away; it is not system:masters.
"""

from __future__ import annotations

import base64
import datetime
import shlex
import typing as t
from pathlib import Path

import yaml
from cryptography import x509

from . import machine
from .definition import Operator
from .errors import TestbedError
from .fleet import Fleet
from .locks import locked, write_if_changed

USER = "lodestar-operator"
GROUP = "lodestar:operators"
VALIDITY_HOURS = 24
#: An identity that ends sooner than this is renewed.
_LEFT = datetime.timedelta(hours=1)
_KUBECTL = "kubectl --kubeconfig=/etc/kubernetes/admin.conf --request-timeout=10s"
_BIND = (
    f"{_KUBECTL} get clusterrolebinding {GROUP} >/dev/null 2>&1 || "
    f"{_KUBECTL} create clusterrolebinding {GROUP} --clusterrole=cluster-admin --group={GROUP} >/dev/null"
)
#: The way that kubeadm documents: its command reads the configuration that the cluster keeps.
_SIGN = (
    "umask 077; f=$(mktemp) && trap 'rm -f $f' EXIT && "
    f"{_KUBECTL} -n kube-system get configmap kubeadm-config -o 'jsonpath={{.data.ClusterConfiguration}}' >$f && "
    f"kubeadm kubeconfig user --config=$f --client-name={USER} --org={GROUP} --validity-period={VALIDITY_HOURS}h"
)


def write(fleet: Fleet, wanted: t.Mapping[str, Operator], only: t.Sequence[str], kubectl: Path) -> None:
    """Writes ``kubeconfig``, ``env`` and ``bin/kubectl`` into the fleet's state directory; renews what expires.

    :param wanted: where each cluster's operators get their identity.
    :param only: the clusters to see to; the others stay as they are. Empty means all.
    """
    for name in only:
        if name not in wanted:
            raise TestbedError(f"cluster {name!r} is not in the definition, which has {', '.join(wanted)}")
    with locked(f"operator-{fleet.name.id}"):
        file = fleet.state / "kubeconfig"
        users = read(file)
        for name in only or wanted:
            users[name] = _identity(fleet, name, wanted[name], users.get(name))
        ordered = {name: users[name] for name in wanted if name in users}
        write_if_changed(file, yaml.safe_dump(kubeconfig(ordered), sort_keys=False), 0o600)
        _write_environment(fleet.state, kubectl)


def read(file: Path) -> dict[str, dict[str, str]]:
    """The identities of a kubeconfig written by this module: context -> server, ca, certificate, key (base64)."""
    if not file.exists():
        return {}
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    users = {item["name"]: item["user"] for item in content["users"]}
    return {
        item["name"]: {
            "server": item["cluster"]["server"],
            "ca": item["cluster"]["certificate-authority-data"],
            "certificate": users[item["name"]]["client-certificate-data"],
            "key": users[item["name"]]["client-key-data"],
        }
        for item in content["clusters"]
    }


def kubeconfig(identities: t.Mapping[str, t.Mapping[str, str]]) -> dict[str, t.Any]:
    """A kubeconfig with one context a cluster; the first is the current one. Pure."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": next(iter(identities), ""),
        "clusters": [
            {"name": name, "cluster": {"server": item["server"], "certificate-authority-data": item["ca"]}}
            for name, item in identities.items()
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in identities],
        "users": [
            {"name": name, "user": {"client-certificate-data": item["certificate"], "client-key-data": item["key"]}}
            for name, item in identities.items()
        ],
    }


def usable(identity: t.Mapping[str, str] | None, server: str, ca: str, now: datetime.datetime) -> bool:
    """Whether an identity is for this server and this CA (base64), and lasts long enough. Pure."""
    if identity is None or identity["server"] != server or identity["ca"] != ca:
        return False
    certificate = x509.load_pem_x509_certificate(base64.b64decode(identity["certificate"]))
    return certificate.not_valid_after_utc - now > _LEFT


def environment(state: Path) -> str:
    """The env file: to be sourced, any number of times."""
    folder = shlex.quote(str(state / "bin"))
    return (
        f"export KUBECONFIG={shlex.quote(str(state / 'kubeconfig'))}\n"
        f'case ":$PATH:" in *:{folder}:*) ;; *) export PATH={folder}:"$PATH" ;; esac\n'
    )


def _identity(fleet: Fleet, name: str, operator: Operator, known: t.Mapping[str, str] | None) -> dict[str, str]:
    description = fleet.description()
    machines = description["machines"]
    address = machines[operator.endpoint]["address"] if operator.endpoint in machines else None
    server = f"https://{address or description['addresses'][operator.endpoint]}:{operator.port}"
    container, ca = _signer(fleet, name, operator)
    # A cluster that was founded anew from its recovery file has the CA of before, and not its objects.
    machine.run(container, ["sh", "-c", _BIND])
    if known is not None and usable(known, server, ca, datetime.datetime.now(datetime.UTC)):
        return dict(known)
    made = yaml.safe_load(machine.run(container, ["sh", "-c", _SIGN])[1])
    user = made["users"][0]["user"]
    fleet.say(f"{name}: an operator's identity for {VALIDITY_HOURS} hours at {server}")
    return {"server": server, "ca": ca, "certificate": user["client-certificate-data"], "key": user["client-key-data"]}


def _signer(fleet: Fleet, name: str, operator: Operator) -> tuple[t.Any, str]:
    """The first running control plane that holds the cluster's CA key, and the CA's certificate in base64."""
    for candidate in operator.control_planes:
        container = fleet.container(candidate)
        if container.status != "running":
            continue
        script = "test -e /etc/kubernetes/pki/ca.key && cat /etc/kubernetes/pki/ca.crt"
        status, output, _errors = machine.run(container, ["sh", "-c", script], check=False)
        if status == 0:
            return container, base64.b64encode(output.encode()).decode()
    raise TestbedError(f"no cluster {name} on {', '.join(operator.control_planes)}; make it first, or name others")


def _write_environment(state: Path, kubectl: Path) -> None:
    folder = state / "bin"
    folder.mkdir(exist_ok=True)
    link = folder / "kubectl"
    if not link.is_symlink() or link.readlink() != kubectl:
        link.unlink(missing_ok=True)
        link.symlink_to(kubectl)
    write_if_changed(state / "env", environment(state))
