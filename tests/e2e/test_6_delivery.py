# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sample application: placed by OCM's controller on the hub, delivered to two clusters, and shown in the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Fleet, eventually
from tests.e2e.test_2_again import clocks, our_writes
from tests.integration.browser.chromium import Browser

pytestmark = pytest.mark.timeout(900)

PLACEMENT, DELIVERY = "lodestar.platform.placement", "lodestar.platform.delivery"
PLACES = ("east", "legacy")
REPLICAS = 3
#: The words of the picture, in their order.
WORDS = "[...document.querySelectorAll('svg text')].map(item => item.textContent)"


def ready(fleet: Fleet, cluster: str) -> int:
    """How many pods of the application are ready in a cluster."""
    pods = fleet.get(cluster, "pods", "-n", "hello", "-l", "app.kubernetes.io/name=hello")["items"]
    conditions = [{item["type"]: item["status"] for item in pod["status"].get("conditions", [])} for pod in pods]
    return sum(one.get("Ready") == "True" for one in conditions)


def test_the_controller_runs_and_decides(fleet: Fleet) -> None:
    deployment = fleet.get("global", "deployment", "placement-controller", "-n", "lodestar-system")
    assert deployment["status"].get("availableReplicas") == 1
    # The first look measures the clusters; what is measured rests.
    measured = fleet.playbook(PLACEMENT).checked()
    assert any("/AddOnPlacementScore/" in step for _target, step, _action in measured.steps())
    since = clocks(fleet)
    told = fleet.playbook(PLACEMENT).checked()
    assert (told.changed, told.steps()) == (0, [])
    assert our_writes(fleet, since) == {}
    assert "production: east, legacy (AllDecisionsScheduled)" in told.output


def test_the_application_runs_where_it_is_placed(fleet: Fleet, bar: Bar) -> None:
    predicted = fleet.playbook(DELIVERY, "--check", "--diff").checked()
    first = fleet.playbook(DELIVERY).checked()
    assert first.steps() == predicted.steps() != []
    places = {cluster: ready(fleet, cluster) for cluster in PLACES}
    assert sum(places.values()) == REPLICAS
    assert all(places.values())
    labels = {
        cluster: fleet.get(cluster, "deployment", "hello", "-n", "hello")["spec"]["template"]["metadata"]["labels"]
        for cluster in PLACES
    }
    assert (labels["east"].get("region"), labels["legacy"].get("region")) == (None, "west")
    since = clocks(fleet)
    again = fleet.playbook(DELIVERY).checked()
    assert (again.changed, again.steps()) == (0, [])
    assert our_writes(fleet, since) == {}
    bar("a sample application over a created and an attached cluster: second run", "changed=0, 0 writes")


def test_what_is_taken_away_comes_back(fleet: Fleet) -> None:
    fleet.kubectl("legacy", "delete", "service", "hello", "-n", "hello")
    run = fleet.playbook(DELIVERY).checked()
    assert [(target, action) for target, _step, action in run.steps()] == [("legacy", "create")]
    fleet.kubectl("legacy", "get", "service", "hello", "-n", "hello")
    eventually(lambda: sum(ready(fleet, cluster) for cluster in PLACES) == REPLICAS, 60, 1)


def test_the_report_shows_the_fleet(fleet: Fleet, tmp_path: Path, bar: Bar) -> None:
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    run = fleet.playbook(
        "lodestar.platform.fleet_report", "-e", f"fleet_report_html={page}", "-e", f"fleet_report_json={data}"
    ).checked()
    assert run.code == 0
    report = json.loads(data.read_text())
    assert {item["name"]: item["health"] for item in report["clusters"]} == dict.fromkeys(("global", *PLACES), "ok")
    with Browser(tmp_path / "profile") as browser:
        browser.open(page)
        words = " ".join(browser.evaluate(WORDS))
        assert browser.complaints == []
        assert browser.requests == [page.as_uri()]
        text = browser.evaluate("document.body.textContent")
    for cluster in ("global", *PLACES):
        assert cluster in words
    assert "lodestar-placements/production" in text
    bar("the report of a live fleet in a browser: clusters in the picture, complaints", "3, none")
