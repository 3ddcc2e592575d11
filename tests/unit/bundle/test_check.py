# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bundle that lacks something or is damaged is refused before it is used, by name."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible_collections.lodestar.platform.plugins.lookup.bundle_crds import LookupModule
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import manifest, stamps
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context
from ansible_collections.lodestar.platform.plugins.modules import bundle_check
from ansible_collections.lodestar.platform.plugins.plugin_utils import on_machine

from .helpers import VERSION, make_bundle

CRDS = ["crds-clusterprofile", "crds-clusterproperty", "crds-ocm-cluster", "crds-policyreport"]


def check(path: Path, **params: t.Any) -> dict[str, t.Any]:
    """The module's result for these arguments, the others at their defaults."""
    defaults = {name: spec.get("default") for name, spec in bundle_check.OPERATION.arguments.items()}
    return bundle_check.OPERATION.execute({**defaults, "path": str(path), **params}, Context({}), False)


def flip(path: Path) -> None:
    """Changes one byte of a file, and neither its size nor its time."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_nothing_asked_reads_nothing(tmp_path: Path) -> None:
    make_bundle(tmp_path)
    flip(tmp_path / "runtime/runc")
    answer = check(tmp_path)
    assert (answer["changed"], answer["artifacts"]) == (False, [])


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    made = make_bundle(tmp_path)
    flip(tmp_path / "runtime/runc")
    assert check(tmp_path, digests=[made.part("coredns").sha256])["artifacts"] == [made.part("coredns").label]
    assert len(check(tmp_path, kinds=["crd"])["artifacts"]) == len(CRDS)


@pytest.mark.parametrize("how", ["digests", "kinds"])
def test_one_flipped_byte_is_refused_by_name(tmp_path: Path, how: str) -> None:
    made = make_bundle(tmp_path)
    flip(tmp_path / "runtime/runc")
    answer = check(tmp_path, **{how: [made.part("runc").sha256] if how == "digests" else ["binary"]})
    assert answer["failed"]
    assert answer["damaged"] == ["runtime/runc"]
    assert "binary runc" in answer["msg"]
    assert "bundle_verify=true" in answer["msg"]


def test_what_was_read_and_is_the_same_is_not_read_again(tmp_path: Path) -> None:
    made = make_bundle(tmp_path)
    flip(tmp_path / "runtime/runc")
    (tmp_path / stamps.FILE).write_text(stamps.render(tmp_path, made))
    wanted = [made.part("runc").sha256]
    assert check(tmp_path, digests=wanted)["artifacts"] == [made.part("runc").label]
    flip(tmp_path / "runtime/runc")
    flip(tmp_path / "runtime/runc")
    assert check(tmp_path, digests=wanted)["damaged"] == ["runtime/runc"]


def test_a_version_that_the_bundle_was_not_made_for_is_refused(tmp_path: Path) -> None:
    make_bundle(tmp_path)
    assert not check(tmp_path, kubernetes_versions=[VERSION]).get("failed")
    answer = check(tmp_path, kubernetes_versions=[VERSION, "1.35.4"])
    assert answer["failed"]
    assert answer["problems"][0]["value"] == "1.35.4"


def test_an_incomplete_bundle_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    make_bundle(tmp_path)
    file = tmp_path / manifest.FILE
    file.write_text(file.read_text().replace('"name": "kube-vip"', '"name": "something"'))
    answer = check(tmp_path, kubernetes_versions=[VERSION])
    assert answer["failed"]
    assert "lacks kube-vip for Kubernetes 1.36.3" in answer["msg"]


def test_no_bundle_is_refused_with_its_place(tmp_path: Path) -> None:
    answer = check(tmp_path / "none", kubernetes_versions=[VERSION])
    assert answer["failed"]
    assert str(tmp_path / "none") in answer["msg"]


def test_definitions_come_by_the_manifest(tmp_path: Path) -> None:
    """A file that only lies there is none of the bundle's."""
    made = make_bundle(tmp_path)
    (tmp_path / "crds/stray.yaml").write_text("kind: Stray\n")
    texts = LookupModule().run([str(tmp_path)])
    assert texts == [made.path_of(made.part(name)).read_text() for name in CRDS]


@pytest.mark.parametrize("damage", ["flipped", "missing"])
def test_a_damaged_definition_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    make_bundle(tmp_path)
    victim = tmp_path / "crds/crds-clusterprofile.yaml"
    flip(victim) if damage == "flipped" else victim.unlink()
    with pytest.raises(AnsibleError, match="crd crds-clusterprofile"):
        LookupModule().run([str(tmp_path)])


def test_a_machine_gets_what_its_part_needs(tmp_path: Path) -> None:
    made = make_bundle(tmp_path, ("1.35.4", VERSION))

    def names(role: str, machine: str) -> set[str]:
        found = on_machine.artifacts_for(made, {"version": VERSION, "role": role}, machine, ["kubernetes", "addon"])
        return {part.name for part, _facts in found}

    worker, control_plane = names("workload", "worker"), names("workload", "control_plane")
    assert {"kubelet", "containerd", "bridge", "kubernetes", "coredns"} <= worker
    assert control_plane - worker == {"etcd-image", "kube-vip"}
    assert not {"etcdctl", "probe", *CRDS} & control_plane
    # The global cluster alone decides where things go.
    assert names("global", "control_plane") - control_plane == {"placement"}
    assert names("global", "worker") - worker == {"placement"}
