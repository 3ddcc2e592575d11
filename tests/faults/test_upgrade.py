# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upgrades: what is refused, what is predicted, what is lost, and runs that are killed on the way."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Run, eventually
from tests.e2e.nodes import cordoned, kubelets
from tests.faults.solo_fleet import Solo, in_containers, overlay, second_machine
from tests.faults.test_images import images, unwell
from tests.faults.test_interrupted import ALL, Kill, kill_at
from tests.faults.test_refused import refused
from tests.faults.test_remove import protected
from tests.faults.writer import Writer

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]
UPGRADE = "lodestar.platform.upgrade"
OLDEST, OLD, NEW = "1.35.4", "1.36.3", "1.37.2"

MANIFESTS = Kill(
    "upgrade, the first manifest changed", f"grep -q kube-apiserver:v{NEW} /etc/kubernetes/manifests/*.yaml", ALL
)
REPLACED = Kill(
    "upgrade, between the kubelet's replacement and its restart",
    "test ! /proc/$(systemctl show -P MainPID kubelet)/exe -ef /usr/local/bin/kubelet",
    ALL,
    slow=("systemctl", "restart kubelet"),
)
DRAINING = "upgrade, during a drain"


@pytest.fixture(scope="module")
def bundled(solo: Solo) -> Solo:
    """The fleet, and a bundle of three minors."""
    versions = {"bundle_kubernetes_versions": [OLDEST, OLD, NEW]}
    solo.playbook("lodestar.platform.bundle", "-e", json.dumps(versions)).checked()
    return solo


def declared(directory: Path, version: str, worker: bool = False, **cluster: t.Any) -> tuple[str, str]:
    """An inventory that declares a version, with s2 as a worker or without."""
    files: dict[str, t.Any] = {"host_vars/solo.yml": {"kubernetes_version": version, **cluster}}
    if worker:
        files["hosts.yml"] = second_machine("workers")
    return overlay(directory / version, files)


def versions(solo: Solo) -> dict[str, str]:
    """Version of the kubelet by Node, and of the API server."""
    return {
        **kubelets(solo.nodes("solo")),
        "API": str(json.loads(solo.kubectl("solo", "get", "--raw", "/version"))["gitVersion"])[1:],
    }


def rested(solo: Solo, inventory: t.Sequence[str], version: str) -> None:
    """Raises AssertionError unless everything runs this version, and nothing is left to do or left over."""
    eventually(lambda: unwell(solo) == [], 240, 3)
    assert set(versions(solo).values()) == {version}
    assert cordoned(solo.nodes("solo")) == []
    ours = r"/kube-(apiserver|controller-manager|scheduler|proxy):v"
    old = [name for name in images(solo) if re.search(ours, name) and not name.endswith(f":v{version}")]
    assert old == []
    assert solo.on("s1", "ls -d /var/lib/lodestar/upgrade /etc/kubernetes/tmp 2>/dev/null || true") == ""
    for playbook in (UPGRADE, "lodestar.platform.site"):
        again = solo.playbook(playbook, *inventory).checked()
        assert (again.changed, again.steps()) == (0, []), again.output[-6000:]


def comparable(run: Run) -> list[tuple[str, str, str]]:
    """The steps, but for evictions: which pods there are is known when a drain begins."""
    return [step for step in run.steps() if not step[1].startswith("v1/Pod/")]


#: The machines' disk is fuller than this, so the kubelet collects every image that it may.
FULL = in_containers(kubelet_config={"imageGCHighThresholdPercent": 2, "imageGCLowThresholdPercent": 1})


def full_disk(solo: Solo, tmp_path: Path) -> None:
    """The kubelet wants all of the images' space back and finds nothing to take, then power is lost."""
    before = images(solo)
    solo.site(*declared(tmp_path / "full", OLDEST, **FULL)).checked()
    wants = ("events", "-A", "--field-selector", "involvedObject.name=s1")
    failed = {"ImageGCFailed", "FreeDiskSpaceFailed"}
    eventually(lambda: failed & {item["reason"] for item in solo.get("solo", *wants)["items"]}, 60, 2)
    solo.testbed("power-cycle", "s1")
    eventually(lambda: unwell(solo) == [], 300, 2)
    assert images(solo) == before


def test_one_machine(bundled: Solo, tmp_path: Path, bar: Bar) -> None:
    """Refused and announced before; no acknowledged write is lost although the API has an outage."""
    solo = bundled
    solo.testbed("reimage", "s1")
    solo.site(*declared(tmp_path, OLDEST)).checked()
    solo.operator()
    refused(solo.playbook(UPGRADE, *declared(tmp_path, NEW)), ["skips a minor", f"runs {OLDEST}", "1.36 first"])
    unknown = declared(tmp_path / "unknown", OLD, api_server_args={"no-such-flag": "x"})
    refused(solo.playbook(UPGRADE, *unknown), ["api_server_args.no-such-flag", f"{OLD} has no such argument"])
    full_disk(solo, tmp_path)
    wanted = declared(tmp_path, OLD, **FULL)
    refused(solo.site(*wanted), ["s1 is a Node of 1.35.4", "lodestar.platform.upgrade"])
    before = solo.now("s1")
    predicted = solo.playbook(UPGRADE, *wanted, "--check").checked()
    assert "unavailable: the API at" in predicted.output
    assert solo.our_writes("s1", before) == []
    with Writer(solo, "solo") as writer:
        run = solo.playbook(UPGRADE, *wanted).checked()
    assert comparable(predicted) == comparable(run)
    assert writer.written.lost == []
    assert writer.written.acknowledged
    rested(solo, wanted, OLD)
    refused(solo.playbook(UPGRADE, *declared(tmp_path, OLDEST)), ["cannot be downgraded"])
    bar("a disk over the threshold of image collection, power lost, no registry", "all pods Running, and upgraded")
    bar("upgrade of one machine, 1.35.4 to 1.36.3, as predicted", f"{run.seconds:.0f} s; {writer.written}")
    bar("upgrade: skip of a minor, downgrade, an argument that the new API server lacks", "refused before any change")


def guard(solo: Solo, policy: str) -> None:
    """A webhook for pods of every namespace that nothing answers."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    webhook = {
        "name": "guard.example.org",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": policy,
        "rules": [rule],
        "clientConfig": {"url": "https://192.0.2.1/"},
    }
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    solo.kubectl(
        "solo", "apply", "-f", "-", text=json.dumps({**kind, "metadata": {"name": "guard"}, "webhooks": [webhook]})
    )


def test_killed_and_held_up(bundled: Solo, tmp_path: Path, bar: Bar) -> None:
    """One upgrade of a control plane and a worker that is killed three times and held up once: the last run ends it."""
    solo, inventory = bundled, declared(tmp_path, NEW, worker=True)
    solo.testbed("reimage", "s1", "s2")
    solo.site(*declared(tmp_path, OLD, worker=True)).checked()
    solo.operator()
    guard(solo, "Fail")
    refused(solo.playbook(UPGRADE, *inventory), ["guard/guard.example.org fails closed", "upgrade_allow_webhooks"])
    solo.kubectl("solo", "delete", "validatingwebhookconfiguration", "guard")

    kill_at(solo, MANIFESTS, *inventory, playbook=UPGRADE)
    kill_at(solo, REPLACED, *inventory, playbook=UPGRADE)
    assert versions(solo)["s1"] == OLD

    protected(solo)
    run = solo.begin(*inventory, playbook=UPGRADE)
    eventually(lambda: "s2" in cordoned(solo.nodes("solo")) or run.process.poll() is not None, 600, 0.5)
    assert run.process.poll() is None, run.output[-6000:]
    run.kill()
    assert (cordoned(solo.nodes("solo")), versions(solo)["s1"], versions(solo)["s2"]) == (["s2"], NEW, OLD)

    held_up = solo.playbook(UPGRADE, *inventory, "-e", "upgrade_drain_timeout=15")
    assert held_up.code != 0
    said = " ".join(held_up.output.split())
    assert all(word in said for word in ("stopped at its deadline of 15 s", "default/web")), held_up.output[-6000:]
    assert cordoned(solo.nodes("solo")) == []
    assert versions(solo)["s2"] == OLD

    solo.kubectl("solo", "delete", "deployment,poddisruptionbudget", "web", "-n", "default")
    last = solo.playbook(UPGRADE, *inventory).checked()
    rested(solo, inventory, NEW)
    for kill in (MANIFESTS, REPLACED, DRAINING):
        bar(f"SIGKILL, {kill}: run again", f"finished, nothing cordoned; the last run took {last.seconds:.0f} s")
    bar("a drain that a budget holds up", "stops at its deadline, names the budget and its pods, and is taken back")
