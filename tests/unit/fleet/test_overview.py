# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet report says what is, in the order in which it matters, and the same inputs make the same bytes."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import hub_view
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.overview import (
    collect,
    document,
    judge,
    live,
    render,
    requested,
    rollouts,
    words,
)
from ansible_collections.lodestar.platform.plugins.module_utils.kube.errors import Forbidden
from ansible_collections.lodestar.platform.plugins.module_utils.machine.upgrade_rules import KUBELET_SKEW

from .report_samples import (
    AT,
    SILENT,
    Answers,
    answering,
    fleet_of,
    machines,
    node,
    pod,
    quota,
    record,
    report_of,
    stamp,
)
from .report_samples import sample as five

SCHEMA = json.loads((Path(document.__file__).parent / "schema.json").read_text())


def one(told: dict[str, t.Any] | None, hub: str = "v1.36.3", **more: t.Any) -> list[tuple[str, str, str]]:
    """Severity, area and text of what is found in one workload cluster."""
    view = hub_view.view(record("east", **more))
    views = [hub_view.view(record("global", role="global", version=hub)), {**view, **({"live": told} if told else {})}]
    found = report_of(collect.Known(views, asked=told is not None))["findings"]
    return [(item["severity"], item["area"], item["text"]) for item in found if item["cluster"] == "east"]


def test_a_cluster_that_is_well_needs_nothing() -> None:
    assert one(answering("east", machines("east"))) == []
    assert one(None) == []


def test_what_needs_attention_comes_by_severity() -> None:
    found = report_of(five())["findings"]
    assert [item["severity"] for item in found] == sorted(
        [item["severity"] for item in found], key=judge.SEVERITIES.index
    )
    assert [(item["cluster"], item["area"]) for item in found[:2]] == [("legacy", "availability"), ("east", "drift")]
    areas = {item["area"] for item in found}
    assert areas == {"availability", "certificates", "drift", "nodes", "policies", "tenants", "versions"}
    assert report_of(five())["summary"]["health"] == {"critical": 1, "warning": 2, "ok": 2}


def test_a_cluster_that_does_not_answer_is_critical_with_since_when() -> None:
    silent = {"status": "Unknown", "lastTransitionTime": stamp(days=2), "message": "Not reached"}
    view = hub_view.view(record("east", available=silent))
    for known in (collect.Known([{**view, "live": SILENT}], asked=True), collect.Known([view])):
        (found, *_others) = [item for item in report_of(known)["findings"] if item["cluster"] == "east"]
        assert (found["severity"], found["area"], found["since"]) == ("critical", "availability", stamp(days=2))
    again = one(answering("east", machines("east")), available=silent)
    assert again == [("notice", "availability", "it answers now, and the hub still records that it does not")]


def test_access_that_ends_is_told() -> None:
    assert one(None, expires=stamp(hours=1)) == [("critical", "access", "the access to it has ended")]
    ageing = {**answering("east", machines("east")), "state": "ageing", "expires": stamp(hours=-10)}
    assert one(ageing) == [("notice", "access", "of the access to it 10 h are left, no more than half")]


@pytest.mark.parametrize(
    ("end", "severity", "text"),
    [(stamp(days=1), "critical", "has ended"), (stamp(days=-29), "warning", "ends in 29 d"), (stamp(days=-31), "", "")],
)
def test_certificates_are_told_before_they_end(end: str, severity: str, text: str) -> None:
    found = one(answering("east", machines("east"), certificate=end))
    expected = [(severity, "certificates", f"the serving certificate of the API server {text}")] if severity else []
    assert found == expected


def test_nodes_that_are_not_ready_are_named_with_the_reason() -> None:
    nodes = [*machines("east", 4), node("east-5", ready=False)]
    assert one(answering("east", nodes)) == [
        ("warning", "nodes", "1 of 5 nodes are not ready: east-5 (NodeStatusUnknown)")
    ]
    dead = [node(f"east-{n}", ready=False, control=True) for n in (1, 2, 3)] + machines("w", 1)[:0] + [node("east-4")]
    assert one(answering("east", dead))[0][:2] == ("critical", "nodes")
    pressed = [
        *machines("east", 4),
        node("e5", conditions=[{"type": "PIDPressure", "status": "True", "reason": "Full"}]),
    ]
    assert one(answering("east", pressed)) == [("warning", "nodes", "nodes complain: e5 (Full)")]
    cordoned = [*machines("east", 4), node("e5", cordoned=True)]
    assert one(answering("east", cordoned)) == [("notice", "nodes", "no new pods on e5")]
    assert one(answering("east", [])) == [("warning", "nodes", "it has no nodes")]


def test_machines_of_the_inventory_and_nodes_are_compared() -> None:
    known = five()
    known.views = [
        {**item, "live": answering("west", [*machines("west", 4), node("stranger")])}
        if item["name"] == "west"
        else item
        for item in known.views
    ]
    texts = [item["text"] for item in report_of(known)["findings"] if item["cluster"] == "west"]
    assert "declared, and no node of it: west-5" in texts
    assert "a node, and not in the inventory: stranger" in texts


@pytest.mark.parametrize(
    ("version", "kubelet", "hub", "severity", "text"),
    [
        ("v1.29.4", "v1.29.4", "v1.36.3", "warning", "outside of what is supported"),
        ("v1.36.3", "v1.32.1", "v1.36.3", "critical", "more than 3 minors older"),
        ("v1.36.3", "v1.33.1", "v1.36.3", "notice", "of an older minor"),
        ("v1.35.4", "v1.36.3", "v1.36.3", "critical", "newer than the API server"),
        ("v1.37.2", "v1.37.2", "v1.36.3", "warning", "a newer minor than its hub runs"),
        ("v1.36.3+k3s1", "v1.36.3", "v1.36.3", "", ""),
    ],
)
def test_versions_are_held_against_the_rules_of_skew(
    version: str, kubelet: str, hub: str, severity: str, text: str
) -> None:
    nodes = [node("east-1", version=kubelet, control=True)]
    found = one(answering("east", nodes, version=version), hub, version=version)
    assert [item[:2] for item in found] == ([(severity, "versions")] if severity else [])
    assert all(text in item[2] for item in found)
    assert judge.KUBELET_SKEW == KUBELET_SKEW  # the one of the upgrade


def test_a_declared_version_that_does_not_run_is_told() -> None:
    known = five()
    known.fleet["clusters"]["west"]["version"] = "1.36.4"  # type: ignore[index]
    texts = [item["text"] for item in report_of(known)["findings"] if item["cluster"] == "west"]
    assert "1.36.4 is declared, and v1.36.3 runs" in texts


def test_room_that_is_used_up_is_told() -> None:
    nodes = machines("east", 2)
    full = answering("east", nodes, pods=[pod("east-1", "7500m", "1Gi"), pod("east-2", "7500m", "1Gi")])
    assert one(full) == [("warning", "capacity", "96% of its cpu is requested: 15 of 15.6")]
    spent = answering("east", machines("east"), quotas=[quota("a", "12", "12"), quota("b", "11", "12")])
    assert one(spent) == [
        ("warning", "tenants", "tenant a has used up requests.cpu"),
        ("notice", "tenants", "tenant b is near its limits: requests.cpu 92%"),
    ]


def test_pods_request_what_their_scheduler_counts() -> None:
    """Init containers count where they need more than the rest; sidecars from their start on; a pod's word first."""

    def asks(cpu: str, **more: str) -> dict[str, t.Any]:
        return {"resources": {"requests": {"cpu": cpu}}, **more}

    spec: dict[str, t.Any] = {"containers": [asks("1"), asks("500m")], "overhead": {"cpu": "100m"}}
    assert requested.requests({"spec": spec})["cpu"] == Fraction("1.6")
    side = asks("250m", restartPolicy="Always")
    assert requested.requests({"spec": {**spec, "initContainers": [side, asks("2")]}})["cpu"] == Fraction("2.35")
    assert requested.requests({"spec": {**spec, "initContainers": [asks("1"), side]}})["cpu"] == Fraction("1.85")
    assert requested.requests({"spec": {**spec, "resources": {"requests": {"cpu": "3"}}}})["cpu"] == Fraction("3.1")
    ended = {"spec": {**spec, "nodeName": "a"}, "status": {"phase": "Succeeded"}}
    assert requested.by_node([ended]) == {}


def test_what_may_not_be_read_is_named_and_keeps_nothing_else_away() -> None:
    refused = Forbidden("list Pod: pods is forbidden", status=403)
    client = t.cast(t.Any, Answers(Pod=refused, ResourceQuota=[quota("a", "1", "2")], PolicyReport=[{"results": [7]}]))
    seen = live.read(client, [node("n1")])["seen"]
    assert seen["unreadable"] == {
        "policies": "the answer is no object of Kubernetes (AttributeError)",
        "requested": "list Pod: pods is forbidden",
    }
    assert (seen["requested"], seen["nodes"][0]["requested"]) == (None, None)
    assert seen["quotas"][0]["resources"]["requests.cpu"] == {"used": "1", "hard": "2"}


def test_what_is_not_known_is_left_out_and_named() -> None:
    report = report_of(collect.Known([hub_view.view(record("east"))], omitted={"placements": "no right"}))
    assert [item["what"] for item in report["omitted"]] == [
        "drift",
        "nodes, requests, certificates, use of quotas",
        "placements",
        "policy results",
        "what is declared",
        "what runs have changed",
    ]
    page, text = render.html(report), render.markdown(report)
    for title in ("Tenants", "Placements", "Last runs"):
        assert f">{title}</h2>" not in page
        assert f"## {title}" not in text
    assert f">{title}</h2>" in render.html(report_of(five()))


def test_placements_are_explained_cluster_by_cluster() -> None:
    known = five()
    clusters = {item["name"]: item for item in report_of(known)["clusters"]}
    (east,), (west,) = clusters["east"]["explained"], clusters["west"]["explained"]
    assert (east["decided"], east["foretold"], east["rank"], east["score"]) == (True, True, 1, 180)
    assert (west["decided"], west["foretold"], west["stage"]) == (True, False, "Predicate")
    assert east["measured"] == [f"AddOn/lodestar/cost 80: costs 1, since {stamp(days=3)}"]
    assert "AddOn/lodestar/cost 80: costs 1, since" in render.html(report_of(known))
    assert "yes, will be left" in render.html(report_of(known))
    known.explained = [{**known.explained[0], "difference": "OCM has decided nothing yet"}]
    (found,) = [item for item in report_of(known)["findings"] if item["area"] == "placements"]
    assert (found["severity"], found["text"]) == ("warning", "placement shop/front: OCM has decided nothing yet")


def test_rollouts_are_told_with_what_has_failed() -> None:
    def noted(name: str, clusters: str, rollout: str) -> dict[str, t.Any]:
        metadata = {"name": f"delivery-{name}", "managedFields": [{"time": stamp(days=-1)}]}
        return {"metadata": metadata, "data": {"clusters": clusters, "rollout": rollout}}

    stopped = {"digest": "d2", "state": "stopped", "good": "d1", "done": ["east"], "waiting": ["north"]}
    stopped |= {"failed": {"west": "not ready"}, "reason": "in all clusters 1 failed (west), and 0 may"}
    records = [
        noted("shop", '["east", "west"]', json.dumps(stopped)),
        noted("agent", '["east", "west"]', '{"digest": "d1", "state": "complete", "good": "d1"}'),
        noted("odd", "[]", '{"digest": "d1", "state": "gone"}'),
        {"metadata": {"name": "delivery-plain"}, "data": {"clusters": "[]"}},
    ]
    known, omitted = five(), dict[str, str]()
    known.rollouts = rollouts.rollouts(records, omitted)
    assert list(omitted) == ["the rollout of odd"]
    report = report_of(known)
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    agent, shop = report["rollouts"]
    assert (agent["state"], agent["done"]) == ("complete", ["east", "west"])
    assert (shop["done"], shop["failed"][0]["cluster"], shop["not_begun"]) == (["east"], "west", ["north"])
    (found,) = [item for item in report["findings"] if item["area"] == "deliveries"]
    assert "shop has stopped: in all clusters 1 failed (west), and 0 may; failed: west" in found["text"]
    assert "delivery_rollback" in found["remedy"]
    assert "in all clusters 1 failed (west)" in render.html(report)
    assert "## Rollouts" in render.markdown(report)


def test_a_cluster_that_is_declared_alone_is_told() -> None:
    known = five()
    known.views = [item for item in known.views if item["name"] != "west"]
    (west,) = [item for item in report_of(known)["clusters"] if item["name"] == "west"]
    assert (west["recorded"], west["health"]) == (False, "warning")
    assert "west" in render.html(report_of(known))


@pytest.mark.parametrize("known", [five(), fleet_of(30), collect.Known([])], ids=["five", "thirty", "none"])
def test_the_document_has_the_shape_of_its_schema(known: collect.Known) -> None:
    report = json.loads(render.as_json(report_of(known)))
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    known.asked = False
    known.views = [{key: value for key, value in item.items() if key != "live"} for item in known.views]
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(render.as_json(report_of(known))))


def test_the_same_inputs_make_the_same_bytes() -> None:
    known = five()
    turned = dataclasses.replace(known, views=known.views[::-1], placements=known.placements[::-1])
    for form in render.FORMATS:
        assert render.text_of(report_of(known), form) == render.text_of(report_of(turned), form)
    later = document.document(known, AT.replace(minute=1), "Fleet report")
    assert render.html(later) != render.html(report_of(known))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is no JSON"),
        ('{"schema": 2, "at": "2026-01-01T00:00:00Z", "clusters": []}', "is no report of schema 1"),
        ('{"schema": 1, "at": "2026-01-01T00:00:00Z", "clusters": [1]}', "is no report of a run"),
        (None, "cannot be read: No such file"),
    ],
)
def test_files_of_earlier_runs_are_checked(tmp_path: Path, content: str | None, reason: str) -> None:
    path = tmp_path / "run.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidInput) as caught:
        collect.run_report(str(path))
    assert f"run_reports = '{path}': {reason}" in str(caught.value)
    assert "report_path" in str(caught.value)


def test_amounts_and_times_are_for_people() -> None:
    assert [words.shown("cpu", text) for text in ("500m", "12", "1500", None)] == ["0.5", "12", "1500", "–"]  # noqa: RUF001
    assert [words.shown("memory", text) for text in ("31457280Ki", "512", "1.5Gi")] == ["30 GiB", "512 B", "1.5 GiB"]
    assert [words.span(n) for n in (40, 119, 7199, 7200, 172800)] == ["40 s", "1 min", "119 min", "2 h", "2 d"]
    assert words.until(stamp(hours=1), AT) == "ended"
