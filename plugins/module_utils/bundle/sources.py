# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where finished artifacts come from: a mirror (another bundle, in a directory or on a web server) and release servers.

Private to the collection.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from ..errors import PlatformError
from .manifest import FILE, Artifact, Manifest, parse
from .recipes import ReleaseFiles

#: How long a source may take to answer before ``auto`` goes on to the next, in seconds.
ANSWER = 4.0
#: How long a transfer may stand still, in seconds.
_IDLE = 60.0
_CHUNK = 1 << 20
#: Honours the proxy settings of the environment.
_OPENER = urllib.request.build_opener()


def _open(url: str, timeout: float) -> t.Any:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise PlatformError(f"{url}: only http and https are supported")
    try:
        return _OPENER.open(url, timeout=timeout)
    except urllib.error.HTTPError as exc:
        raise PlatformError(f"{_shown(url)} answered {exc.code} {exc.reason}", status=exc.code) from exc
    except (OSError, ValueError) as exc:
        raise PlatformError(f"{_shown(url)} does not answer: {getattr(exc, 'reason', exc)}") from exc


def _shown(url: str) -> str:
    """The URL without a password in it."""
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def copy(stream: t.IO[bytes], target: Path, most: float = math.inf) -> tuple[int, str]:
    """Copies a stream to a file, and stops after more than ``most`` bytes. Returns size and sha256 of the copy."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as out:
        while size <= most and (chunk := stream.read(_CHUNK)):
            out.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


class Mirror:
    """A bundle made elsewhere.

    :param location: a directory, or the http(s) URL of one.
    """

    def __init__(self, location: str) -> None:
        self.remote = "://" in location
        self.location = location.rstrip("/")
        self.shown = _shown(self.location) if self.remote else self.location

    def manifest(self) -> Manifest:
        """The mirror's manifest.

        :raises PlatformError: when the mirror does not answer in time, or is no bundle.
        """
        try:
            with self._stream(FILE, ANSWER) as stream:
                text = stream.read().decode("utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise PlatformError(f"the mirror {self.shown} cannot be read: {exc}") from exc
        return parse(text, None, f"the mirror {self.shown}")

    def fetch(self, part: Artifact, target: Path) -> None:
        """Copies one artifact to a file.

        :raises PlatformError: naming the artifact, when it is missing there or is not what the mirror's manifest says.
        """
        try:
            with self._stream(urllib.parse.quote(part.path) if self.remote else part.path, _IDLE) as stream:
                size, digest = copy(stream, target)
        except OSError as exc:
            raise PlatformError(f"{part.label} cannot be read from the mirror {self.shown}: {exc}") from exc
        if (size, digest) != (part.size, part.sha256):
            target.unlink(missing_ok=True)
            raise PlatformError(
                f"{part.label} of the mirror {self.shown} is damaged: {size} bytes, sha256 {digest}, "
                f"where its manifest says {part.size} bytes, sha256 {part.sha256}"
            )

    def _stream(self, path: str, timeout: float) -> t.Any:
        if self.remote:
            return _open(f"{self.location}/{path}", timeout)
        return (Path(self.location) / path).open("rb")


class Releases:
    """The release servers that an operator names.

    :param bases: base URL by the name that recipes use.
    """

    def __init__(self, bases: t.Mapping[str, str]) -> None:
        self.bases = {name: base.rstrip("/") for name, base in bases.items() if base}

    def missing(self, recipe: ReleaseFiles, architecture: str) -> str:
        """Why the files cannot be had: empty when the server has them."""
        if recipe.base not in self.bases:
            return f"no URL is set for upstream {recipe.base}"
        try:
            with _open(self._url(recipe, recipe.files[0], architecture) + ".sha256", ANSWER):
                return ""
        except PlatformError as exc:
            return str(exc)

    def fetch(self, recipe: ReleaseFiles, architecture: str, out: Path) -> str:
        """Downloads and verifies every file, and returns where they came from.

        :raises PlatformError: naming the file that is not there or not what its ``.sha256`` says.
        """
        for file in recipe.files:
            url = self._url(recipe, file, architecture)
            with _open(url + ".sha256", _IDLE) as stream:
                wanted = (stream.read(256).decode("ascii", "replace").split() or [""])[0]
            with _open(url, _IDLE) as stream:
                _size, digest = copy(stream, out / file)
            if digest != wanted:
                raise PlatformError(f"{_shown(url)} is damaged: sha256 {digest}, where the server says {wanted}")
            (out / file).chmod(0o755)
        return f"release files of {_shown(self.bases[recipe.base])}"

    def _url(self, recipe: ReleaseFiles, file: str, architecture: str) -> str:
        path = recipe.path.format(version=recipe.version, architecture=architecture, file=file)
        return f"{self.bases[recipe.base]}/{path}"


def put(source: Path, target: Path, mode: int) -> str:
    """Copies a file into place in one step, and returns the sha256 of what was copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        with source.open("rb") as stream:
            _size, digest = copy(stream, temporary)
        temporary.chmod(mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return digest


def link(source: Path, target: Path) -> None:
    """Makes a file a second name of another in one step, or a copy where links are not possible."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.partial-{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copy2(source, temporary)
    temporary.replace(target)
    temporary.unlink(missing_ok=True)
