# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers and image archives."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import oci, tree
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError

CAT = Path(shutil.which("cat") or "/bin/cat")
TREE: tree.Tree = {
    "usr/bin/tool": tree.Entry(data=b"tool"),
    "usr/bin/alias": tree.Entry(link="tool"),
    "tmp": tree.Entry(0o1777),
}


def layer(folder: Path, content: tree.Tree) -> oci.Blob:
    return oci.write_layer(lambda stream: tree.write_tar(content, stream), folder, CAT)


def read(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        members = [member for member in archive if member.isfile()]
        return {member.name: (archive.extractfile(member) or io.BytesIO()).read() for member in members}


def test_a_tree_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"tool")
    streams = [io.BytesIO(), io.BytesIO()]
    tree.write_tar(TREE, streams[0])
    tree.write_tar({**dict(reversed(TREE.items())), "usr/bin/tool": tree.Entry(file=tmp_path / "file")}, streams[1])
    assert streams[0].getvalue() == streams[1].getvalue()
    with tarfile.open(fileobj=io.BytesIO(streams[0].getvalue())) as archive:
        found = {member.name: member for member in archive}
    assert list(found) == ["tmp", "usr", "usr/bin", "usr/bin/alias", "usr/bin/tool"]
    assert {member.mtime for member in found.values()} == {0}
    assert {(member.uid, member.uname) for member in found.values()} == {(0, "")}
    assert found["tmp"].mode == 0o1777
    assert found["usr/bin/alias"].linkname == "tool"


def test_an_archive_keeps_to_the_image_format(tmp_path: Path) -> None:
    base, upper = layer(tmp_path, TREE), layer(tmp_path, {"a": tree.Entry(data=b"a")})
    images = [
        oci.Description(("x/one:1", "x/one:2"), ("/a",), (base, upper)),
        oci.Description(("x/two:1",), ("/b",), (base,), "65532:65532"),
    ]
    digests = oci.write_archive(tmp_path / "images.tar", images, "amd64")
    content = read(tmp_path / "images.tar")
    assert json.loads(content["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    for name, data in content.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
    index = json.loads(content["index.json"])["manifests"]
    assert {item["annotations"]["io.containerd.image.name"]: item["digest"] for item in index} == digests
    assert digests["x/one:1"] == digests["x/one:2"] != digests["x/two:1"]
    for item in index:
        document = json.loads(content["blobs/sha256/" + item["digest"].removeprefix("sha256:")])
        assert document["layers"][0]["digest"] == base.digest
        config = json.loads(content["blobs/sha256/" + document["config"]["digest"].removeprefix("sha256:")])
        assert config["rootfs"]["diff_ids"][0] == base.diff_id
        assert len(config["rootfs"]["diff_ids"]) == len(document["layers"])
        assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert sum(name == f"blobs/sha256/{base.path.name}" for name in content) == 1


def test_a_compressor_that_fails_is_not_taken_for_success(tmp_path: Path) -> None:
    big = {"a": tree.Entry(data=bytes(1 << 20))}
    with pytest.raises(PlatformError, match="exit status 1"):
        oci.write_layer(lambda stream: tree.write_tar(big, stream), tmp_path, Path(shutil.which("false") or ""))
