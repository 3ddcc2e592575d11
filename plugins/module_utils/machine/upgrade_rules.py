# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must not be upgraded, by Kubernetes' version skew policy and by ours. Pure. Private to the collection.

Kubernetes: API servers go up one minor at a time and never down; a kubelet is at most three minors older than any API
server it talks to, and never newer. Ours: no cluster runs a newer minor than the hub that manages it, and an attached
cluster is upgraded by whoever made it.
"""

from __future__ import annotations

import typing as t

from ..errors import Problem
from . import versions

#: How many minors a kubelet may be older than an API server.
KUBELET_SKEW = 3

Names = t.Mapping[str, str]


def downgrade(cluster: str, target: str, seen: Names) -> Problem | None:
    """Something already runs a newer version.

    :param seen: version by what runs it: C(the API server of e1).
    """
    newer = [what for what, version in seen.items() if versions.parse(version) > versions.parse(target)]
    if not newer:
        return None
    found = versions.newest(seen.values())
    return Problem(
        f"{cluster}: kubernetes_version",
        target,
        f"is older than what {', '.join(newer)} runs already ({found}), and Kubernetes cannot be downgraded",
        f"Declare {found!r}; an upgrade that was interrupted is finished by running this playbook again",
    )


def skipped_minor(cluster: str, target: str, api_servers: Names) -> Problem | None:
    """More than one minor lies between.

    :param api_servers: version by machine.
    """
    current = versions.oldest(api_servers.values())
    if versions.minors_between(current, target) <= 1:
        return None
    major, minor, _patch = versions.parse(current)
    return Problem(
        f"{cluster}: kubernetes_version",
        target,
        f"skips a minor version: the control plane runs {current}, and goes up one minor at a time",
        f"Upgrade to the newest {major}.{minor + 1} first, then go on from there",
    )


def old_kubelets(cluster: str, target: str, kubelets: Names, current: str) -> Problem | None:
    """Kubelets that would be too old for the new API servers.

    :param kubelets: version by Node.
    :param current: what the control plane runs now.
    """
    old = [f"{node} ({version})" for node, version in kubelets.items() if _too_old(version, target)]
    if not old:
        return None
    return Problem(
        f"{cluster}: kubernetes_version",
        target,
        f"is more than {KUBELET_SKEW} minors newer than the kubelets of {', '.join(old)}",
        f"Upgrade these first: run this playbook with kubernetes_version {current!r}, or remove these nodes",
    )


def _too_old(version: str, target: str) -> bool:
    return versions.minors_between(version, target) > KUBELET_SKEW


def past_hub(cluster: str, target: str, hub: str, hub_version: str | None) -> Problem | None:
    """The cluster would run a newer minor than its hub.

    :param hub_version: what the hub runs when this cluster is upgraded, C(None) when it could not be asked.
    """
    if hub_version is None:
        return Problem(
            f"{cluster}: kubernetes_version",
            target,
            f"the hub {hub} did not answer, and a cluster must not run a newer minor than its hub",
            "Bring the hub back, and run again",
        )
    if versions.minors_between(hub_version, target) <= 0:
        return None
    return Problem(
        f"{cluster}: kubernetes_version",
        target,
        f"is a newer minor than the hub {hub} runs ({hub_version})",
        f"Upgrade {hub} first, or in the same run: declare its version and leave it in the limit of the run",
    )


def attached(cluster: str, target: str | None, running: str | None) -> Problem | None:
    """An attached cluster is declared with a newer version than it runs.

    :param running: what it runs, C(None) when it did not answer.
    """
    if target is None or running is None or versions.parse(target) <= versions.parse(running):
        return None
    return Problem(
        f"{cluster}: kubernetes_version",
        target,
        f"it is attached and runs {running}; an attached cluster is never upgraded from here",
        "Upgrade it where it was made, and declare the version then, or none",
    )


def removed_apis(
    cluster: str, target: str, asked: t.Iterable[t.Mapping[str, t.Any]], allowed: t.Collection[str]
) -> tuple[list[Problem], list[str]]:
    """Problems for API versions that somebody uses and that the target does not serve any more, and warnings for others
    that are deprecated.

    :param asked: C(resource), C(removed_in), C(callers) as :func:`upgrade_hazards.deprecated` has them.
    :param allowed: resources that the operator does not care about.
    """
    problems, warnings = [], []
    for item in asked:
        by = f", by {', '.join(item['callers'])}" if item["callers"] else ""
        text = f"{item['resource']} ends with {item['removed_in']} and was asked for{by}"
        ends = versions.minors_between(f"{item['removed_in']}.0", target) >= 0
        if ends and item["resource"] not in allowed:
            remedy = f"Move the callers to another version, or say upgrade_allow_removed_apis: [{item['resource']}]"
            problems.append(Problem(f"{cluster}: kubernetes_version", target, text, remedy))
        else:
            warnings.append(f"{cluster}: {text}")
    return problems, warnings


def webhooks(
    cluster: str, found: t.Iterable[t.Mapping[str, t.Any]], allowed: t.Collection[str]
) -> tuple[list[Problem], list[str]]:
    """Problems for webhooks that would keep a node or the control plane's pods from coming back while they do not
    answer, and warnings for those that the operator allows.

    :param found: as :func:`upgrade_hazards.webhooks` has them.
    :param allowed: names of webhook configurations.
    """
    problems, warnings = [], []
    for item in found:
        where = f"{item['configuration']}/{item['webhook']}"
        matches = " and ".join({"pods": "pods of kube-system", "nodes": "Nodes"}[kind] for kind in item["matches"])
        text = f"the webhook {where} fails closed and matches {matches}"
        if item["configuration"] in allowed:
            warnings.append(f"{cluster}: {text}")
            continue
        remedy = (
            "Exclude kube-system by its namespaceSelector, let it fail open, or say"
            f" upgrade_allow_webhooks: [{item['configuration']}]"
        )
        reason = f"{text}: while it does not answer, nothing there comes back"
        problems.append(Problem(f"{cluster}: webhooks", where, reason, remedy))
    return problems, warnings
