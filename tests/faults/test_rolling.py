# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A changed declaration reaches three control planes one at a time, and a bad one gets no further than the first."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.faults.solo_fleet import Solo, overlay
from tests.faults.test_drift import names

pytestmark = [pytest.mark.full, pytest.mark.timeout(2400)]
MACHINES = ("s1", "s2", "s3")


class Watch:
    """Asks the endpoint all the while whether it is ready, and notes the longest time that it was not."""

    def __init__(self, address: str) -> None:
        self._address, self._ended = address, threading.Event()
        self.asked, self.failed, self.longest = 0, 0, 0.0
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ended.set()
        self._thread.join(10)

    def _ask(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        good = time.monotonic()
        while not self._ended.wait(0.2):
            connection = http.client.HTTPSConnection(self._address, 6443, context=context, timeout=2)
            self.asked += 1
            try:
                connection.request("GET", "/readyz")
                ready = connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                ready = False
            finally:
                connection.close()
            if ready:
                good = time.monotonic()
            else:
                self.failed += 1
                self.longest = max(self.longest, time.monotonic() - good)


@pytest.fixture
def three(solo: Solo, tmp_path: Path) -> t.Iterator[t.Callable[..., tuple[str, str]]]:
    """A platform of three control planes. Yields what makes an inventory of it with variables of the cluster."""
    others = {name: {"ansible_host": "{{ testbed.machines." + name + ".address }}"} for name in MACHINES[1:]}
    groups = {"solo_machines": {"children": {"solo_control_plane": {"hosts": others}}}}

    def declared(**variables: t.Any) -> tuple[str, str]:
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        files: dict[str, t.Any] = {"hosts.yml": {"machines": {"children": groups}}}
        return overlay(place, {**files, "host_vars/solo.yml": variables} if variables else files)

    solo.testbed("reimage", *MACHINES)
    solo.site(*declared()).checked()
    solo.operator()
    yield declared
    solo.testbed("reimage", *MACHINES)


def started(solo: Solo, program: str) -> list[int]:
    """When a program was started on each machine, in ticks of the one kernel that they share."""
    return [int(names(solo.processes(machine))[program]) for machine in MACHINES]


def test_one_control_plane_at_a_time(solo: Solo, three: t.Callable[..., tuple[str, str]], bar: Bar) -> None:
    assert solo.site(*three()).checked().changed == 0
    steady = {name: started(solo, name) for name in ("containerd", "etcd", "kubelet")}
    before = started(solo, "kube-apiserver")
    endpoint = solo.kubectl("solo", "config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")
    with Watch(endpoint.removeprefix("https://").rpartition(":")[0]) as watch:
        arguments = three(api_server_args={"audit-log-maxage": 7})
        check = solo.site(*arguments, "--check").checked()
        run = solo.site(*arguments).checked()
    assert run.steps() == check.steps()
    assert [(target, step) for target, step, _action in run.steps()] == [
        ("s1", "static-pod:kube-apiserver"),
        ("s1", "configmap:kubeadm-config"),
        ("s2", "static-pod:kube-apiserver"),
        ("s3", "static-pod:kube-apiserver"),
    ]
    after = started(solo, "kube-apiserver")
    assert max(before) < after[0] < after[1] < after[2]
    assert {name: started(solo, name) for name in steady} == steady
    assert watch.asked > 50
    assert watch.longest <= 10
    assert solo.site(*arguments).checked().changed == 0
    bar(
        "API server arguments of three control planes changed: the endpoint meanwhile",
        f"{watch.failed} of {watch.asked} requests failed, none for longer than {watch.longest:.1f} s",
    )

    # A value that the API server refuses stops at the first one, which gets its manifest back.
    manifests = [solo.on(name, "sha256sum /etc/kubernetes/manifests/*.yaml") for name in MACHINES]
    bad = solo.site(*three(api_server_args={"audit-log-maxage": "never"}))
    assert bad.code != 0
    assert {target for target, _step, _action in bad.steps() if target != "s1"} == set()
    assert "The manifest that was there before is back" in " ".join(bad.output.split()), bad.output[-6000:]
    assert [solo.on(name, "sha256sum /etc/kubernetes/manifests/*.yaml") for name in MACHINES] == manifests
    assert started(solo, "kube-apiserver")[1:] == after[1:]
    eventually(lambda: solo.kubectl("solo", "get", "--raw", "/readyz", check=False).strip() == "ok", 60, 1)
    assert solo.site(*arguments).checked().changed == 0
    bar(
        "a value that the API server refuses, on three control planes", "the first got its manifest back, two untouched"
    )
