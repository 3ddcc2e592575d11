# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed, and runs that meet: the end state is that of one clean run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import typing as t

import pytest

from tests.conftest import Bar
from tests.e2e.driver import ROOT, Fleet, Run

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]
SOLO = ROOT / "tests" / "faults" / "solo"

#: Where a first run is killed: the task under way, and how many seconds after it began.
POINTS = {
    "artifacts under way": ("Prepare the machine", 3.0),
    "images under way": ("Prepare the machine", 12.0),
    "founding begun": ("Make the machine a control plane", 1.5),
    "founding half done": ("Make the machine a control plane", 8.0),
    "add-ons": ("add-ons", 0.5),
}


KEPT = (
    "/etc/kubernetes",
    "/etc/containerd",
    "/etc/systemd/system",
    "/opt/cni/bin",
    "/usr/local/bin",
    "/etc/modules-load.d",
    "/etc/sysctl.d",
)
KINDS = (
    "namespaces",
    "serviceaccounts",
    "configmaps",
    "clusterroles",
    "clusterrolebindings",
    "roles",
    "rolebindings",
    "daemonsets",
    "deployments",
    "services",
    "crds",
    "managedclusters",
    "clusterprofiles",
)


@pytest.fixture(scope="module")
def solo() -> t.Iterator[Fleet]:
    """One machine, empty."""
    fleet = Fleet("solo", ROOT / ".cache" / "testbed" / "solo", SOLO, SOLO / "testbed.yml")
    fleet.testbed("down")
    fleet.testbed("up", "--definition", str(fleet.definition))
    yield fleet
    fleet.testbed("down")


@pytest.fixture(scope="module")
def clean(solo: Fleet) -> dict[str, t.Any]:
    """What one undisturbed run leaves behind."""
    solo.site().checked()
    assert solo.site().checked().changed == 0
    return snapshot(solo)


def snapshot(fleet: Fleet) -> dict[str, t.Any]:
    """Names and modes of what the platform keeps on the machine, and the names of what it made in the cluster."""
    fleet.testbed("operator")
    files = f"find {' '.join(KEPT)} -printf '%p %M %u\\n' | sort"
    kinds = ",".join(KINDS)
    names = fleet.kubectl(
        "solo",
        "get",
        kinds,
        "-A",
        "--no-headers",
        "-o",
        "custom-columns=K:.kind,NS:.metadata.namespace,N:.metadata.name",
    )
    etcd = fleet.kubectl(
        "solo",
        "get",
        "pods",
        "-n",
        "kube-system",
        "-l",
        "component=etcd",
        "--no-headers",
        "-o",
        "custom-columns=N:.metadata.name",
    )
    tokens = fleet.kubectl(
        "solo",
        "get",
        "secrets",
        "-n",
        "kube-system",
        "--field-selector",
        "type=bootstrap.kubernetes.io/token",
        "-o",
        "name",
    )
    return {
        "files": fleet.on("s1", files).splitlines(),
        "objects": sorted(names.splitlines()),
        "etcd": etcd,
        "tokens": tokens,
    }


def begin(fleet: Fleet) -> subprocess.Popen[str]:
    """A site run in the background, in a process group of its own."""
    command = ["ansible-playbook", "-i", str(fleet.inventory), "lodestar.platform.site"]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=fleet.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill_at(fleet: Fleet, task: str, delay: float) -> str:
    """Starts a site run, and SIGKILLs all of it ``delay`` seconds into the first task whose name holds ``task``."""
    process = begin(fleet)
    seen = ""
    assert process.stdout is not None
    for line in process.stdout:
        seen += line
        if line.startswith("TASK [") and task in line:
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.wait()
    assert process.returncode == -signal.SIGKILL, f"the run ended before it came to {task!r}:\n{seen[-3000:]}"
    return seen


@pytest.mark.parametrize("remote", ["left alive", "killed too"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_and_run_again(solo: Fleet, clean: dict[str, t.Any], point: str, remote: str, bar: Bar) -> None:
    solo.testbed("reimage", "s1")
    kill_at(solo, *POINTS[point])
    if remote == "killed too":
        solo.on("s1", "pkill -KILL -f '[A]nsiballZ|[k]ubeadm|[c]tr ' || true")
    solo.site().checked()
    assert solo.site().checked().changed == 0
    assert snapshot(solo) == clean
    bar(f"SIGKILL, {point}, remote command {remote}: run again", "as after a clean run")


def test_two_runs_together(solo: Fleet, clean: dict[str, t.Any], bar: Bar) -> None:
    solo.testbed("reimage", "s1")
    both = [begin(solo), begin(solo)]
    outputs = [process.communicate()[0] for process in both]
    ended = [Run(process.returncode, output, 0.0) for process, output in zip(both, outputs, strict=True)]
    assert any(run.code == 0 for run in ended), outputs
    for run in ended:
        assert run.code == 0 or "lock" in run.output, run.output[-4000:]
    assert solo.site().checked().changed == 0
    assert snapshot(solo) == clean
    bar(
        "two site runs started together",
        f"ended with {[run.code for run in ended]}; one platform, as after a clean run",
    )
