# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of the operating system and the libraries they load."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import elf, system
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError

BASE = 0x400000


def program(needed: tuple[str, ...], interpreter: str = "") -> bytes:
    """A 64-bit little-endian ELF file with the headers that name what it loads, loaded at another address."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in needed)
    offsets = [strings.index(b"\0" + name.encode() + b"\0") + 1 for name in needed]
    count = 3 if interpreter else 2
    start = 64 + 56 * count
    text = interpreter.encode() + b"\0"
    dynamic = b"".join(struct.pack("<QQ", 1, offset) for offset in offsets)
    dynamic += struct.pack("<QQQQ", 5, BASE + start + len(text), 0, 0)
    body = text + strings + dynamic
    place = start + len(text) + len(strings)
    headers = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, 0, start + len(body), start + len(body), 4096)
    headers += struct.pack("<IIQQQQQQ", 2, 6, place, BASE + place, 0, len(dynamic), len(dynamic), 8)
    if interpreter:
        headers += struct.pack("<IIQQQQQQ", 3, 4, start, BASE + start, 0, len(text), len(text), 1)
    top = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    top += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    return top + headers + body


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An unpacked system whose folders are not merged, as packages leave it."""
    libraries = tmp_path / "usr/lib/x86_64-linux-gnu"
    for folder in (libraries / "plugins", tmp_path / "lib/x86_64-linux-gnu", tmp_path / "lib64", tmp_path / "bin"):
        folder.mkdir(parents=True)
    (tmp_path / "bin/tool").write_bytes(program(("libone.so.1", "libc.so.6"), "/lib64/ld.so.2"))
    (libraries / "libone.so.1.0").write_bytes(program(("libtwo.so.2",)))
    (libraries / "libone.so.1").symlink_to("libone.so.1.0")
    (libraries / "libtwo.so.2").write_bytes(program(("libc.so.6",)))
    (libraries / "unused.so").write_bytes(program(()))
    (libraries / "plugins/p.so").write_bytes(program(("libone.so.1",)))
    (tmp_path / "lib/x86_64-linux-gnu/libc.so.6").write_bytes(program((), "/lib64/ld.so.2"))
    (tmp_path / "lib/x86_64-linux-gnu/ld.so").write_bytes(program(()))
    (tmp_path / "lib64/ld.so.2").symlink_to("/lib/x86_64-linux-gnu/ld.so")
    return tmp_path


def test_headers_name_libraries_and_loader() -> None:
    found = elf.dependencies(program(("liba.so", "libb.so.1"), "/lib64/ld.so.2"))
    assert found == elf.Dependencies("/lib64/ld.so.2", ("liba.so", "libb.so.1"))
    assert elf.dependencies(b"#!/bin/sh\n") is None


def test_a_program_brings_what_it_loads_and_no_more(root: Path) -> None:
    tree = system.collect(root, ["usr/bin/tool"], {"usr/bin/alias": "tool"}, "x86_64-linux-gnu")
    libraries = "usr/lib/x86_64-linux-gnu"
    assert set(tree) == {
        *("bin", "sbin", "lib", "lib64", "tmp", "usr/bin/alias", "usr/bin/tool", "usr/lib64/ld.so.2"),
        *(f"{libraries}/{name}" for name in ("libone.so.1", "libone.so.1.0", "libtwo.so.2", "libc.so.6")),
    }
    assert tree[f"{libraries}/libone.so.1"].link == "libone.so.1.0"
    assert tree["usr/lib64/ld.so.2"].data == (root / "lib/x86_64-linux-gnu/ld.so").read_bytes()
    assert tree["lib"].link == "usr/lib"


def test_a_folder_is_taken_whole(root: Path) -> None:
    tree = system.collect(root, ["usr/lib/{triplet}/plugins/"], {}, "x86_64-linux-gnu")
    assert "usr/lib/x86_64-linux-gnu/plugins/p.so" in tree
    assert "usr/lib/x86_64-linux-gnu/libtwo.so.2" in tree


def test_everything_that_is_missing_is_named(root: Path) -> None:
    (root / "usr/lib/x86_64-linux-gnu/libtwo.so.2").unlink()
    with pytest.raises(PlatformError) as caught:
        system.collect(root, ["usr/bin/tool", "usr/sbin/nothing"], {}, "x86_64-linux-gnu")
    assert "libtwo.so.2" in str(caught.value)
    assert "usr/sbin/nothing" in str(caught.value)
