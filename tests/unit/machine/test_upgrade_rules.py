# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must not be upgraded: each rule with a case that breaks it and the cases beside it that do not."""

from __future__ import annotations

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import upgrade_rules, versions


def test_versions_are_compared_as_numbers() -> None:
    assert versions.parse("v1.36.10") == versions.parse("1.36.10") > versions.parse("1.36.9")
    assert versions.newest(["1.9.1", "1.36.3", "1.36.10"]) == "1.36.10"
    assert versions.oldest(["1.10.0", "1.9.9"]) == "1.9.9"
    assert (versions.minors_between("1.36.3", "1.37.2"), versions.minors_between("1.37.2", "1.35.4")) == (1, -2)
    assert versions.minors_between("1.36.3", "2.0.0") > upgrade_rules.KUBELET_SKEW
    assert versions.plain("v1.37.2-1") == "1.37.2"
    with pytest.raises(ValueError, match="full version"):
        versions.parse("1.36")


@pytest.mark.parametrize(
    ("seen", "refused"),
    [
        ({"the API server of e1": "1.37.2", "the kubelet of e2": "1.36.3"}, True),
        ({"the API server of e1": "1.36.4"}, True),
        ({"the API server of e1": "1.36.3", "the kubelet of e2": "1.35.4"}, False),
    ],
)
def test_a_downgrade_is_refused(seen: dict[str, str], refused: bool) -> None:
    problem = upgrade_rules.downgrade("east", "1.36.3", seen)
    assert (problem is not None) == refused
    if problem is not None:
        assert "the API server of e1" in str(problem)
        assert "east: kubernetes_version = '1.36.3'" in str(problem)


@pytest.mark.parametrize(
    ("servers", "refused"),
    [
        ({"e1": "1.35.4"}, True),
        ({"e1": "1.37.2", "e2": "1.35.4"}, True),
        ({"e1": "1.36.3"}, False),
        ({"e1": "1.37.0"}, False),
    ],
)
def test_a_skipped_minor_is_refused(servers: dict[str, str], refused: bool) -> None:
    problem = upgrade_rules.skipped_minor("east", "1.37.2", servers)
    assert (problem is not None) == refused
    if problem is not None:
        assert "Upgrade to the newest 1.36 first" in str(problem)


def test_a_kubelet_is_at_most_three_minors_older() -> None:
    assert upgrade_rules.old_kubelets("east", "1.37.2", {"e1": "1.36.3", "e2": "1.34.0"}, "1.36.3") is None
    problem = upgrade_rules.old_kubelets("east", "1.37.2", {"e1": "1.36.3", "e2": "1.33.9"}, "1.36.3")
    assert "e2 (1.33.9)" in str(problem)
    assert "kubernetes_version '1.36.3'" in str(problem)
    assert "e1 (" not in str(problem)


@pytest.mark.parametrize(
    ("hub", "refused"),
    [("1.36.3", "runs (1.36.3)"), (None, "did not answer"), ("1.37.0", None), ("1.38.1", None)],
)
def test_no_cluster_goes_past_its_hub(hub: str | None, refused: str | None) -> None:
    problem = upgrade_rules.past_hub("east", "1.37.2", "global", hub)
    assert (problem is None) == (refused is None)
    assert refused is None or refused in str(problem)


def test_an_attached_cluster_is_never_upgraded() -> None:
    assert "never upgraded" in str(upgrade_rules.attached("legacy", "1.37.2", "1.36.3"))
    assert upgrade_rules.attached("legacy", "1.36.3", "1.36.3") is None
    assert upgrade_rules.attached("legacy", "1.35.4", "1.36.3") is None
    assert upgrade_rules.attached("legacy", None, "1.36.3") is None
    assert upgrade_rules.attached("legacy", "1.37.2", None) is None


def asked(removed_in: str) -> dict[str, object]:
    return {"resource": "batch/v1beta1/cronjobs", "removed_in": removed_in, "callers": ["ann (kubectl/1.20)"]}


def test_use_of_an_api_that_ends_is_refused_with_its_callers() -> None:
    problems, warnings = upgrade_rules.removed_apis("east", "1.37.2", [asked("1.37")], [])
    assert "batch/v1beta1/cronjobs ends with 1.37" in str(problems[0])
    assert "ann (kubectl/1.20)" in str(problems[0])
    assert warnings == []
    allowed = upgrade_rules.removed_apis("east", "1.37.2", [asked("1.37")], ["batch/v1beta1/cronjobs"])
    assert (len(allowed[0]), len(allowed[1])) == (0, 1)
    later = upgrade_rules.removed_apis("east", "1.37.2", [asked("1.38")], [])
    assert (len(later[0]), len(later[1])) == (0, 1)


def test_a_webhook_that_fails_closed_is_refused_unless_it_is_allowed() -> None:
    found = [{"configuration": "guard", "webhook": "pods.guard.example", "matches": ["nodes", "pods"]}]
    problems, warnings = upgrade_rules.webhooks("east", found, [])
    assert "guard/pods.guard.example" in str(problems[0])
    assert "Nodes and pods of kube-system" in str(problems[0])
    assert warnings == []
    problems, warnings = upgrade_rules.webhooks("east", found, ["guard"])
    assert problems == []
    assert "guard/pods.guard.example" in warnings[0]
