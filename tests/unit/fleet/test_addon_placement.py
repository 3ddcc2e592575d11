# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCM's placement controller on the hub; that its rights are enough and none too many is proven where it runs."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.module_utils.bundle import catalog
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.recipes import Archive
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access, addon_placement


def test_the_hub_may_give_the_controller_all_that_it_gets() -> None:
    held = set(access.needs("hub"))
    given = {
        (verb, group, resource, "")
        for item in addon_placement.RULES
        for group in item["apiGroups"]
        for resource in item["resources"]
        for verb in item["verbs"]
    }
    assert given <= held
    assert not [right for right in given if "*" in right]


def test_nothing_runs_with_more_than_it_needs() -> None:
    deployment = addon_placement.objects("registry.example.org/placement:v1", 2)[-1]
    assert deployment["spec"]["replicas"] == 2
    pod = deployment["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry.example.org/placement:v1"
    assert pod["containers"][0]["securityContext"]["runAsNonRoot"] is True
    assert deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]


def test_the_word_bundle_means_the_image_that_the_bundle_brings() -> None:
    (unit,) = [unit for unit in catalog.shared_units() if unit.name == "placement"]
    (output,) = unit.outputs
    (archive,) = [recipe for recipe in unit.recipes if isinstance(recipe, Archive)]
    references = [name for image in archive.images for name in image.references]
    assert (output.kind, output.purpose) == ("image", "hub")
    assert addon_placement.BUNDLED in references
    pod = addon_placement.objects("bundle", 1)[-1]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == addon_placement.BUNDLED
