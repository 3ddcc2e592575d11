# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Founding on each Kubernetes minor of the bundle: up to 1.35, kubeadm calls the new cluster by its endpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.faults.solo_fleet import Solo, overlay
from tests.faults.test_images import unwell

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("version", ["1.35.4", "1.37.2"])
def test_founding(solo: Solo, tmp_path: Path, version: str, bar: Bar) -> None:
    declared = overlay(tmp_path, {"host_vars/solo.yml": {"kubernetes_version": version}})
    solo.playbook("lodestar.platform.bundle", *declared).checked()
    solo.testbed("reimage", "s1")
    try:
        first = solo.site(*declared).checked()
        solo.operator()
        eventually(lambda: unwell(solo) == [], 120, 2)
        node = solo.nodes("solo")[0]["status"]["nodeInfo"]
        assert node["kubeletVersion"] == f"v{version}"
        assert solo.site(*declared).checked().changed == 0
        solo.testbed("power-cycle", "s1")
        eventually(lambda: unwell(solo) == [], 300, 2)
        assert solo.site(*declared).checked().changed == 0
    finally:
        solo.testbed("reimage", "s1")
    bar(f"founding on Kubernetes {version}, power cycle", f"{first.seconds:.0f} s; all pods Running; changed=0")
