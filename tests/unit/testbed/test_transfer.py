# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stream is a tar archive like any other."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from testbed.transfer import Item, stream


def test_stream_is_an_archive_with_links_modes_and_private_directories(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"0123456789abcdef" * 100_000 + b"x")
    items = [
        Item("/usr/local/bin/kubelet", large, 0o755),
        Item("/usr/local/bin/kubeadm", mode=0o755, same_as="/usr/local/bin/kubelet"),
        Item("/root/.ssh/authorized_keys", b"key", 0o600),
        Item("/etc/empty", b""),
    ]
    content = b"".join(stream(items, private=["/root/.ssh"]))
    assert len(content) % tarfile.BLOCKSIZE == 0
    tar = tarfile.open(fileobj=io.BytesIO(content))  # noqa: SIM115
    members = {member.name: member for member in tar.getmembers()}
    assert members["usr/local/bin/kubeadm"].islnk()
    for name, expected in {
        "usr/local/bin/kubelet": large.read_bytes(),
        "usr/local/bin/kubeadm": large.read_bytes(),
        "root/.ssh/authorized_keys": b"key",
        "etc/empty": b"",
    }.items():
        file = tar.extractfile(name)
        assert file is not None
        assert file.read() == expected
    modes = {name: member.mode for name, member in members.items()}
    assert modes["usr/local/bin/kubelet"] == 0o755
    assert modes["root/.ssh/authorized_keys"] == 0o600
    assert modes["root/.ssh"] == 0o700
    assert modes["root"] == 0o755
    assert list(members).index("root") < list(members).index("root/.ssh")
