# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts that are really made: by the Go tool chain that set-up brings, and from a release server."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import catalog, programs
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.golang import Go
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.maker import Maker
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.pull import Puller, Sources
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.recipes import GoBuild
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.sources import Releases
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError

from .helpers import VERSION, run, served

SOURCES = {name: value for name, value in vars(programs).items() if name.isupper()}


@pytest.fixture(scope="module")
def cache() -> Path:
    """Go's caches, kept in the checkout: compiling the standard library takes half a minute."""
    return Path(__file__).resolve().parents[3] / ".cache/go"


def test_own_programs_are_formatted_as_go_is(tmp_path: Path) -> None:
    assert SOURCES
    for name, source in SOURCES.items():
        (tmp_path / f"{name.lower()}.go").write_text(source)
    done = subprocess.run(["gofmt", "-l", "."], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_a_build_is_static_stamped_and_the_same_again(cache: Path, tmp_path: Path) -> None:
    source = 'package main\n\nvar version, minor string\n\nfunc main() { print(version, " ", minor) }\n'
    recipe = GoBuild(
        "",
        "v1.36.3",
        {"tool": "."},
        program=source,
        links={"tool": ("alias",)},
        stamps={"main.version": "{version}", "main.minor": "{minor}"},
    )
    digests = set()
    for number in range(2):
        work, out = tmp_path / f"work{number}", tmp_path / f"out{number}"
        work.mkdir()
        out.mkdir()
        Go(os.environ, cache, "amd64").build(recipe, work, out)
        digests.add(hashlib.sha256((out / "alias").read_bytes()).hexdigest())
        done = subprocess.run([out / "tool"], capture_output=True, text=True, check=True)
        assert done.stderr == "v1.36.3 36"
    assert len(digests) == 1


def test_pause_ends_when_asked(cache: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    Go(os.environ, cache, "amd64").build(GoBuild("", "", {"pause": "."}, program=programs.PAUSE), work, tmp_path)
    with subprocess.Popen([tmp_path / "pause"], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"not the first process" in process.stderr.readline()
        process.terminate()
        assert process.wait(10) == 0


def test_a_compile_error_is_told(cache: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    recipe = GoBuild("", "", {"tool": "."}, program="package main\n\nfunc main() { nonsense() }\n")
    with pytest.raises(PlatformError, match="undefined: nonsense"):
        Go(os.environ, cache, "amd64").build(recipe, work, tmp_path)


def test_a_version_that_nobody_has_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    versions = tmp_path / "proxy/k8s.io/kubernetes/@v"
    versions.mkdir(parents=True)
    (versions / f"v{VERSION}.info").write_text(f'{{"Version": "v{VERSION}", "Time": "2026-07-22T18:07:38Z"}}')
    (versions / f"v{VERSION}.mod").write_text("module k8s.io/kubernetes\n")
    params = {"path": str(tmp_path / "bundle"), "cache_dir": str(tmp_path / "cache"), "check_mode": True}
    environ = {**os.environ, "GOPROXY": f"file://{tmp_path}/proxy", "GONOSUMDB": "*"}
    answer = run(kubernetes_versions=[VERSION, "1.36.99"], environ=environ, **params)
    assert [problem["value"] for problem in answer["problems"]] == ["1.36.99"]
    assert "k8s.io/kubernetes@v1.36.99" in answer["msg"]
    answer = run(kubernetes_versions=[VERSION], environ=environ, **params)
    assert {"part:kubernetes-1.36.3", "part:coredns", "part:zstd"} <= {step["id"] for step in answer["plan"]}
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "bundle").exists()


def release(folder: Path, files: t.Iterable[str], digest: str = "") -> None:
    place = folder / f"v{VERSION}/bin/linux/amd64"
    place.mkdir(parents=True)
    for name in files:
        (place / name).write_text(f"#!{name}\n")
        right = hashlib.sha256((place / name).read_bytes()).hexdigest()
        (place / f"{name}.sha256").write_text(digest or right)


def maker(cache: Path, url: str, environ: t.Mapping[str, str] | None = None) -> Maker:
    table = catalog.units([VERSION])
    return Maker(
        table, cache, "amd64", Releases({"kubernetes": url}), Puller(Sources(), "amd64"), environ or {"PATH": ""}
    )


def test_release_files_are_taken_when_their_server_has_them(tmp_path: Path) -> None:
    release(tmp_path / "server", catalog.KUBERNETES_PROGRAMS)
    with served(tmp_path / "server") as url:
        made = maker(tmp_path / "cache", url).make(catalog.kubernetes_units(VERSION)[0])
    assert set(made.files) == set(catalog.KUBERNETES_PROGRAMS)
    assert (made.folder / "kubelet").read_text() == "#!kubelet\n"
    assert os.access(made.folder / "kubelet", os.X_OK)
    assert url in made.source


def test_damaged_release_files_are_refused_by_name(tmp_path: Path) -> None:
    release(tmp_path / "server", catalog.KUBERNETES_PROGRAMS, "0" * 64)
    with served(tmp_path / "server") as url, pytest.raises(PlatformError, match=r"kube-apiserver is damaged"):
        maker(tmp_path / "cache", url).make(catalog.kubernetes_units(VERSION)[0])


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", ""])
def test_without_a_server_it_is_built(tmp_path: Path, url: str) -> None:
    asked = maker(tmp_path, url, {"PATH": os.environ["PATH"]})
    recipe = asked.recipe(asked.units[f"kubernetes-{VERSION}"])
    assert isinstance(recipe, GoBuild)
    assert [reason for reason in asked.passed_over if url not in reason] == []
    assert len(asked.passed_over) == bool(url)


def test_a_server_that_must_be_used_and_has_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with served(tmp_path / "server") as url:
        asked = maker(tmp_path, url)
        asked.must_use_upstream = True
        with pytest.raises(PlatformError, match="404"):
            asked.recipe(asked.units[f"kubernetes-{VERSION}"])


def test_go_is_there() -> None:
    """Set-up brings it; without it the tests above would say so less clearly."""
    assert shutil.which("go")
