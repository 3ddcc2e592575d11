# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scan as policy reports, data, JUnit and a table."""

from __future__ import annotations

import typing as t
from xml.etree import ElementTree

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.policy.scan import Finding, Scan
from ansible_collections.lodestar.platform.plugins.module_utils.policy.scan_report import (
    MOST,
    document,
    junit,
    policy_reports,
    table,
)


def finding(policy: str, mode: str, result: str = "fail", name: str = "p", message: str = "wrong") -> Finding:
    reference = {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": name, "uid": "1"}
    return Finding(policy, mode, result, message, {} if result == "skip" else reference)


def scan(*findings: Finding, passed: int = 2) -> Scan:
    found = Scan(list(findings))
    for item in findings:
        entry = {"mode": item.mode, "declared": True, "pass": passed, "fail": 0, "error": 0}
        found.policies.setdefault(item.policy, entry)
        if item.result != "skip":
            found.policies[item.policy][item.result] += 1
    found.passed["shop"] = passed
    return found


MIXED = scan(finding("a", "deny"), finding("b", "warn"), finding("c", "audit"), finding("d", "deny", "skip"))


@pytest.mark.parametrize(
    ("fail_on", "compliant", "failures"),
    [("none", True, 0), ("deny", False, 1), ("warn", False, 2), ("audit", False, 3)],
)
def test_the_threshold_is_the_mildest_mode_that_counts(fail_on: str, compliant: bool, failures: int) -> None:
    assert document("east", MIXED, fail_on, 10)["compliant"] is compliant
    suites = ElementTree.fromstring(junit("east", MIXED, fail_on))
    assert int(suites.get("failures", "")) == len(list(suites.iter("failure"))) == failures
    assert int(suites.get("tests", "")) == len(list(suites.iter("testcase"))) == 8
    assert int(suites.get("skipped", "")) == 1


def test_an_expression_that_fails_refuses_requests_and_so_counts() -> None:
    found = scan(finding("a", "deny", "error"))
    assert document("east", found, "deny", 10)["compliant"] is False
    assert ElementTree.fromstring(junit("east", found, "deny")).get("errors") == "1"


def test_what_is_only_skipped_is_compliant_and_told() -> None:
    made = document("east", scan(finding("d", "deny", "skip")), "audit", 10)
    assert made["compliant"] is True
    assert made["skipped"] == [{"policy": "d", "reason": "wrong"}]


def test_reports_count_everything_and_list_a_bounded_number() -> None:
    findings = [finding("a", "audit", name=f"p{place}") for place in range(MOST + 10)]
    cluster, shop = policy_reports(scan(finding("z", "deny", name="worst"), *findings, finding("s", "warn", "skip")))
    assert (cluster["kind"], shop["kind"]) == ("ClusterPolicyReport", "PolicyReport")
    assert cluster["summary"] == {"pass": 0, "fail": 0, "warn": 0, "error": 0, "skip": 1}
    assert "resources" not in cluster["results"][0]
    assert shop["summary"] == {"pass": 2, "fail": 1, "warn": MOST + 10, "error": 0, "skip": 0}
    assert len(shop["results"]) == MOST
    assert shop["results"][0]["resources"][0]["name"] == "worst", "the gravest come first"
    made = document("east", scan(*findings), "deny", 3)
    assert (len(made["findings"]), made["left_out"]) == (3, MOST + 7)


@pytest.mark.parametrize("text", ["<&\"'>]]>", "a\x1b[31mb\x00", "\ud800", "line\nline"])
def test_what_a_cluster_says_breaks_no_file(text: str) -> None:
    found = scan(finding("a", "deny", message=text, name=text))
    case = next(ElementTree.fromstring(junit("east", found, "deny")).iter("failure"))
    assert "\x1b" not in (case.get("message") or "")
    assert t.cast(dict[str, t.Any], policy_reports(found)[1])["results"][0]["message"].encode()


def test_the_table_begins_with_what_is_broken() -> None:
    lines = table(scan(finding("a", "deny", "skip"), finding("b", "audit")))
    assert [line.split()[0] for line in lines] == ["POLICY", "b", "a"]


@pytest.mark.parametrize("fail_on", ["none", "deny"])
def test_a_cluster_that_could_not_be_asked_is_not_compliant_and_every_file_says_why(fail_on: str) -> None:
    found = Scan(unreachable="no answer\nwithin 10 s")
    made = document("west", found, fail_on, 10)
    assert (made["compliant"], made["unreachable"], made["passed"]) == (False, "no answer\nwithin 10 s", 0)
    suites = ElementTree.fromstring(junit("west", found, fail_on))
    assert [suites.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["1", "0", "1", "0"]
    [error] = suites.iter("error")
    assert (error.get("message") or "").startswith("no answer")
    [line] = table(found)
    assert line.startswith("not scanned: no answer")
