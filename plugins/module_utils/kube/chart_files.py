# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a chart's files say about how it must be rendered. Private to the collection."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InvalidInput, Problem

#: What says that a chart is rendered otherwise for another cluster, and what that it may be otherwise each time.
_CLUSTERS = re.compile(rb"\bCapabilities\b")
_CONSTRAINT = re.compile(rb"^kubeVersion[ \t]*:", re.MULTILINE)
_VOLATILE = re.compile(
    rb"\b(rand[A-Z][A-Za-z]+|gen[A-Z][A-Za-z]+|uuidv4|now|ago|htpasswd|bcrypt|encryptAES|shuffle|buildCustomCert)\b"
)
_UNREAD = (".md", ".txt", ".png", ".svg", ".prov")
_LARGEST = 16 * 1024 * 1024
#: Charts in charts.
_DEEPEST = 6


@dataclass(frozen=True)
class Traits:
    """What a chart looks at.

    :param cluster: the cluster's version or APIs.
    :param volatile: chance or time, so that it may be rendered otherwise each time.
    :param digest: of all that it is rendered from.
    """

    cluster: bool = False
    volatile: bool = False
    digest: str = field(default="", compare=False)


def traits(path: str, texts: t.Iterable[bytes] = ()) -> Traits:
    """What a chart, a directory or an archive with all charts in it, looks at.

    :param texts: values, which templates may take for templates.
    :raises InvalidInput: it cannot be read, or is no chart.
    """
    cluster = volatile = False
    digest = hashlib.sha256()
    for name, content in [*_files(path), *(("values", text) for text in texts)]:
        cluster = cluster or bool(_CLUSTERS.search(content))
        cluster = cluster or (name.endswith("Chart.yaml") and bool(_CONSTRAINT.search(content)))
        volatile = volatile or bool(_VOLATILE.search(content))
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return Traits(cluster, volatile, digest.hexdigest())


def _files(path: str) -> t.Iterator[tuple[str, bytes]]:
    try:
        if os.path.isdir(path):
            if not os.path.isfile(os.path.join(path, "Chart.yaml")):
                raise _wrong(path, "is no chart: it holds no Chart.yaml", "Give the directory of a chart")
            yield from _in_folder(path)
        else:
            yield from _in_archive(Path(path).read_bytes(), 0)
    except OSError as exc:
        raise _wrong(path, f"cannot be read: {exc.strerror}", "Correct the path or its permissions") from exc
    except (tarfile.TarError, EOFError, ValueError) as exc:
        remedy = "Give a chart that helm package made, or its directory"
        raise _wrong(path, f"is no archive of a chart ({type(exc).__name__})", remedy) from exc


def _in_folder(folder: str) -> t.Iterator[tuple[str, bytes]]:
    seen = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        folders[:] = [] if real in seen else sorted(folders)
        seen.add(real)
        for name in sorted(files):
            file = Path(here) / name
            if file.is_file() and file.stat().st_size <= _LARGEST:
                yield from _of(name, file.read_bytes(), 1)


def _in_archive(content: bytes, depth: int) -> t.Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() and member.size <= _LARGEST else None
            if stream is not None:
                yield from _of(member.name, stream.read(), depth + 1)


def _of(name: str, content: bytes, depth: int) -> t.Iterator[tuple[str, bytes]]:
    if name.lower().endswith(_UNREAD):
        return
    if name.endswith((".tgz", ".tar.gz")) and depth < _DEEPEST:
        yield from _in_archive(content, depth)
    else:
        yield name, content


def _wrong(path: str, reason: str, remedy: str) -> InvalidInput:
    return InvalidInput([Problem("source", path, reason, remedy)])
