# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a machine gets before it is upgraded: images that are pinned, and binaries beside the ones that run, so that
nothing is transferred while it is unavailable. Private to the collection.
"""

from __future__ import annotations

import os
import typing as t

from ..plan import Plan
from . import artifacts, host, leftovers, prepare, upgrade_probe

#: Where binaries wait, named by digest.
DIRECTORY = f"{host.STATE_DIRECTORY}/upgrade"
#: What an upgrade replaces; everything else of a machine is the site run's.
PROGRAMS = ("kubeadm", "kubectl", "kubelet")

Artifacts = t.Sequence[t.Mapping[str, t.Any]]


def staged(digest: str) -> str:
    """Where a binary of that digest waits."""
    return os.path.join(DIRECTORY, digest)


def programs(items: Artifacts) -> dict[str, dict[str, str]]:
    """C(sha256) and C(version) of the Kubernetes binaries by path."""
    return {
        item["destination"]: {"sha256": item["sha256"], "version": item["version"]}
        for item in items
        if item["kind"] == "binary" and item["name"] in PROGRAMS
    }


def plan(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    items: Artifacts,
    staging: str | None,
    patience: float = 0,
) -> Plan:
    """The steps that bring them, and in C(outputs.machine) what is there now.

    :param items: all artifacts of a machine of the target version.
    :param patience: seconds that the API server of a control plane may take to answer.
    """
    wanted = programs(items)
    preparation = prepare.Preparation(machine["name"], staging)
    seen = prepare.observe(items)
    prepare.plan_images(preparation, items, seen)
    for digest, names in _lacking(wanted).items():
        _plan_binary(preparation, items, digest, names)
    held = upgrade_probe.observe(cluster, machine, {path: item["sha256"] for path, item in wanted.items()}, patience)
    held["binaries"] = wanted
    held["images"] = prepare.image_references(items)
    references = {ref for item in items if item["kind"] == "image" for ref in item["references"]}
    held["references"] = sorted(references)
    held["old_images"] = other_images(seen.images or {}, references)
    return Plan(
        steps=preparation.steps, outputs={"missing": sorted(set(preparation.missing)), "machine": held}, parallel=2
    )


def other_images(present: t.Iterable[str], wanted: t.Collection[str]) -> list[str]:
    """Images of the bundle's names that it does not hold for this version. Pure."""
    names = {reference.rsplit(":", 1)[0] for reference in wanted}
    return sorted(ref for ref in present if ref not in wanted and ref.rsplit(":", 1)[0] in names)


def _lacking(wanted: t.Mapping[str, t.Mapping[str, str]]) -> dict[str, list[str]]:
    """Paths by digest of the binaries that are neither in place nor waiting."""
    there = artifacts.installed([*wanted, *(staged(item["sha256"]) for item in wanted.values())])
    answer: dict[str, list[str]] = {}
    for path, item in wanted.items():
        if item["sha256"] not in (there[path], there[staged(item["sha256"])]):
            answer.setdefault(item["sha256"], []).append(path)
    return answer


def _plan_binary(preparation: prepare.Preparation, items: Artifacts, digest: str, names: t.Sequence[str]) -> None:
    artifact = next(item for item in items if item["sha256"] == digest)
    preparation.missing.append(digest)
    programs_ = ", ".join(os.path.basename(name) for name in names)
    preparation.add(
        0,
        f"staged:{os.path.basename(names[0])}",
        "create",
        f"bring {programs_} {artifact['version']}, beside what runs",
        after=dict.fromkeys(names, digest),
        perform=lambda: _bring(preparation.staged(artifact), digest),
    )


def _bring(source: str, digest: str) -> None:
    host.make_directory(DIRECTORY, 0o700)
    artifacts.install(source, digest, [staged(digest)])
    artifacts.record({staged(digest): digest})
    leftovers.used(source)


def discard() -> None:
    """Removes binaries that waited and were installed."""
    host.remove_tree(DIRECTORY)
