# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that keep pods apart from the machine they run on. Pure. Private to the collection."""

from __future__ import annotations

import re

from .parameters import Parameter, Values
from .rule import CONTAINERS, LASTING, Rule, each, listed, literal, reached, within_spec

_NAMESPACES = ("hostIPC", "hostNetwork", "hostPID")
_PATH = re.compile(r"/|(/(?!\.{1,2}(/|$))[^/\x00-\x1f\x7f]+)+")
#: Kinds of volumes that a pod may have, as of Kubernetes 1.36.
VOLUME_TYPES = (
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "configMap", "csi", "downwardAPI", "emptyDir",
    "ephemeral", "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "hostPath", "image",
    "iscsi", "nfs", "persistentVolumeClaim", "photonPersistentDisk", "portworxVolume", "projected", "quobyte", "rbd",
    "scaleIO", "secret", "storageos", "vsphereVolume",
)  # fmt: skip
#: Those that the Pod Security level "restricted" allows.
_HARMLESS = [
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
]  # fmt: skip


def _host_namespaces(at: str, values: Values) -> str:
    names = [name for name in _NAMESPACES if name not in values["allowed"]]
    lists = [f"(has({at}.spec.{name}) && {at}.spec.{name} == true ? ['{name}'] : [])" for name in names]
    return within_spec(at, f"({' + '.join(lists or ['[]'])})")


def _host_paths(at: str, values: Values) -> str:
    # The root ends at every slash.
    bases = literal([path.rstrip("/") for path in values["paths"]])
    path = "c.hostPath.path"
    allowed = f"{bases}.exists(base, {path} == base || {path}.startsWith(base + '/'))"
    named = f"c.name + ' (' + {path} + ')'"
    found = each(at, ("volumes",), f"has(c.hostPath) && !{allowed}", named)
    if not values["read_only"]:
        return found
    mounted = " || ".join(
        f"has({at}.spec.{name}) && {at}.spec.{name}.exists(one, has(one.volumeMounts) && one.volumeMounts.exists(mount,"
        " mount.name == c.name && !(has(mount.readOnly) && mount.readOnly == true)))"
        for name in CONTAINERS
    )
    writing = each(
        at, ("volumes",), f"has(c.hostPath) && {allowed} && ({mounted})", f"{named} + ' mounted for writing'"
    )
    return f"({found} + {writing})"


def _host_ports(at: str, values: Values) -> str:
    ranges = [f"port.hostPort >= {first} && port.hostPort <= {last}" for first, last in values["ports"]]
    allowed = " || ".join(ranges or ["false"])
    wrong = f"filter(port, has(port.hostPort) && port.hostPort != 0 && !({allowed}))"
    told = f"c.name + ' (' + c.ports.{wrong}.map(port, string(port.hostPort)).join(', ') + ')'"
    return each(at, LASTING, f"has(c.ports) && size(c.ports.{wrong}) > 0", told)


def _ports(values: Values) -> str:
    spans = [str(first) if first == last else f"{first}-{last}" for first, last in values["ports"]]
    return f"leave hostPort out; allowed: {listed(spans)}"


def _volume_types(at: str, values: Values) -> str:
    allowed = literal(["name", *values["types"]])
    told = "c.name + ' (' + c.filter(key, key != 'name').join(', ') + ')'"
    return each(at, ("volumes",), f"c.exists(key, !(key in {allowed}))", told)


def _tokens(at: str, values: Values) -> str:
    account = f"({reached(at, 'spec', 'serviceAccountName')} ? {at}.spec.serviceAccountName : 'default')"
    off = f"has({at}.spec.automountServiceAccountToken) && {at}.spec.automountServiceAccountToken == false"
    allowed = literal(values["service_accounts"])
    return within_spec(at, f"({off} || {account} in {allowed} ? [] : ['ServiceAccount ' + {account}])")


RULES = (
    Rule(
        "no_host_namespaces",
        "pods share no namespace of the machine",
        _host_namespaces,
        "shares namespaces of the machine",
        lambda values: f"leave these fields out; allowed: {listed(values['allowed'])}",
        parameters=(Parameter("allowed", "choices", choices=_NAMESPACES),),
    ),
    Rule(
        "allowed_host_paths",
        "pods mount no directory of the machine but the listed ones",
        _host_paths,
        "mounts directories of the machine",
        lambda values: (
            f"use another kind of volume; allowed: {listed(values['paths'])}"
            + (", for reading only" if values["read_only"] else "")
        ),
        parameters=(
            Parameter("paths", "texts", pattern=_PATH, rule="an absolute path without '..' and without a slash behind"),
            Parameter("read_only", "boolean", default=False),
        ),
    ),
    Rule(
        "allowed_host_ports",
        "containers take no port of the machine but those in the listed ranges",
        _host_ports,
        "takes ports of the machine",
        _ports,
        parameters=(Parameter("ports", "ports"),),
    ),
    Rule(
        "allowed_volume_types",
        "pods have volumes of the listed types only",
        _volume_types,
        "volumes of a type that is not allowed",
        lambda values: f"use one of {listed(values['types'])}",
        parameters=(
            Parameter(
                "types", "choices", default=_HARMLESS, choices=VOLUME_TYPES, needed="list the types that pods may use"
            ),
        ),
    ),
    Rule(
        "no_token_automount",
        "pods get no token for the API unless they are of a listed ServiceAccount",
        _tokens,
        "gets a token for the API",
        lambda values: (
            "set automountServiceAccountToken: false in the pod; ServiceAccounts that may have it:"
            f" {listed(values['service_accounts'])}"
        ),
        parameters=(
            Parameter(
                "service_accounts",
                "texts",
                pattern=re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"),
                rule="the name of a ServiceAccount, without its namespace",
            ),
        ),
    ),
)
