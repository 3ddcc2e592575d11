# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who signs people on: the AuthenticationConfiguration of an API server, and what it says of one. Pure.

It only ever adds ways to sign on: client certificates and the cluster's own tokens are no part of it. Private to the
collection.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from dataclasses import dataclass

from ..errors import Problem
from . import settings

ARGUMENT = "authentication-config"
API = "apiserver.config.k8s.io/v1"
#: No issuer makes somebody a part of Kubernetes or of the platform, whatever its tokens say.
GUARDS = (
    {
        "expression": "!user.username.startsWith('system:') && !user.username.startsWith('lodestar:')",
        "message": "the user name is one of the system's own",
    },
    {
        "expression": "user.groups.all(group, !group.startsWith('system:'))",
        "message": "a group is one of the system's own",
    },
)
#: What is asked without a name: by kubelets that probe an API server, and by machines that join.
_NAMELESS = ("/livez", "/readyz", "/healthz", "/api/v1/namespaces/kube-public/configmaps/cluster-info")
#: A file that is not there, which an API server asks for right after it has judged the configuration.
_SENTINEL = "/nonexistent/lodestar-judged"
#: How an API server says why it does not begin: in quotes, or as a block where there are more lines.
_FAILED = re.compile(r'"command failed" err=(?:<\n(?P<block>.*?)\n\s*>|"(?P<line>(?:[^"\\]|\\.)*)")', re.DOTALL)
_LONGEST = 2000
_RELOADS = "apiserver_authentication_config_controller_automatic_reloads_total"
_LOADED = "apiserver_authentication_config_controller_last_config_info"
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_METRIC = re.compile(r"^(?P<name>\w+)\{(?P<labels>[^}]*)\} (?P<value>\S+)$", re.MULTILINE)


def document(cluster: t.Mapping[str, t.Any]) -> str | None:
    """The file of a cluster, C(None) where its inventory declares none."""
    declared = cluster.get("authentication")
    if not declared:
        return None
    jwt = [
        {**item, "userValidationRules": [*(item.get("userValidationRules") or ()), *GUARDS]}
        for item in declared.get("jwt") or ()
    ]
    answer: dict[str, t.Any] = {"apiVersion": API, "kind": "AuthenticationConfiguration", "jwt": jwt}
    anonymous = declared.get("anonymous")
    if anonymous:
        paths_asked = [item["path"] for item in anonymous.get("conditions") or ()]
        conditions = [{"path": path} for path in dict.fromkeys([*paths_asked, *_NAMELESS])]
        answer["anonymous"] = {"enabled": True, "conditions": conditions}
    return settings.document(answer)


def needs_restart(current: str | None, text: str) -> bool:
    """True when a running API server cannot take a change: who may ask without a name is fixed when it begins."""
    try:
        before = json.loads(current or "{}")
    except ValueError:
        return False
    return bool(isinstance(before, dict) and before.get("anonymous") != json.loads(text).get("anonymous"))


def judging(port: int, public: str, private: str, *more: str) -> list[str]:
    """The command line of an API server that reads a configuration from its standard input, judges it, and ends.

    It listens for a moment, to the machine itself; it reaches no etcd and no issuer.

    :param port: where it listens, one that is free.
    :param public: file of a key of ServiceAccount tokens, without which no API server begins; C(private) likewise.
    :param more: where its serving certificate is, or may be made.
    """
    return [
        "kube-apiserver",
        f"--{ARGUMENT}=/dev/stdin",
        f"--audit-policy-file={_SENTINEL}",
        "--audit-log-path=-",
        "--etcd-servers=http://127.0.0.1:1",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://judged.invalid",
        f"--service-account-key-file={public}",
        f"--service-account-signing-key-file={private}",
        *more,
    ]


def refusal(said: str) -> str:
    """What a judging API server has against a configuration; empty where it has nothing, or does not speak of it.

    Every judging API server fails: one that has nothing against it misses the sentinel.
    """
    found = _FAILED.search(said)
    if found is None:
        return ""
    text = found["block"] or found["line"].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
    if _SENTINEL in text or "authentication configuration" not in text:
        return ""
    return " ".join(text.split())[:_LONGEST]


def problems(cluster: t.Mapping[str, t.Any], refusals: t.Iterable[str]) -> list[Problem]:
    """A problem where an API server refuses the configuration of a cluster.

    :param refusals: what those of its machines, or of the bundle, have against it.
    """
    found = next((text for text in refusals if text), "")
    if not found:
        return []
    reason = f"kube-apiserver {cluster['version']} refuses it: {found}"
    return [Problem(f"{cluster['name']}: cluster_authentication", "(see the message)", reason, "Correct it")]


def digest(text: str) -> str:
    """How an API server tells which configuration it uses."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass(frozen=True)
class State:
    """What an API server tells of its configuration.

    :param used: digests of those that it uses; none where it does not tell.
    :param taken: how many changes it took, and C(refused) how many it did not.
    """

    used: frozenset[str]
    taken: int
    refused: int


def state(metrics: str) -> State:
    """The state in the metrics of an API server."""
    used: set[str] = set()
    counts = {"success": 0, "failure": 0}
    for found in _METRIC.finditer(metrics):
        labels = dict(_LABEL.findall(found["labels"]))
        if found["name"] == _LOADED:
            used.add(labels.get("hash", ""))
        elif found["name"] == _RELOADS and labels.get("status") in counts:
            counts[labels["status"]] += int(float(found["value"]))
    return State(frozenset(used), counts["success"], counts["failure"])
