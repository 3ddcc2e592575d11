# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host's own package sources say, and how a missing program is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

from .errors import TestbedError

_ONE_LINE = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$")


def debian_mirror(texts: t.Iterable[str], suite: str) -> str | None:
    """The first archive among apt's sources that carries a Debian suite in its component main.

    :param texts: the contents of the source files, one-line or deb822 style.
    :return: its URL, or None. An archive of the same distribution but another suite is taken when none has this one,
        since Debian's archives carry all suites.
    """
    sources = [source for text in texts for source in _sources(text)]
    debian = [(uri, suites) for uri, suites in sources if uri.rstrip("/").endswith("/debian")]
    for uri, suites in sources:
        if suite in suites:
            return uri
    return debian[0][0] if debian else None


def _sources(text: str) -> t.Iterator[tuple[str, list[str]]]:
    for line in text.splitlines():
        match = _ONE_LINE.match(line)
        if match and "main" in match.group(3).split():
            yield match.group(1), [match.group(2)]
    for paragraph in re.split(r"\n\s*\n", text):
        fields = _deb822(paragraph)
        usable = "deb" in fields.get("types", "").split() and "main" in fields.get("components", "").split()
        if usable and fields.get("enabled", "yes").lower() != "no":
            for uri in fields.get("uris", "").split():
                yield uri, fields.get("suites", "").split()


def _deb822(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    key = ""
    for line in paragraph.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0] in " \t":
            fields[key] = f"{fields.get(key, '')} {line.strip()}"
        elif ":" in line:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            fields[key] = value.strip()
    return fields


def host_sources() -> list[str]:
    """The contents of the host's apt source files."""
    folder = Path("/etc/apt/sources.list.d")
    files = [Path("/etc/apt/sources.list"), *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    return [file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file()]


def ensure_programs(programs: t.Mapping[str, str], say: t.Callable[[str], None]) -> None:
    """Installs the packages of the programs that the host lacks. ``programs`` maps a program to its package."""
    search = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    missing = sorted({package for program, package in programs.items() if not shutil.which(program, path=search)})
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise TestbedError(f"this host lacks {', '.join(missing)} and has no apt-get; install them by hand")
    say(f"installing {', '.join(missing)}")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing],
    ):
        done = subprocess.run(command, env=environ, capture_output=True, text=True)
        if done.returncode:
            raise TestbedError(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
