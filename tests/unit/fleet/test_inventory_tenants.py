# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tenants that policies name are compared with those of the inventory."""

from __future__ import annotations

from ansible_collections.lodestar.platform.tests.unit.fleet.test_inventory import Declaration, read

RULE = {"rule": "no_latest_tag", "mode": "deny"}
WAIVER = {"owner": "ops", "reason": "r", "until": "2999-12-31"}
POLICIES = [
    {"name": "scoped", **RULE, "scope": {"tenants": ["shop", "shpo"]}},
    {"name": "excepted", **RULE, "exceptions": [{**WAIVER, "names": ["a"]}, {**WAIVER, "tenants": ["payments"]}]},
]
UNKNOWN = "is not a tenant of the inventory; "
REMEDY = "Correct the name, or remove it if the tenant is gone"


def declaration(*tenants: str) -> Declaration:
    declared = Declaration()
    declared.everywhere("policies", POLICIES)
    declared.everywhere("tenants", [{"name": name, "namespaces": [name]} for name in tenants])
    return declared


def test_a_scope_and_an_exception_name_declared_tenants() -> None:
    assert declaration("shop").problems() == [
        ("policies[scoped].scope.tenants", "shpo", f"{UNKNOWN}did you mean 'shop'? {REMEDY}"),
        ("policies[excepted].exceptions[1].tenants", "payments", UNKNOWN + REMEDY),
    ]
    assert len(read(declaration("shop", "shpo", "payments"))["policies"]) == 2


def test_without_tenants_nobody_is_one() -> None:
    declared = declaration()
    declared.everywhere("tenants", None)
    assert [value for _key, value, _words in declared.problems()] == ["shop", "shpo", "payments"]


def test_a_list_of_tenants_that_is_none_is_the_only_problem() -> None:
    declared = declaration()
    declared.everywhere("tenants", {"shop": {}})
    assert {key for key, _value, _words in declared.problems()} == {"tenants"}
