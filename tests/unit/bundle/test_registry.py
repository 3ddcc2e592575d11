# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images out of registries: found by platform, read with or without a login, and never other than their digest says."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import catalog, manifest, registry
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.pull import Puller, Sources
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.recipes import Published, RegistryImages
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError

from .helpers import VERSION, make_bundle, run
from .registry_server import DOCKER, LOGIN, OCI, Store, digest_of, serving

DNS = Published("coredns", "coredns/coredns", "v1.0.0")
RECIPE = RegistryImages((DNS,))


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was to be waited between attempts, which is not done here."""
    seconds: list[float] = []
    monkeypatch.setattr(registry.time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def host(store: Store) -> t.Iterator[str]:
    with serving(store) as name:
        yield name


def puller(place: str, architecture: str = "amd64", logins: t.Any = None, name: str = "default") -> Puller:
    location = registry.parse(place)
    assert location is not None
    return Puller(Sources({name: location}, logins or {}), architecture)


def pull(folder: Path, made: Puller, recipe: RegistryImages = RECIPE) -> tuple[str, dict[str, str], dict[str, bytes]]:
    """Source, digests by reference, and content by name of the archive."""
    reason = made.missing(recipe)
    if reason:
        raise PlatformError(reason)
    for name in ("work", "out"):
        (folder / name).mkdir()
    source, digests = made.fetch(recipe, folder / "work", folder / "out")
    with tarfile.open(folder / "out/images.tar") as archive:
        members = [member for member in archive if member.isfile()]
        return source, digests, {item.name: (archive.extractfile(item) or io.BytesIO()).read() for item in members}


def layers(content: t.Mapping[str, bytes], digest: str) -> list[bytes]:
    found = json.loads(content["blobs/sha256/" + digest.removeprefix("sha256:")])
    return [content["blobs/sha256/" + item["digest"].removeprefix("sha256:")] for item in found["layers"]]


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_platform_of_an_index_is_pulled_as_it_is(
    tmp_path: Path, store: Store, host: str, docker: bool, architecture: str
) -> None:
    unknown = {**store.image("proxy/coredns/coredns", "", []), "platform": {"os": "unknown", "architecture": "unknown"}}
    made = store.index("proxy/coredns/coredns", "v1.0.0", [b"base"], docker, [unknown])
    source, digests, content = pull(tmp_path, puller(f"http://{host}/proxy", architecture))
    wanted = made[architecture]["digest"]
    assert digests == {"lodestar.platform/bundle/coredns:v1.0.0": wanted}
    assert source == f"image {host}/proxy/coredns/coredns@{wanted}"
    assert layers(content, wanted) == [b"base", architecture.encode()]
    (entry,) = json.loads(content["index.json"])["manifests"]
    assert entry["mediaType"] == (f"{DOCKER}.v2+json" if docker else f"{OCI}.manifest.v1+json")
    assert entry["annotations"]["io.containerd.image.name"] == "lodestar.platform/bundle/coredns:v1.0.0"
    assert entry["digest"] == wanted
    assert json.loads(content["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    for name, data in content.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"


def test_a_layer_that_images_share_is_pulled_once(tmp_path: Path, store: Store, host: str) -> None:
    recipe = RegistryImages((DNS, Published("pause", "pause", "1")))
    for image in recipe.images:
        store.image(image.repository, image.tag, [b"base", image.name.encode()])
    pull(tmp_path, puller(f"http://{host}"), recipe)
    assert [path for path, _ in store.seen if digest_of(b"base") in path] == [
        f"/v2/coredns/coredns/blobs/{digest_of(b'base')}"
    ]


@pytest.mark.parametrize("place", ["http://{}/own/dns", "http://{}/own/dns:v9"])
def test_an_image_can_have_a_repository_and_a_tag_of_its_own(
    tmp_path: Path, store: Store, host: str, place: str
) -> None:
    made = store.image("own/dns", "v9" if place.endswith("v9") else "v1.0.0", [b"a"])
    _source, digests, _content = pull(tmp_path, puller(place.format(host), name="coredns"))
    assert digests == {"lodestar.platform/bundle/coredns:v1.0.0": made["digest"]}


def test_a_digest_wins_over_the_tag(tmp_path: Path, store: Store, host: str) -> None:
    right = store.image("dns", "v1.0.0", [b"right"])
    store.image("dns", "v1.0.0", [b"moved on"])
    _source, _digests, content = pull(tmp_path, puller(f"http://{host}/dns@{right['digest']}", name="coredns"))
    assert layers(content, right["digest"]) == [b"right"]


@pytest.mark.parametrize("login", [None, LOGIN], ids=["anonymous", "login"])
def test_a_token_is_got_once_for_each_repository(tmp_path: Path, store: Store, host: str, login: t.Any) -> None:
    store.tokens, store.login = True, login
    store.index("coredns/coredns", "v1.0.0", [b"base"])
    pull(tmp_path, puller(f"http://{host}", logins={host: login} if login else None))
    asked = [(path, given) for path, given in store.seen if path.startswith("/token")]
    assert len(asked) == 1
    assert "scope=repository%3Acoredns%2Fcoredns%3Apull" in asked[0][0]
    assert asked[0][1].startswith("Basic ") == bool(login)
    assert {given for path, given in store.seen[1:] if path.startswith("/v2/")} == {"Bearer token-for-coredns/coredns"}


@pytest.mark.parametrize("login", [None, ("robot", "wrong")])
def test_a_login_that_is_wanted_is_asked_for_and_never_shown(store: Store, host: str, login: t.Any) -> None:
    store.tokens, store.login = True, LOGIN
    reason = puller(f"http://{host}", logins={host: login} if login else None).missing(RECIPE)
    assert "registry_logins" in reason
    assert host in reason
    assert "wrong" not in reason


def test_a_login_stays_with_its_host(tmp_path: Path, store: Store, host: str) -> None:
    store.image("coredns/coredns", "v1.0.0", [b"a"])
    store.tokens = True
    pull(tmp_path, puller(f"http://{host}", logins={"registry.example.com": LOGIN}))
    assert [given for _path, given in store.seen if given.startswith("Basic")] == []


def test_a_redirect_to_another_server_gets_no_token(tmp_path: Path, store: Store, host: str) -> None:
    store.tokens = True
    store.image("coredns/coredns", "v1.0.0", [b"a"])
    with serving(other := Store(blobs=store.blobs)) as name:
        store.elsewhere = f"http://{name}"
        _source, digests, content = pull(tmp_path, puller(f"http://{host}"))
    assert layers(content, *digests.values()) == [b"a"]
    assert [given for _path, given in other.seen] == ["", ""]


@pytest.mark.parametrize("where", ["config", "layers"])
@pytest.mark.parametrize("damage", ["flipped", "longer"])
def test_a_damaged_blob_is_refused_by_name(tmp_path: Path, store: Store, host: str, where: str, damage: str) -> None:
    made = store.image("coredns/coredns", "v1.0.0", [b"layer"])
    part = json.loads(store.manifests["coredns/coredns", made["digest"]][1])[where]
    digest = (part if where == "config" else part[0])["digest"]
    right = store.blobs[digest]
    store.blobs[digest] = bytes([right[0] ^ 1]) + right[1:] if damage == "flipped" else right + b"x"
    with pytest.raises(PlatformError, match=rf"{host}/coredns/coredns@{digest} is damaged"):
        pull(tmp_path, puller(f"http://{host}"))
    assert not (tmp_path / "out/images.tar").exists()
    assert not (tmp_path / "work" / digest.removeprefix("sha256:")).exists()


def test_a_manifest_that_its_index_does_not_name_is_refused(store: Store, host: str) -> None:
    made = store.index("coredns/coredns", "v1.0.0", [b"base"])
    wanted = made["amd64"]["digest"]
    kind, data = store.manifests["coredns/coredns", wanted]
    store.manifests["coredns/coredns", wanted] = (kind, data + b" ")
    assert f"coredns/coredns@{wanted} is damaged" in puller(f"http://{host}").missing(RECIPE)


def test_an_image_for_another_platform_is_refused(tmp_path: Path, store: Store, host: str) -> None:
    store.image("coredns/coredns", "v1.0.0", [b"a"], architecture="s390x")
    with pytest.raises(PlatformError, match=r"linux/s390x, not linux/amd64"):
        pull(tmp_path, puller(f"http://{host}"))


def test_an_index_without_the_platform_says_which_it_has(store: Store, host: str) -> None:
    kind = f"{OCI}.index.v1+json"
    only = {**store.image("coredns/coredns", "", []), "platform": {"os": "linux", "architecture": "s390x"}}
    store.put("coredns/coredns", "v1.0.0", {"schemaVersion": 2, "mediaType": kind, "manifests": [only]})
    assert "but for linux/s390x" in puller(f"http://{host}").missing(RECIPE)


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        (f"{DOCKER}.v1+prettyjws", b"{}", "not supported"),
        (f"{OCI}.manifest.v1+json", b"<html>", "is no manifest"),
        (f"{OCI}.manifest.v1+json", b"{}", "no configuration"),
    ],
)
def test_what_is_no_image_is_refused(store: Store, host: str, kind: str, data: bytes, why: str) -> None:
    store.manifests["coredns/coredns", "v1.0.0"] = (kind, data)
    reason = puller(f"http://{host}").missing(RECIPE)
    assert why in reason
    assert "coredns/coredns:v1.0.0" in reason


def test_what_is_not_there_is_told_with_its_place(store: Store, host: str) -> None:
    assert f"{host}/v2/coredns/coredns/manifests/v1.0.0 answered 404" in puller(f"http://{host}").missing(RECIPE)
    assert "127.0.0.1:9 does not answer" in puller("http://127.0.0.1:9").missing(RECIPE)


def test_a_silent_registry_is_waited_for_once(waits: list[float]) -> None:
    made = puller("http://127.0.0.1:9")
    assert "does not answer" in made.missing(RECIPE)
    first = list(waits)
    assert "does not answer" in made.missing(RegistryImages((Published("pause", "pause", "1"),)))
    assert waits == first == [1.0, 2.0]


@pytest.mark.parametrize("trouble", ["busy", "cut off"])
def test_what_passes_is_waited_for(tmp_path: Path, store: Store, host: str, trouble: str, waits: list[float]) -> None:
    store.image("coredns/coredns", "v1.0.0", [b"a layer"])
    if trouble == "busy":
        store.failures = [503, 429]
    else:
        store.cut = True
    _source, digests, content = pull(tmp_path, puller(f"http://{host}"))
    assert layers(content, *digests.values()) == [b"a layer"]
    assert waits == ([1.0, 2.0] if trouble == "busy" else [1.0])


def test_patience_ends(store: Store, host: str) -> None:
    store.failures = [503] * 99
    with pytest.raises(PlatformError, match="503"):
        registry.Registry("http", host, patience=0.5).document("a", "1")


def test_encryption_is_not_given_up(store: Store, host: str) -> None:
    """A server that speaks https must not send the login, or anything, to one that does not."""
    secure = registry.Registry("https", "registry.example.com", LOGIN)
    with pytest.raises(PlatformError, match="tokens, which is refused"):
        secure._authorize("a", ['Bearer realm="http://tokens.example.com/token",service="s"'], 1)
    assert store.seen == []


def test_http_is_only_spoken_where_the_operator_says_so(store: Store, host: str) -> None:
    store.image("coredns/coredns", "v1.0.0", [b"a"])
    reason = puller(host).missing(RECIPE)
    assert f"{host} does not answer" in reason
    assert store.seen == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("registry.example.com", ("https", "registry.example.com", "", "", "")),
        ("http://localhost:5000/a/b-c", ("http", "localhost:5000", "a/b-c", "", "")),
        ("localhost:5000/a:v1", ("https", "localhost:5000", "a", "v1", "")),
        (f"[::1]:5000/a:v1@sha256:{'0' * 64}", ("https", "[::1]:5000", "a", "v1", f"sha256:{'0' * 64}")),
        ("ftp://a/b", None),
        ("user:word@a/b", None),
        ("https://user:word@a/b", None),
        ("a/UPPER", None),
        ("a/b@sha256:12", None),
        ("", None),
    ],
)
def test_places(text: str, expected: tuple[str, ...] | None) -> None:
    place = registry.parse(text)
    assert (place and (place.scheme, place.host, place.repository, place.tag, place.digest)) == expected


def publish(store: Store) -> None:
    """Every image of the catalog, where its makers would have it."""
    for unit in catalog.units([VERSION]):
        for recipe in unit.recipes:
            if isinstance(recipe, RegistryImages):
                for image in recipe.images:
                    store.index(f"proxy/{image.repository}", image.tag, [b"base", image.name.encode()])


def test_a_bundle_takes_its_images_from_a_registry(tmp_path: Path, store: Store, host: str) -> None:
    """Images alone are missing, so nothing is built: there is no Go here."""
    publish(store)
    path = tmp_path / "bundle"
    made = make_bundle(path)
    images = [part for part in made.parts if part.kind == "image" and part.name != "probe"]
    for part in images:
        made.path_of(part).unlink()
    params = {
        "path": str(path),
        "cache_dir": str(tmp_path / "cache"),
        "upstream": {"images": {"default": f"http://{host}/proxy"}},
    }
    predicted = run(check_mode=True, **params)
    answer = run(**params)
    assert not answer.get("failed"), answer["msg"]
    assert predicted["plan"] == answer["plan"]
    now = manifest.load(path)
    now.verify(now.parts)
    for part in images:
        pulled = now.part(part.name, part.kubernetes)
        assert pulled.source.startswith(f"image {host}/proxy/")
        assert "@sha256:" in pulled.source
    assert set(now.part("kubernetes", VERSION).digests) == {
        f"lodestar.platform/bundle/{name}:v{VERSION}" for name in catalog.KUBERNETES_PROGRAMS[:4]
    }
    assert set(now.part("pause").references) == {f"lodestar.platform/bundle/pause:{tag}" for tag in catalog.PAUSE_TAGS}
    assert not run(**params)["changed"]


def test_a_registry_that_must_be_used_and_has_nothing_is_refused(tmp_path: Path, store: Store, host: str) -> None:
    upstream = {"images": {"kube-vip": f"http://{host}/vip"}}
    params = {"path": str(tmp_path / "bundle"), "cache_dir": str(tmp_path), "source": "upstream", "upstream": upstream}
    answer = run(environ=os.environ, **params)
    assert answer["failed"]
    assert "kube-vip" in answer["msg"]
    assert "404" in answer["msg"]


def test_images_have_the_makers_name_or_are_our_own() -> None:
    ours = {
        image.name
        for unit in catalog.units([VERSION])
        for recipe in unit.recipes
        for image in getattr(recipe, "images", ())
    }
    assert ours - set(catalog.REPOSITORIES) == {"probe"}
