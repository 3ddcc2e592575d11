# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What in a cluster may break by an upgrade, or break it: use of API versions that end, and webhooks that fail closed.

Private to the collection.
"""

from __future__ import annotations

import json
import os
import re
import typing as t

from ..labels import matches
from . import kubeapi, paths

_METRIC = "apiserver_requested_deprecated_apis"
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_AUDIT_LOG = f"{paths.AUDIT_LOGS}/audit.log"
#: Of the audit log, the newest part: callers are told for the operator's convenience.
_AUDIT_BYTES = 32 << 20
_CALLERS = 5
_WEBHOOKS = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
#: Without these, no node and no pod of the control plane comes back.
_VITAL = {"pods", "nodes"}

Found = list[dict[str, t.Any]]


def deprecated(api: kubeapi.Api) -> Found:
    """API versions that somebody has asked this API server for since it began, and that will end.

    :returns: C(resource) as C(group/version/resource), C(removed_in) (a minor), and C(callers), as far as the audit log
        here tells.
    """
    status, body = api.raw("GET", "/metrics")
    if status != 200:
        return []
    asked = parse_metric(body.decode("utf-8", "replace"))
    callers = parse_audit(_newest_lines()) if asked else {}
    return [{**item, "callers": callers.get(item["resource"], [])} for item in asked]


def parse_metric(text: str) -> Found:
    """The deprecated API versions in an API server's metrics. Pure."""
    found: dict[str, dict[str, t.Any]] = {}
    for line in text.splitlines():
        if not line.startswith(_METRIC + "{"):
            continue
        labels = dict(_LABEL.findall(line))
        if not labels.get("removed_release"):
            continue
        resource = "/".join(part for part in (labels["group"], labels["version"], labels["resource"]) if part)
        found[resource] = {"resource": resource, "removed_in": labels["removed_release"]}
    return [found[key] for key in sorted(found)]


def _newest_lines() -> list[str]:
    try:
        with open(_AUDIT_LOG, "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - _AUDIT_BYTES))
            return [line.decode("utf-8", "replace") for line in log if b'"k8s.io/removed-release"' in line]
    except OSError:
        return []


def parse_audit(lines: t.Iterable[str]) -> dict[str, list[str]]:
    """Who asked for API versions that end, the newest first: C(user (program)) by C(group/version/resource). Pure."""
    callers: dict[str, dict[str, None]] = {}
    for line in reversed(list(lines)):
        try:
            event = json.loads(line)
            where = event["objectRef"]
            name = f"{event['user']['username']} ({event.get('userAgent', 'unknown')})"
            keys = (where.get("apiGroup", ""), where.get("apiVersion", ""), where["resource"])
        except (ValueError, KeyError, TypeError):
            continue
        callers.setdefault("/".join(part for part in keys if part), {})[name] = None
    return {resource: list(names)[:_CALLERS] for resource, names in callers.items()}


def webhooks(api: kubeapi.Api) -> Found:
    """Webhooks whose failure keeps pods of kube-system or Nodes from being made or changed.

    :returns: C(configuration), C(webhook) and C(matches).
    """
    namespace = api.get("/api/v1/namespaces/kube-system") or {}
    labels = (namespace.get("metadata") or {}).get("labels") or {}
    found: Found = []
    for resource in _WEBHOOKS:
        for item in api.request("GET", f"{_ADMISSION}/{resource}").get("items") or ():
            found += fail_closed(item, labels)
    return found


def fail_closed(configuration: t.Mapping[str, t.Any], labels: t.Mapping[str, str]) -> Found:
    """Those of one configuration. Pure.

    :param labels: of the namespace kube-system.
    """
    name, found = configuration["metadata"]["name"], []
    for webhook in configuration.get("webhooks") or ():
        if webhook.get("failurePolicy", "Fail") != "Fail":
            continue
        resources = {item for rule in webhook.get("rules") or () for item in _matched(rule)}
        if not matches(webhook.get("namespaceSelector") or {}, labels):
            # Nodes have no namespace, so no selector of namespaces keeps a webhook from them.
            resources -= {"pods"}
        if resources:
            found.append({"configuration": name, "webhook": webhook["name"], "matches": sorted(resources)})
    return found


def _matched(rule: t.Mapping[str, t.Any]) -> set[str]:
    if not {"", "*"} & set(rule.get("apiGroups") or ()):
        return set()
    if not {"CREATE", "UPDATE", "*"} & set(rule.get("operations") or ()):
        return set()
    named = {item.split("/", 1)[0] for item in rule.get("resources") or ()}
    beyond = {"Cluster": {"pods"}, "Namespaced": {"nodes"}}.get(rule.get("scope", "*"), set())
    return (_VITAL if "*" in named else _VITAL & named) - beyond
