# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rights beyond a tier that an operator gives our identity on one cluster. Pure. Private to the collection.

They are for what tenants get there: ClusterRoles of the cluster's own, and objects of kinds that no tier manages.
"""

from __future__ import annotations

import re
import typing as t

from .inventory_fields import Fields

#: ClusterRoles that would hand a tenant more than its namespaces, or the platform's own rights.
FORBIDDEN_ROLES = ("cluster-admin", "system:", "lodestar:")
#: API groups that decide about rights, about what is admitted, or about which APIs there are.
FORBIDDEN_GROUPS = (
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "rbac.authorization.k8s.io",
)
#: Core resources that belong to the cluster, not to a namespace, or to the tiers.
FORBIDDEN_RESOURCES = ("namespaces", "nodes", "persistentvolumes")

_ROLE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9:._-]{0,251}[A-Za-z0-9])?")
_RESOURCE = re.compile(r"[a-z][a-z0-9]{0,62}(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def is_bindable(name: str) -> bool:
    """True for the name of a ClusterRole that a tenant may get at all."""
    return bool(_ROLE.fullmatch(name)) and not (name == FORBIDDEN_ROLES[0] or name.startswith(FORBIDDEN_ROLES[1:]))


def read(access: Fields) -> dict[str, list[str]]:
    """C(grants) of C(cluster_access); its problems are left with the fields. Empty lists are left out."""
    part = access.section("grants", ("cluster_roles", "resources"))
    roles = part.strings(
        "cluster_roles", is_bindable, f"the name of a ClusterRole other than {', '.join(FORBIDDEN_ROLES)}*"
    )
    allowed = "the plural of a kind, with its group: configmaps, deployments.apps; no subresource and no wildcard"
    resources = part.strings("resources", _RESOURCE, allowed)
    for name in resources:
        plural, _dot, group = name.partition(".")
        if group in FORBIDDEN_GROUPS or (not group and plural in FORBIDDEN_RESOURCES):
            reason = f"{name} decides about more than the namespaces of tenants"
            part.wrong("resources", reason, f"Remove {name}")
    found: dict[str, t.Any] = {"cluster_roles": sorted(set(roles)), "resources": sorted(set(resources))}
    return {key: value for key, value in found.items() if value}
