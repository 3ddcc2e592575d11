# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cache of built parts: complete entries or none, built once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.store import Store

BUILDER = """
import sys, time
from pathlib import Path
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.store import Store
def build(folder):
    (folder / "half").write_bytes(b"half of it")
    print("building", flush=True)
    time.sleep(60)
Store(Path(sys.argv[1])).make("key", build)
"""


def content(data: bytes) -> t.Callable[[Path], tuple[str, dict[str, str]]]:
    def build(folder: Path) -> tuple[str, dict[str, str]]:
        (folder / "file").write_bytes(data)
        return "a test", {}

    return build


def must_not_build(folder: Path) -> tuple[str, dict[str, str]]:
    raise AssertionError(f"built again in {folder}")


def test_what_was_built_is_not_built_again(tmp_path: Path) -> None:
    made = Store(tmp_path).make("key", content(b"one"))
    assert made.files["file"][0] == 3
    again = Store(tmp_path).make("key", must_not_build)
    assert again == made
    assert (again.folder / "file").read_bytes() == b"one"


def test_two_builders_build_once(tmp_path: Path) -> None:
    builds: list[int] = []

    def slow(folder: Path) -> tuple[str, dict[str, str]]:
        builds.append(1)
        time.sleep(0.2)
        return content(b"one")(folder)

    threads = [threading.Thread(target=Store(tmp_path).make, args=("key", slow)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def broken(folder: Path) -> tuple[str, dict[str, str]]:
        (folder / "half").write_bytes(b"")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        Store(tmp_path).make("key", broken)
    assert [path.name for path in tmp_path.iterdir()] == ["key.lock"]


def test_a_killed_build_holds_nobody_up_and_is_swept(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(tmp_path)], stdout=subprocess.PIPE, env=environ
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"building\n"
        process.send_signal(signal.SIGKILL)
    assert Store(tmp_path).get("key") is None
    assert list(tmp_path.glob("key.partial-*"))
    Store(tmp_path).make("key", content(b"one"))
    assert not list(tmp_path.glob("key.partial-*"))


def test_an_entry_that_lost_bytes_is_built_again(tmp_path: Path) -> None:
    made = Store(tmp_path).make("key", content(b"one"))
    (made.folder / "file").write_bytes(b"")
    assert Store(tmp_path).get("key") is None
    assert (Store(tmp_path).make("key", content(b"two")).folder / "file").read_bytes() == b"two"


def test_entries_that_nobody_uses_are_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for key in ("old", "used"):
        store.make(key, content(b"one"))
        os.utime(tmp_path / key / "part.json", (0, 0))
    store.make("used", must_not_build)
    store.prune()
    assert store.get("old") is None
    assert store.get("used") is not None
