# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container images of a machine: what is there, what is missing, and that none can be garbage-collected.

The kubelet removes images that no pod uses when a disk fills; on a machine without a registry they never come back. An
image with the label ``io.cri-containerd.pinned=pinned`` is reported as pinned by containerd 2.x and is kept. Private to
the collection.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ..errors import PlatformError
from . import host

PIN_LABEL = "io.cri-containerd.pinned"
_CTR = ["/usr/local/bin/ctr", "-n", "k8s.io"]


@dataclass(frozen=True)
class Image:
    """A named image in containerd.

    :param digest: of its manifest.
    :param labelled: it has the pin label.
    """

    reference: str
    digest: str
    labelled: bool


def parse_ctr(output: str) -> dict[str, Image]:
    """Reads the table of C(ctr images ls): REF TYPE DIGEST SIZE PLATFORMS LABELS."""
    answer: dict[str, Image] = {}
    for line in output.splitlines()[1:]:
        fields = line.split()
        digest = next((field for field in fields[1:] if field.startswith("sha256:")), None)
        if digest is not None:
            answer[fields[0]] = Image(fields[0], digest, f"{PIN_LABEL}=pinned" in line)
    return answer


def parse_pinned(output: str) -> set[str]:
    """The references that C(crictl images -o json) says are pinned."""
    listed = json.loads(output).get("images", [])
    return {tag for image in listed if image.get("pinned") for tag in image.get("repoTags") or ()}


def present() -> dict[str, Image]:
    """What containerd holds."""
    return parse_ctr(host.run([*_CTR, "images", "ls"]).stdout)


def pinned() -> set[str]:
    """What the CRI reports as pinned; this is what the kubelet sees."""
    return parse_pinned(host.run(["/usr/local/bin/crictl", "images", "-o", "json"]).stdout)


def unpinned(references: t.Iterable[str], seen: t.Mapping[str, Image], reported: set[str]) -> list[str]:
    """The references that lack the label or that the CRI does not report as pinned."""
    return sorted(ref for ref in references if not (ref in seen and seen[ref].labelled and ref in reported))


def missing(artifact: t.Mapping[str, t.Any], seen: t.Mapping[str, Image]) -> bool:
    """Whether an archive must be imported: one of its references is absent or has another digest."""
    digests = artifact.get("digests") or {}
    for reference in artifact["references"]:
        image = seen.get(reference)
        if image is None or digests.get(reference, image.digest) != image.digest:
            return True
    return False


def import_archive(path: str) -> None:
    """Imports an OCI archive and pins every image of it as it appears."""
    host.run([*_CTR, "images", "import", "--label", f"{PIN_LABEL}=pinned", path], timeout=600)


def pin(references: t.Iterable[str]) -> None:
    """Labels images as pinned."""
    for reference in references:
        host.run([*_CTR, "images", "label", reference, f"{PIN_LABEL}=pinned"])


def remove(references: t.Iterable[str]) -> None:
    """Takes names of images away, and what only they need."""
    for reference in references:
        host.run([*_CTR, "images", "rm", reference])


def verify_pinned(references: t.Iterable[str]) -> None:
    """Waits until the CRI reports all of them as pinned; it follows containerd's events, so a moment later.

    :raises PlatformError: it does not, so the kubelet could remove them.
    """
    wanted = set(references)

    def lacking() -> str | None:
        left = sorted(wanted - pinned())
        return ", ".join(left) or None

    try:
        host.wait_for("the container runtime reports images as pinned", lacking, 15)
    except PlatformError as exc:
        raise PlatformError(f"{exc}. This runtime would let the kubelet remove them; containerd 2.x is needed") from exc
