# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuses a bundle that lacks something or is damaged, before anything is made of it. Private to the collection."""

from __future__ import annotations

import typing as t

from ..operation import Context
from ..plan import Plan
from . import catalog, manifest, stamps


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Reads and compares; there is never anything to do. The module's documentation tells what the arguments mean.

    :raises InvalidInput: when the bundle was not made for one of the versions.
    :raises PlatformError: naming what it lacks, or every artifact that was to be compared and is missing or damaged.
    """
    bundle = manifest.load(params["path"])
    for version in params["kubernetes_versions"]:
        catalog.check_complete(bundle, version)
    kinds, digests = set(params["kinds"]), set(params["digests"])
    parts = [part for part in bundle.parts if part.kind in kinds or part.sha256 in digests]
    stamps.verify(bundle, parts)
    return Plan(outputs={"artifacts": [part.label for part in parts]})


def crds(path: str) -> list[str]:
    """The custom resource definitions of a bundle, as YAML texts of one or more documents, by name of the artifact.

    :raises PlatformError: when there is no bundle, or naming each of them that is missing or damaged.
    """
    bundle = manifest.load(path)
    parts = sorted(bundle.crds(), key=lambda part: part.name)
    bundle.verify(parts)
    return [bundle.path_of(part).read_text(encoding="utf-8") for part in parts]
