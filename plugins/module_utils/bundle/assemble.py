# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans a bundle directory: what it lacks, and from where each part will come. Private to the collection."""

from __future__ import annotations

import json
import os
import re
import time
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import InvalidInput, PlatformError, Problem
from ..operation import Context
from ..plan import Plan, Step
from . import manifest as manifests
from .catalog import GoBuild, Output, Unit, units
from .maker import Maker, identities, outputs
from .manifest import Artifact, Manifest
from .process import reported
from .sources import Mirror, Releases, link, put
from .store import Built, locked

_SEEN = ".verified.json"
_VERSION = re.compile(r"1\.\d+\.\d+")


@dataclass(frozen=True)
class Wanted:
    """What an operator asks for, checked.

    :param versions: Kubernetes versions in ascending order.
    :param source: ``auto``, ``mirror``, ``upstream`` or ``build``.
    """

    path: Path
    versions: tuple[str, ...]
    architecture: str
    source: str
    mirror: str
    upstream: t.Mapping[str, str]
    cache: Path
    keep_go_cache: bool
    verify: bool


@dataclass
class State:
    """A bundle directory as it is.

    :param manifest: what it says it holds; ``None`` when there is no bundle.
    :param intact: paths of the artifacts that are what the manifest says.
    """

    manifest: Manifest | None
    intact: set[str] = field(default_factory=set)

    def part(self, unit: Unit, output: Output) -> Artifact | None:
        """The intact artifact of that name, if there is one."""
        for part in self.manifest.parts if self.manifest else ():
            if (part.name, part.kubernetes) == (output.name, unit.kubernetes) and part.path in self.intact:
                return part
        return None


def default_cache(environ: t.Mapping[str, str]) -> Path:
    """Where caches are kept when nothing else is said: ``lodestar`` in the user's cache directory (XDG)."""
    base = environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".cache")
    return Path(base) / "lodestar"


def check(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Wanted:
    """Checks the arguments and fills in defaults.

    :raises InvalidInput: naming every problem.
    """
    problems = []
    versions = list(dict.fromkeys(params["kubernetes_versions"]))
    for version in versions:
        if not _VERSION.fullmatch(version):
            reason, remedy = "not a full Kubernetes version", 'Write it in full and quoted, such as "1.36.3"'
            problems.append(Problem("kubernetes_versions", version, reason, remedy))
    if not versions:
        reason = "no version was asked for, and no cluster of the inventory declares one"
        problems.append(Problem("kubernetes_versions", versions, reason, "Name at least one Kubernetes version"))
    for source, remedy in {
        "mirror": "Set mirror to a directory or http(s) URL, or take another source",
        "upstream": "Set upstream.kubernetes to the base URL of the release server, or take another source",
    }.items():
        if params["source"] == source and not params.get(source):
            problems.append(Problem(source, params.get(source), f"source is {source}, which needs it", remedy))
    if problems:
        raise InvalidInput(problems)
    cache = Path(params["cache_dir"]).expanduser() if params.get("cache_dir") else default_cache(environ)
    return Wanted(
        path=Path(os.path.abspath(Path(params["path"]).expanduser())) if params.get("path") else cache / "bundle",
        versions=tuple(sorted(versions, key=lambda version: [int(number) for number in version.split(".")])),
        architecture=params["architecture"],
        source=params["source"],
        mirror=params.get("mirror") or "",
        upstream={name: url for name, url in (params.get("upstream") or {}).items() if url},
        cache=cache,
        keep_go_cache=params["keep_go_cache"],
        verify=params["verify"],
    )


def observe(path: Path, architecture: str, verify: bool) -> State:
    """Looks at a bundle directory. Files whose size and time are as they were when last verified are not read again.

    :raises InvalidInput: when it is of another architecture.
    """
    try:
        manifest = manifests.load(path)
    except PlatformError:
        return State(None)
    if manifest.architecture != architecture:
        reason = f"it holds a bundle for {manifest.architecture}"
        raise InvalidInput([Problem("path", str(path), reason, f"Take another path for {architecture}")])
    seen = {} if verify else _seen(path)
    intact = set()
    unread = []
    for part in manifest.parts:
        if _stamp(path / part.path) is not None and seen.get(part.path) == _stamp(path / part.path) + [part.sha256]:
            intact.add(part.path)
        else:
            unread.append(part)
    try:
        manifest.verify(unread)
        damaged = set()
    except PlatformError as exc:
        damaged = set(exc.details.get("damaged", [part.path for part in unread]))
    return State(manifest, intact | ({part.path for part in unread} - damaged))


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Plans the bundle that the arguments describe; see the module's documentation."""
    wanted = check(params, context.environ)
    state = observe(wanted.path, wanted.architecture, wanted.verify)
    return _Planner(wanted, state, context).plan()


class _Planner:
    """Turns a wanted bundle and its state into steps."""

    def __init__(self, wanted: Wanted, state: State, context: Context) -> None:
        self.wanted = wanted
        self.state = state
        self.progress = context.progress
        self.table = units(wanted.versions)
        releases = Releases(wanted.upstream if wanted.source in ("auto", "upstream") else {})
        self.maker = Maker(self.table, wanted.cache, wanted.architecture, releases, context.environ)
        self.warnings: list[str] = []
        self.fresh: dict[str, Artifact] = {}
        self.total = 0
        self.began = 0

    def plan(self) -> Plan:
        """The plan."""
        upstream = self._mirror()
        stale = self._stale(upstream[1] if upstream else None)
        steps = self._fetches(*upstream, stale) if upstream else self._builds(stale)
        source = ("mirror" if upstream else "build") if stale else "present"
        if not stale and upstream and self.wanted.source == "mirror":
            source = "mirror"
        self.total = len(steps)
        if steps or self._incomplete():
            steps.append(self._finish_step())
        before = self.state.manifest
        return Plan(
            steps=steps,
            outputs=self._outputs(source, before) if before and not steps else self._outputs(source, None),
            finish=lambda: self._outputs(source, manifests.load(self.wanted.path)),
            warnings=self.warnings,
        )

    def _mirror(self) -> tuple[Mirror, Manifest] | None:
        """The mirror and its manifest, when artifacts are to come from there."""
        wanted = self.wanted
        if not wanted.mirror or wanted.source not in ("auto", "mirror"):
            return None
        if wanted.source == "auto" and not self._stale(None):
            return None
        mirror = Mirror(wanted.mirror)
        try:
            found = mirror.manifest()
            if found.architecture != wanted.architecture:
                raise PlatformError(f"the mirror {mirror.shown} is for {found.architecture}, not {wanted.architecture}")
            named = replace(found, root=Path(mirror.shown))
            for version in wanted.versions:
                named.require(version)
            return mirror, found
        except PlatformError as exc:
            if wanted.source == "mirror":
                raise
            self.warnings.append(f"the mirror is not used: {exc}")
            return None

    def _stale(self, mirror: Manifest | None) -> list[tuple[Unit, Output]]:
        """The artifacts that are missing, damaged, or not what this catalog (or that mirror) would give."""
        known = identities(self.table, self.wanted.architecture)
        stale = []
        for unit, output in outputs(self.table):
            part = self.state.part(unit, output)
            if part is None or part.path != output.path:
                stale.append((unit, output))
            elif mirror is not None and self.wanted.source == "mirror":
                if part.sha256 != mirror.part(output.name, unit.kubernetes).sha256:
                    stale.append((unit, output))
            elif part.recipe not in self._accepted(unit, known):
                stale.append((unit, output))
        return stale

    def _accepted(self, unit: Unit, known: t.Mapping[str, t.Mapping[str, t.Any]]) -> t.Collection[str]:
        if self.wanted.source == "auto":
            return known[unit.name]
        return (self.maker.identity(unit),)

    def _incomplete(self) -> bool:
        """True when all files are there, but the manifest does not say that it is complete."""
        have = self.state.manifest.kubernetes if self.state.manifest else ()
        return not set(self.wanted.versions) <= set(have)

    def _fetches(self, mirror: Mirror, found: Manifest, stale: list[tuple[Unit, Output]]) -> list[Step]:
        steps = []
        for unit, output in stale:
            part = replace(found.part(output.name, unit.kubernetes), path=output.path)
            original = found.part(output.name, unit.kubernetes)

            def perform(part: Artifact = part, original: Artifact = original) -> None:
                with self._told(f"{part.name} {part.version}", "fetched") as done:
                    self._fetch(mirror, original, part)
                    done.append("fetched")

            steps.append(self._step(output, part.version, unit, f"mirror {mirror.shown}", "fetch", perform))
        return steps

    def _fetch(self, mirror: Mirror, original: Artifact, part: Artifact) -> None:
        target = self.wanted.path / part.path
        twin = self._twin(part.sha256)
        if twin is not None:
            link(twin, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.partial-{os.getpid()}")
            mirror.fetch(original, temporary)
            temporary.chmod(_mode(part))
            os.replace(temporary, target)
        self.fresh[part.path] = replace(part, source=f"{part.source}; by mirror {mirror.shown}".replace(
            f"; by mirror {mirror.shown}; by mirror {mirror.shown}", f"; by mirror {mirror.shown}"))

    def _builds(self, stale: list[tuple[Unit, Output]]) -> list[Step]:
        """One step a unit: those with stale artifacts, after those of their prerequisites that are not cached."""
        wanted: dict[str, list[Output]] = {}
        for unit, output in stale:
            wanted.setdefault(unit.name, []).append(output)
        needed = set(wanted)
        for unit in reversed(self.table):
            if unit.name in needed and self.maker.cached(unit) is None:
                needed |= set(unit.needs)
        steps = []
        for unit in self.table:
            cached = self.maker.cached(unit) if unit.name in needed else None
            if unit.name not in needed or (unit.name not in wanted and cached):
                continue
            steps.append(self._unit_step(unit, wanted.get(unit.name, []), bool(cached)))
        return steps

    def _unit_step(self, unit: Unit, outputs_: list[Output], cached: bool) -> Step:
        def perform() -> None:
            with self._told(f"{unit.name} {unit.version}", "building" if not cached else "cached") as done:
                done.append("taken from the cache" if self.maker.cached(unit) else "built")
                self._install(unit, outputs_)

        how = type(self.maker.recipe(unit)).__name__
        kinds = {"GoBuild": "Go modules", "ModuleFiles": "Go modules", "ReleaseFiles": "release files"}
        source = "cache" if cached else kinds.get(how, "parts" if how == "Archive" else "operating system")
        return self._step(outputs_[0] if outputs_ else None, unit.version, unit, source, "make", perform)

    def _step(
        self, output: Output | None, version: str, unit: Unit, source: str, verb: str, perform: t.Callable[[], None]
    ) -> Step:
        name = output.name if verb == "fetch" and output else unit.name
        before = self.state.part(unit, output) if output else None
        return Step(
            id=f"part:{name}" + (f":{unit.kubernetes}" if verb == "fetch" and unit.kubernetes else ""),
            action="update" if before else "create",
            target=str(self.wanted.path),
            description=f"{verb} {name} {version} from {source}",
            before={"version": before.version, "source": before.source} if before else None,
            after={"version": version, "source": source},
            perform=perform,
        )

    def _install(self, unit: Unit, outputs_: list[Output]) -> None:
        """Makes a unit and copies its artifacts; a damaged cache entry is forgotten and made again once."""
        built = self.maker.make(unit)
        if not self._copied(unit, outputs_, built):
            self.maker.store.drop(self.maker.key(unit))
            built = self.maker.make(unit)
            if not self._copied(unit, outputs_, built):
                raise PlatformError(f"{unit.name} changes while it is copied from {built.folder}; is the disk in order?")

    def _copied(self, unit: Unit, outputs_: list[Output], built: Built) -> bool:
        for output in outputs_:
            size, digest = built.files[output.file]
            images = output.kind == "image"
            part = Artifact(
                name=output.name,
                version=unit.version,
                kind=output.kind,
                path=output.path,
                size=size,
                sha256=digest,
                source=built.source,
                purpose=output.purpose,
                kubernetes=unit.kubernetes,
                references=tuple(built.digests) if images else (),
                digests=built.digests if images else {},
                recipe=self.maker.identity(unit),
            )
            target = self.wanted.path / output.path
            twin = self._twin(digest)
            if twin is not None:
                link(twin, target)
            elif put(built.folder / output.file, target, _mode(part)) != digest:
                return False
            self.fresh[output.path] = part
        return True

    def _twin(self, digest: str) -> Path | None:
        """A file of the same content that this run has put into the bundle."""
        same = (self.wanted.path / path for path, part in self.fresh.items() if part.sha256 == digest)
        return next(same, None)

    def _told(self, title: str, _verb: str) -> "_Told":
        self.began += 1
        return _Told(f"bundle [{self.began}/{self.total}] {title}", self.progress)

    def _finish_step(self) -> Step:
        have = self.state.manifest
        return Step(
            id="manifest",
            action="update" if have else "create",
            target=str(self.wanted.path),
            description=f"write {manifests.FILE}",
            before={"kubernetes": list(have.kubernetes)} if have else None,
            after={"kubernetes": self._versions(have)},
            perform=self._write,
            wave=1,
        )

    def _versions(self, have: Manifest | None) -> list[str]:
        every = {*(have.kubernetes if have else ()), *self.wanted.versions}
        return sorted(every, key=lambda version: [int(number) for number in version.split(".")])

    def _write(self) -> None:
        """Merges what was made into the manifest, and removes files that no longer belong to the bundle."""
        path = self.wanted.path
        path.mkdir(parents=True, exist_ok=True)
        with locked(path / ".lock"):
            have = observe(path, self.wanted.architecture, False).manifest
            versions = self._versions(have)
            belong = {output.path for _unit, output in outputs(units(versions))}
            old = {part.path: part for part in (have.parts if have else ())}
            parts = {place: part for place, part in {**old, **self.fresh}.items() if place in belong}
            text = manifests.render(Manifest(path, self.wanted.architecture, tuple(versions), tuple(parts.values())))
            _replace(path / manifests.FILE, text)
            for place in set(old) - belong:
                (path / place).unlink(missing_ok=True)
            seen = {place: (_stamp(path / place) or []) + [part.sha256] for place, part in parts.items()}
            _replace(path / _SEEN, json.dumps(seen))
        if self.maker.used_go and not self.wanted.keep_go_cache and self.maker.drop_go_cache():
            self.progress("bundle: every part is stored, Go's own caches were removed")

    def _outputs(self, source: str, manifest: Manifest | None) -> dict[str, t.Any]:
        answer: dict[str, t.Any] = {
            "path": str(self.wanted.path),
            "architecture": self.wanted.architecture,
            "source": source,
            "kubernetes": list(manifest.kubernetes) if manifest else list(self.wanted.versions),
        }
        if manifest is not None:
            answer["parts"] = [part.as_dict() for part in manifest.parts]
            answer["size"] = sum({part.sha256: part.size for part in manifest.parts}.values())
        return answer


class _Told:
    """Tells when work begins to be long, and how it ended."""

    def __init__(self, title: str, progress: t.Callable[[str], None]) -> None:
        self.title = title
        self.progress = progress
        self._reported = reported(title, progress)
        self._begun = 0.0
        self._how: list[str] = []

    def __enter__(self) -> list[str]:
        self._begun = time.monotonic()
        self._reported.__enter__()
        return self._how

    def __exit__(self, kind: t.Any, value: t.Any, trace: t.Any) -> None:
        self._reported.__exit__(kind, value, trace)
        if kind is None:
            self.progress(f"{self.title}: {''.join(self._how)} in {time.monotonic() - self._begun:.0f} s")


def _mode(part: Artifact) -> int:
    return 0o755 if part.kind == "binary" else 0o644


def _seen(path: Path) -> dict[str, t.Any]:
    try:
        seen = json.loads((path / _SEEN).read_text(encoding="utf-8"))
        return seen if isinstance(seen, dict) else {}
    except (OSError, ValueError):
        return {}


def _stamp(path: Path) -> list[t.Any] | None:
    try:
        status = path.stat()
        return [status.st_size, status.st_mtime_ns]
    except OSError:
        return None


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.partial-{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
