# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import catalog
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.maker import identities
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.recipes import Archive, Unit
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, PlatformError

from .helpers import make_bundle

TABLE = catalog.units(["1.35.4", "1.36.3"])


def test_every_unit_stands_after_what_it_needs() -> None:
    known: set[str] = set()
    for unit in TABLE:
        assert unit.name not in known
        assert set(unit.needs) <= known
        known.add(unit.name)


def test_no_two_artifacts_share_a_path_or_a_name() -> None:
    outputs = [(unit, output) for unit in TABLE for output in unit.outputs]
    assert len({output.path for _unit, output in outputs}) == len(outputs)
    assert len({(output.name, unit.kubernetes) for unit, output in outputs}) == len(outputs)


def test_images_take_files_only_from_units_that_they_need() -> None:
    archives = [(unit, recipe) for unit in TABLE for recipe in unit.recipes if isinstance(recipe, Archive)]
    assert archives
    for unit, recipe in archives:
        layers = [layer for image in recipe.images for layer in image.layers]
        used = {name for layer in layers for name, _file in layer.files.values()} | {layer.tree for layer in layers}
        assert used - {""} | {recipe.compressor} == set(unit.needs)


def test_a_cluster_needs_these() -> None:
    needed = {(output.kind, output.name) for output in catalog.needed("1.36.3")}
    binaries = ("kubelet", "kubeadm", "kubectl", "containerd", "containerd-shim-runc-v2", "ctr", "runc", "crictl")
    assert {("binary", name) for name in (*binaries, "etcdctl", "etcdutl", "bridge", "portmap", "loopback")} <= needed
    images = ("kubernetes", "etcd-image", "pause", "coredns", "kube-vip", "kube-router", "metrics-server")
    assert {("image", name) for name in images} <= needed
    assert sum(kind == "crd" for kind, _name in needed) == 4


def test_the_four_kubernetes_images_share_one_layer() -> None:
    (images,) = [unit for unit in TABLE if unit.name == "kubernetes-images-1.36.3"]
    (archive,) = [recipe for recipe in images.recipes if isinstance(recipe, Archive)]
    assert len({image.layers[-1] == archive.images[0].layers[-1] for image in archive.images}) == 1
    assert [image.references[0].rpartition("/")[2] for image in archive.images] == [
        f"{name}:v1.36.3" for name in catalog.KUBERNETES_PROGRAMS[:4]
    ]


def test_a_bundle_that_lacks_a_part_is_refused_by_its_name(tmp_path: Path) -> None:
    made = make_bundle(tmp_path)
    catalog.check_complete(made, "1.36.3")
    less = replace(made, parts=tuple(part for part in made.parts if part.name not in ("runc", "kube-vip")))
    with pytest.raises(PlatformError, match="lacks runc, kube-vip"):
        catalog.check_complete(less, "1.36.3")
    with pytest.raises(InvalidInput, match="made for"):
        catalog.check_complete(made, "1.35.4")


def by_name(units: list[Unit]) -> dict[str, set[str]]:
    return {name: set(known) for name, known in identities(units, "amd64").items()}


def test_another_kubernetes_version_changes_no_other_part() -> None:
    one, two = by_name(catalog.units(["1.36.3"])), by_name(TABLE)
    assert {name: two[name] for name in one} == one
    assert {name for name in two if name not in one} == {"kubernetes-1.35.4", "kubernetes-images-1.35.4"}


def test_what_determines_a_part_changes_its_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    before = by_name(catalog.units(["1.36.3"]))
    monkeypatch.setitem(catalog.VERSIONS, "coredns", "v1.14.7")
    after = by_name(catalog.units(["1.36.3"]))
    assert {name for name in after if after[name] != before[name]} == {"coredns-program", "coredns"}
    assert not before["coredns"] & set(identities(catalog.units(["1.36.3"]), "arm64")["coredns"])
