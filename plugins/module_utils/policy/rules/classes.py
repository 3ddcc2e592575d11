# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about classes of storage and of priority. Pure. Private to the collection."""

from __future__ import annotations

from ...declaration import DNS_SUBDOMAIN
from .parameters import Parameter, Values
from .rule import CLAIMS, Rule, Target, listed, literal, reached


def _storage(at: str, values: Values) -> str:
    allowed = literal([*values["classes"], *(["(none)"] if values["allow_none"] else [])])
    name = "(has(c.spec.storageClassName) && c.spec.storageClassName != '' ? c.spec.storageClassName : '(none)')"
    templates = f"{at}.spec.volumeClaimTemplates.filter(c, has(c.spec.storageClassName))"
    claims = (
        f"(object.kind == 'PersistentVolumeClaim' ? [{at}].filter(c, has(c.spec))"
        # In a template nothing means the cluster's default, which is filled in when the claim is made.
        f" : {reached(at, 'spec', 'volumeClaimTemplates')} ? {templates} : [])"
    )
    return f"{claims}.map(c, {name}).filter(name, !(name in {allowed}))"


def _priority(at: str, values: Values) -> str:
    name = f"{at}.spec.priorityClassName"
    wrong = f"{reached(at, 'spec', 'priorityClassName')} && {name} != '' && !({name} in {literal(values['classes'])})"
    return f"({wrong} ? [{name}] : [])"


RULES = (
    Rule(
        "allowed_storage_classes",
        "volumes are claimed of the listed StorageClasses",
        _storage,
        "StorageClasses that are not allowed",
        lambda values: f"set storageClassName to one of {listed(values['classes'])}",
        parameters=(
            Parameter(
                "classes",
                "texts",
                pattern=DNS_SUBDOMAIN,
                rule="the name of a StorageClass",
                needed="list the StorageClasses that may be used",
            ),
            Parameter("allow_none", "boolean", default=False),
        ),
        judged=lambda values: (CLAIMS,),
        workloads=(Target("apps", ("statefulsets",)),),
        template=False,
    ),
    Rule(
        "allowed_priority_classes",
        "pods have no PriorityClass but the listed ones",
        _priority,
        "PriorityClasses that are not allowed",
        lambda values: f"leave priorityClassName out; allowed: {listed(values['classes'])}",
        parameters=(Parameter("classes", "texts", pattern=DNS_SUBDOMAIN, rule="the name of a PriorityClass"),),
    ),
)
