# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster holds, judged by policies: those in force and those that are declared. Reads only. Private to the
collection.

Costs one LIST of the namespaces and one for each kind that a policy looks at, and no write.
"""

from __future__ import annotations

import datetime
import typing as t
from collections import Counter
from dataclasses import dataclass, field

from ..kube import errors
from ..kube.client import Client
from ..kube.resources import STATIC, Resource
from .cel.parse import Unsupported
from .judge import MODES, Judge, Verdict, mode_of
from .render import API_VERSION

Object = dict[str, t.Any]
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"


@dataclass(frozen=True)
class Governed:
    """A policy as it would be judged by.

    :param name: that of the ValidatingAdmissionPolicy.
    :param objects: the policy and its bindings.
    :param declared: it is in the declaration; otherwise it is in force on the cluster only.
    """

    name: str
    objects: t.Sequence[Object]
    declared: bool

    @property
    def mode(self) -> str:
        """The strictest that any of its bindings says."""
        return max((mode_of(item) for item in self.objects[1:]), key=MODES.index, default="audit")


@dataclass(frozen=True)
class Finding:
    """An object that does not keep a policy (C(fail), C(error)), or a policy that could not be judged (C(skip)).

    :param mode: what a violation leads to, one of :data:`judge.MODES`.
    :param object: C(apiVersion), C(kind), C(namespace), C(name) and C(uid); nothing for a policy as a whole.
    """

    policy: str
    mode: str
    result: str
    message: str
    object: t.Mapping[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, t.Any]:
        """The finding as results show it."""
        return {**vars(self), "object": dict(self.object)}


@dataclass
class Scan:
    """What was found.

    :param policies: name -> C(mode), C(declared), and how many objects C(pass), C(fail) and C(error).
    :param passed: namespace (empty for none) -> how many judgements were passed there.
    :param unreachable: why the cluster could not be asked, so that nothing is known of it.
    """

    findings: list[Finding] = field(default_factory=list)
    policies: dict[str, dict[str, t.Any]] = field(default_factory=dict)
    passed: Counter[str] = field(default_factory=Counter)
    unreachable: str = ""

    def violations(self, mode: str = "audit") -> list[Finding]:
        """What breaks policies of this mode or a stricter one; an expression that fails refuses requests, too."""
        least = MODES.index(mode)
        return [item for item in self.findings if item.result != "skip" and MODES.index(item.mode) >= least]

    def skipped(self) -> list[Finding]:
        """What could not be judged."""
        return [item for item in self.findings if item.result == "skip"]


def in_force(client: Client) -> list[Governed]:
    """The policies with bindings that the cluster has, whoever made them."""
    bindings: dict[str, list[Object]] = {}
    for item in client.list(API_VERSION, BINDING):
        bindings.setdefault(str(item["spec"].get("policyName")), []).append(item)
    policies = client.list(API_VERSION, POLICY)
    named = [(str(item["metadata"]["name"]), item) for item in policies]
    return [Governed(name, [item, *bindings[name]], False) for name, item in named if name in bindings]


def scan(client: Client, governed: t.Sequence[Governed], now: datetime.datetime) -> Scan:
    """Judges everything that the policies look at."""
    found = Scan()
    judges: list[tuple[Judge, Governed]] = []
    for item in governed:
        found.policies[item.name] = {"mode": item.mode, "declared": item.declared, "pass": 0, "fail": 0, "error": 0}
        try:
            judges.append((Judge(item.objects[0], item.objects[1:], now), item))
        except Unsupported as exc:
            found.findings.append(Finding(item.name, item.mode, "skip", f"it is not judged here: {exc}"))
    concerned: dict[tuple[str, str], list[tuple[Judge, Governed]]] = {}
    for judge, item in judges:
        targets = judge.targets()
        if not targets:
            reason = "it is not about objects as they are made"
            found.findings.append(Finding(item.name, item.mode, "skip", f"it is not judged here: {reason}"))
        for target in sorted(targets):
            concerned.setdefault(target, []).append((judge, item))
    spaces = _namespaces(client) if concerned else {}
    for target, whose in sorted(concerned.items()):
        _look(client, target, whose, spaces, found)
    return found


def _namespaces(client: Client) -> dict[str, Object]:
    return {str(item["metadata"]["name"]): item for item in client.list("v1", "Namespace")}


def _look(
    client: Client,
    target: tuple[str, str],
    whose: t.Sequence[tuple[Judge, Governed]],
    spaces: t.Mapping[str, Object],
    found: Scan,
) -> None:
    """Judges the objects of one kind by the policies that look at them."""
    group, plural = target
    try:
        if "*" in target:
            raise Unsupported(f"it looks at all kinds ({plural}.{group})")
        resource = _resolve(client, group, plural)
        objects = client.list(resource.api_version, resource.kind) if resource is not None else []
    except (Unsupported, errors.Forbidden) as exc:
        denied = isinstance(exc, errors.Forbidden)
        reason = f"our access to the cluster may not list {plural}" if denied else str(exc)
        found.findings += [Finding(item.name, item.mode, "skip", reason) for _judge, item in whose]
        return
    for obj in objects:
        namespace = str(obj["metadata"].get("namespace") or "")
        space = obj if obj["kind"] == "Namespace" else spaces.get(namespace)
        # Made since the namespaces were listed, or about to go.
        if namespace and (space is None or space["metadata"].get("deletionTimestamp")):
            continue
        for judge, _item in whose:
            verdict = judge.verdict(obj, t.cast(Resource, resource), space)
            if verdict is not None:
                _note(found, verdict, obj, namespace)


def _note(found: Scan, verdict: Verdict, obj: Object, namespace: str) -> None:
    found.policies[verdict.policy][verdict.result] += 1
    if verdict.result == "pass":
        found.passed[namespace] += 1
        return
    metadata = obj["metadata"]
    reference = {
        "apiVersion": str(obj["apiVersion"]),
        "kind": str(obj["kind"]),
        "namespace": namespace,
        "name": str(metadata["name"]),
        "uid": str(metadata.get("uid") or ""),
    }
    found.findings.append(Finding(verdict.policy, verdict.mode, verdict.result, verdict.message, reference))


def _resolve(client: Client, group: str, plural: str) -> Resource | None:
    """The kind of a resource name, None when the cluster does not serve it."""
    known = [item for item in STATIC.values() if (item.group, item.plural) == (group, plural)]
    if known or not group:
        return known[0] if known else _among(client, "v1", plural)
    document = client.group(group) or {}
    versions = [document.get("preferredVersion") or {}, *(document.get("versions") or ())]
    for version in versions:
        if version and (one := _among(client, str(version["groupVersion"]), plural)) is not None:
            return one
    return None


def _among(client: Client, api_version: str, plural: str) -> Resource | None:
    served = client.served(api_version) or {}
    return next((item for item in served.values() if item.plural == plural), None)
