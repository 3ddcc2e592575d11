# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bundle is made from a mirror, kept, repaired, and never changed for nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import manifest

from .helpers import VERSION, files, make_bundle, run, served


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    make_bundle(tmp_path / "mirror")
    return tmp_path / "mirror"


@pytest.fixture
def server(mirror: Path) -> t.Iterator[str]:
    """The mirror on a web server."""
    with served(mirror) as url:
        yield f"{url}/"


def ids(answer: dict[str, t.Any]) -> set[str]:
    assert not answer.get("failed"), answer["msg"]
    return {step["id"] for step in answer["plan"]}


@pytest.mark.parametrize("over_http", [False, True])
@pytest.mark.parametrize("source", ["auto", "mirror"])
def test_a_mirror_gives_the_same_bundle(
    tmp_path: Path, mirror: Path, request: pytest.FixtureRequest, over_http: bool, source: str
) -> None:
    where = request.getfixturevalue("server") if over_http else str(mirror)
    path = tmp_path / "bundle"
    answer = run(path=str(path), mirror=where, source=source)
    assert answer["changed"]
    assert answer["source"] == "mirror"
    assert answer["kubernetes"] == [VERSION]
    made = manifest.load(path)
    made.verify(made.parts)
    assert {part.path: part.sha256 for part in made.parts} == {
        part.path: part.sha256 for part in manifest.load(mirror).parts
    }
    again = run(path=str(path), mirror=where, source=source)
    assert (again["changed"], again["source"], again["plan"]) == (False, "present", [])
    assert again["parts"] == answer["parts"]


def test_equal_files_are_one_file(tmp_path: Path, mirror: Path) -> None:
    run(path=str(tmp_path / "bundle"), mirror=str(mirror))
    names = [tmp_path / "bundle/kubernetes" / VERSION / name for name in ("kubelet", "kubeadm", "kubectl")]
    assert len({name.stat().st_ino for name in names}) == 1
    assert names[0].stat().st_mode & 0o111


def test_check_mode_says_what_the_run_does_and_writes_nothing(tmp_path: Path, mirror: Path) -> None:
    before = files(tmp_path)
    predicted = run(check_mode=True, path=str(tmp_path / "bundle"), mirror=str(mirror))
    assert files(tmp_path) == before
    done = run(path=str(tmp_path / "bundle"), mirror=str(mirror))
    assert predicted["plan"] == done["plan"]
    assert len(predicted["plan"]) == len(manifest.load(mirror).parts) + 1


def test_progress_counts(tmp_path: Path, mirror: Path) -> None:
    said = run(path=str(tmp_path / "bundle"), mirror=str(mirror))["said"]
    total = len(manifest.load(mirror).parts)
    assert len(said) == total
    assert said[0].startswith(f"bundle [1/{total}] ")
    assert said[-1].startswith(f"bundle [{total}/{total}] ")


@pytest.mark.parametrize("damage", ["missing", "shorter", "other bytes"])
def test_a_damaged_artifact_alone_is_made_again(tmp_path: Path, mirror: Path, damage: str) -> None:
    path = tmp_path / "bundle"
    run(path=str(path), mirror=str(mirror))
    victim = path / "images/coredns.tar"
    right = victim.read_bytes()
    if damage == "missing":
        victim.unlink()
    else:
        victim.write_bytes(b"x" if damage == "shorter" else right[::-1])
    answer = run(path=str(path), mirror=str(mirror))
    assert ids(answer) == {"part:coredns", "file:manifest.json"}
    assert victim.read_bytes() == right
    assert not run(path=str(path), mirror=str(mirror))["changed"]


def damaged_silently(path: Path) -> None:
    """Other bytes, with size and time of modification as they were."""
    status = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_file_whose_times_were_set_back_is_read_again(tmp_path: Path, mirror: Path) -> None:
    path = tmp_path / "bundle"
    run(path=str(path), mirror=str(mirror))
    damaged_silently(path / "runtime/runc")
    assert "part:runc" in ids(run(path=str(path), mirror=str(mirror)))


def test_damage_that_changes_no_time_is_found_when_asked(tmp_path: Path, mirror: Path) -> None:
    """As by a disk that rots: the file is as it was seen last, but for its bytes."""
    path = tmp_path / "bundle"
    run(path=str(path), mirror=str(mirror))
    damaged_silently(path / "runtime/runc")
    seen = json.loads((path / ".verified.json").read_text())
    status = (path / "runtime/runc").stat()
    seen["runtime/runc"][:4] = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    (path / ".verified.json").write_text(json.dumps(seen))
    assert not run(path=str(path), mirror=str(mirror))["changed"]
    assert "part:runc" in ids(run(path=str(path), mirror=str(mirror), verify=True))


def test_a_damaged_mirror_is_refused_by_name_and_spoils_nothing(tmp_path: Path, mirror: Path) -> None:
    path = tmp_path / "bundle"
    (mirror / "cni/bridge").write_bytes(b"something else")
    answer = run(path=str(path), mirror=str(mirror), source="mirror")
    assert answer["failed"]
    assert "bridge" in answer["msg"]
    assert "damaged" in answer["msg"]
    assert not (path / "cni/bridge").exists()
    assert not (path / manifest.FILE).exists()


def test_a_run_that_was_cut_off_is_taken_up(tmp_path: Path, mirror: Path) -> None:
    path = tmp_path / "bundle"
    held = (mirror / "images/probe.tar").read_bytes()
    (mirror / "images/probe.tar").unlink()
    assert run(path=str(path), mirror=str(mirror), source="mirror")["failed"]
    (mirror / "images/probe.tar").write_bytes(held)
    assert not run(path=str(path), mirror=str(mirror), source="mirror").get("failed")
    made = manifest.load(path)
    made.verify(made.parts)


def test_a_mirror_without_the_version_is_refused_with_what_it_has(tmp_path: Path, mirror: Path) -> None:
    wanted = {"path": str(tmp_path / "bundle"), "mirror": str(mirror), "kubernetes_versions": ["1.35.4"]}
    answer = run(**wanted, source="mirror")
    assert answer["failed"]
    assert answer["problems"][0]["value"] == "1.35.4"
    assert VERSION in answer["msg"]
    assert str(mirror) in answer["msg"]


def test_a_mirror_without_a_part_is_refused_by_name(tmp_path: Path, mirror: Path) -> None:
    text = (mirror / manifest.FILE).read_text()
    (mirror / manifest.FILE).write_text(text.replace('"name": "kube-vip"', '"name": "something"'))
    answer = run(path=str(tmp_path / "bundle"), mirror=str(mirror), source="mirror")
    assert answer["failed"]
    assert f"{mirror} holds no kube-vip" in answer["msg"]


def test_versions_that_are_there_stay(tmp_path: Path, mirror: Path) -> None:
    path, other = tmp_path / "bundle", tmp_path / "other"
    make_bundle(other, ("1.35.4",))
    run(path=str(path), mirror=str(mirror))
    answer = run(path=str(path), mirror=str(other), kubernetes_versions=["1.35.4"])
    assert ids(answer) == {
        *(f"part:{name}:1.35.4" for name in ("kubelet", "kubeadm", "kubectl", "kubernetes")),
        "file:manifest.json",
    }
    assert answer["kubernetes"] == ["1.35.4", VERSION]
    made = manifest.load(path)
    made.verify(made.parts)
    assert made.part("kubelet", VERSION)


def test_artifacts_that_no_longer_belong_are_removed(tmp_path: Path, mirror: Path) -> None:
    path = tmp_path / "bundle"
    run(path=str(path), mirror=str(mirror))
    text = (path / manifest.FILE).read_text()
    old = '"path": "images/probe.tar"'
    (path / "images/probe.tar").rename(path / "images/old.tar")
    (path / manifest.FILE).write_text(text.replace(old, '"path": "images/old.tar"'))
    assert ids(run(path=str(path), mirror=str(mirror))) == {"part:probe", "file:manifest.json"}
    assert not (path / "images/old.tar").exists()


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    make_bundle(tmp_path)
    answer = run(path=str(tmp_path), architecture="arm64")
    assert answer["failed"]
    assert answer["problems"][0]["key"] == "path"


def test_auto_says_why_a_mirror_is_passed_over(tmp_path: Path) -> None:
    """The next source is building, which names what it lacks here: Go."""
    make_bundle(tmp_path / "old", recipe="made by an older release")
    silent, old = "http://127.0.0.1:9/", str(tmp_path / "old")
    for where, why in {silent: "does not answer", old: "not what this release"}.items():
        answer = run(path=str(tmp_path / "bundle"), mirror=where, cache_dir=str(tmp_path / "cache"))
        assert answer["failed"]
        assert "no Go on PATH" in answer["msg"]
        assert why in answer["msg"]


def test_a_complete_bundle_asks_no_source(tmp_path: Path) -> None:
    make_bundle(tmp_path)
    answer = run(path=str(tmp_path), mirror="http://127.0.0.1:9/")
    assert (answer["changed"], answer["source"]) == (False, "present")


def test_the_result_is_the_same_when_it_runs_as_a_module(tmp_path: Path) -> None:
    """AnsibleModule adds owner, mode and another size to a result that has a path."""
    make_bundle(tmp_path)
    params = {"path": str(tmp_path), "kubernetes_versions": [VERSION]}
    done = subprocess.run(
        [sys.executable, "-m", "ansible_collections.lodestar.platform.plugins.modules.bundle"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": params}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    answer.pop("invocation")
    expected = run(path=str(tmp_path))
    expected.pop("said")
    assert answer == expected
