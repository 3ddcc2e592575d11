# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans a bundle directory: what it lacks, and from where each part will come. Private to the collection."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
from dataclasses import replace
from pathlib import Path

from ..errors import InvalidInput, PlatformError, Problem
from ..operation import Context
from ..plan import Plan, Step
from . import manifest as manifests
from .catalog import units
from .maker import Maker, identities
from .manifest import Artifact, Manifest
from .observed import State, observe, write
from .process import reported
from .pull import Puller, Sources
from .recipes import Archive, GoBuild, ModuleFiles, Output, RegistryImages, ReleaseFiles, Unit
from .sources import Mirror, Releases, link, put
from .store import Built, locked
from .wanted import Wanted, check, in_order

#: An artifact and the unit that it comes from.
Piece = tuple[Unit, Output]


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Plans the bundle that the arguments describe; the module's documentation tells what they mean."""
    wanted = check(params, context.environ)
    return _Assembly(wanted, observe(wanted.path, wanted.architecture, wanted.verify), context).plan()


class _Assembly:
    """One run: turns a wanted bundle and its state into steps, and carries them out."""

    def __init__(self, wanted: Wanted, state: State, context: Context) -> None:
        self.wanted = wanted
        self.state = state
        self.progress = context.progress
        self.table = units(wanted.versions)
        self.pieces: list[Piece] = [(unit, output) for unit in self.table for output in unit.outputs]
        releases = Releases(wanted.upstream if wanted.source in ("auto", "upstream") else {})
        puller = Puller(wanted.images if wanted.source in ("auto", "upstream") else Sources(), wanted.architecture)
        self.maker = Maker(self.table, wanted.cache, wanted.architecture, releases, puller, context.environ)
        self.maker.must_use_upstream = wanted.source == "upstream"
        self.warnings: list[str] = []
        self.fresh: dict[str, Artifact] = {}
        self.total = 0
        self.begun = 0

    def plan(self) -> Plan:
        mirror, theirs = self._mirror()
        stale = self._stale(theirs)
        if mirror is not None and theirs is not None:
            source, steps = "mirror", [self._fetch_step(mirror, theirs, piece) for piece in stale]
        else:
            source, steps = "build", self._made(stale)
        source = source if steps else "present"
        self.total = len(steps)
        if steps or not set(self.wanted.versions) <= set(self.state.versions):
            steps.append(self._manifest_step())
        return Plan(
            steps=steps,
            outputs=self._outputs(source, None if steps else self.state.manifest),
            finish=lambda: self._outputs(source, manifests.load(self.wanted.path)),
            warnings=self.warnings,
        )

    # What is to be done

    def _mirror(self) -> tuple[Mirror | None, Manifest | None]:
        """The mirror and its manifest, when artifacts are to come from there."""
        asked = self.wanted.source
        if not self.wanted.mirror or asked not in ("auto", "mirror") or (asked == "auto" and not self._stale(None)):
            return None, None
        mirror = Mirror(self.wanted.mirror)
        try:
            return mirror, self._usable(mirror)
        except PlatformError as exc:
            if asked == "mirror":
                raise
            self.warnings.append(f"the mirror is not used: {exc}")
            return None, None

    def _usable(self, mirror: Mirror) -> Manifest:
        """The mirror's manifest, if it is complete for what is wanted."""
        theirs = mirror.manifest()
        if theirs.architecture != self.wanted.architecture:
            architectures = f"{theirs.architecture}, not {self.wanted.architecture}"
            raise PlatformError(f"the mirror {mirror.shown} is for {architectures}")
        for version in self.wanted.versions:
            theirs.require(version)
        known = identities(self.table, self.wanted.architecture)
        for unit, output in self.pieces:
            part = theirs.part(output.name, unit.kubernetes)
            if self.wanted.source == "auto" and part.recipe not in known[unit.name]:
                raise PlatformError(f"{part.label} of the mirror {mirror.shown} is not what this release would make")
        return theirs

    def _stale(self, theirs: Manifest | None) -> list[Piece]:
        """What is missing, damaged, or not what this catalog (or a mirror that was asked for) gives."""
        known = identities(self.table, self.wanted.architecture)
        return [piece for piece in self.pieces if not self._current(piece, known, theirs)]

    def _current(self, piece: Piece, known: t.Mapping[str, t.Collection[str]], theirs: Manifest | None) -> bool:
        unit, output = piece
        part = self.state.part(unit, output)
        if part is None:
            return False
        if self.wanted.source == "auto":
            return part.recipe in known[unit.name]
        if theirs is not None:
            return part.sha256 == theirs.part(output.name, unit.kubernetes).sha256
        return part.recipe == self.maker.identity(unit)

    def _made(self, stale: t.Sequence[Piece]) -> list[Step]:
        """Steps that make what is stale; a refusal tells why other sources were passed over, too."""
        try:
            steps = self._make_steps(stale)
        except InvalidInput:
            raise
        except PlatformError as exc:
            if not self.warnings:
                raise
            raise PlatformError(f"{exc}; {'; '.join(self.warnings)}") from exc
        self.warnings += [f"upstream is not used: {reason}" for reason in self.maker.passed_over]
        return steps

    def _make_steps(self, stale: t.Sequence[Piece]) -> list[Step]:
        """One step a unit: those with stale artifacts, and those of their prerequisites that are not cached."""
        asked: dict[str, list[Output]] = {}
        for unit, output in stale:
            asked.setdefault(unit.name, []).append(output)
        needed = set(asked)
        cached: dict[str, bool] = {}
        for unit in reversed(self.table):
            if unit.name in needed:
                cached[unit.name] = self.maker.cached(unit) is not None
                needed |= set() if cached[unit.name] else set(self.maker.needs(unit))
        made = [unit for unit in self.table if unit.name in asked or (unit.name in needed and not cached[unit.name])]
        self._check_versions([unit for unit in made if not cached[unit.name]])
        return [self._make_step(unit, asked.get(unit.name, []), cached[unit.name]) for unit in made]

    def _check_versions(self, units_: t.Sequence[Unit]) -> None:
        """Refuses a Kubernetes version that cannot be built before anything else is built."""
        problems = []
        for unit in units_:
            recipe = self.maker.recipe(unit)
            if unit.kubernetes and isinstance(recipe, GoBuild):
                reason = self.maker.go.refusal(recipe.module, recipe.version)
                if reason:
                    remedy = "Take a version that was released, or one that the module proxy has"
                    problems.append(Problem("kubernetes_versions", unit.kubernetes, reason, remedy))
        if problems:
            raise InvalidInput(problems)

    def _make_step(self, unit: Unit, asked: list[Output], cached: bool) -> Step:
        def perform() -> None:
            with self._told(f"{unit.name} {unit.version}", "taken from the cache" if cached else "built"):
                self._make(unit, asked)

        source = "the cache" if cached else _origin(self.maker.recipe(unit))
        return self._step(f"part:{unit.name}", unit.version, (unit, asked[0]) if asked else None, source, perform)

    def _fetch_step(self, mirror: Mirror, theirs: Manifest, piece: Piece) -> Step:
        unit, output = piece
        part = theirs.part(output.name, unit.kubernetes)
        name = output.name + (f":{unit.kubernetes}" if unit.kubernetes else "")

        def perform() -> None:
            with self._told(f"{name} {part.version}", "fetched"):
                self._fetch(mirror, part, output)

        return self._step(f"part:{name}", part.version, piece, f"the mirror {mirror.shown}", perform)

    def _step(self, name: str, version: str, piece: Piece | None, source: str, perform: t.Callable[[], None]) -> Step:
        before = self.state.part(*piece) if piece else None
        return Step(
            id=name,
            action="update" if before else "create",
            target=str(self.wanted.path if piece else self.wanted.cache),
            description=f"take {name.removeprefix('part:')} {version} from {source}",
            before={"version": before.version, "source": before.source} if before else None,
            after={"version": version, "source": source},
            perform=perform,
        )

    def _manifest_step(self) -> Step:
        have = self.state.manifest
        return Step(
            id=f"file:{manifests.FILE}",
            action="update" if have else "create",
            target=str(self.wanted.path),
            description=f"write {manifests.FILE}",
            before={"kubernetes": list(have.kubernetes)} if have else None,
            after={"kubernetes": list(in_order([*self.state.versions, *self.wanted.versions]))},
            perform=self._write,
            wave=1,
        )

    # Doing it

    @contextlib.contextmanager
    def _told(self, title: str, how: str) -> t.Iterator[None]:
        self.begun += 1
        title = f"bundle [{self.begun}/{self.total}] {title}"
        begun = time.monotonic()
        with reported(title, self.progress):
            yield
        self.progress(f"{title}: {how} in {time.monotonic() - begun:.0f} s")

    def _fetch(self, mirror: Mirror, part: Artifact, output: Output) -> None:
        target = self.wanted.path / output.path
        twin = self._twin(part.sha256)
        if twin is not None:
            link(twin, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.partial-{os.getpid()}")
            mirror.fetch(part, temporary)
            temporary.chmod(_mode(output))
            temporary.replace(target)
        self.fresh[output.path] = replace(part, path=output.path)

    def _make(self, unit: Unit, asked: t.Sequence[Output]) -> None:
        """Makes a unit and copies its artifacts; a damaged cache entry is forgotten and made again once."""
        built = self.maker.make(unit)
        if self._copied(unit, asked, built):
            return
        self.maker.store.drop(self.maker.key(unit))
        built = self.maker.make(unit)
        if not self._copied(unit, asked, built):
            raise PlatformError(f"{unit.name} changes while it is copied from {built.folder}; is the disk in order?")

    def _copied(self, unit: Unit, asked: t.Sequence[Output], built: Built) -> bool:
        for output in asked:
            target = self.wanted.path / output.path
            part = _describe(unit, output, built, self.maker.identity(unit))
            twin = self._twin(part.sha256)
            if twin is not None:
                link(twin, target)
            elif put(built.folder / output.file, target, _mode(output)) != part.sha256:
                return False
            self.fresh[output.path] = part
        return True

    def _twin(self, digest: str) -> Path | None:
        """A file of the same content that this run has put into the bundle."""
        same = (self.wanted.path / path for path, part in self.fresh.items() if part.sha256 == digest)
        return next(same, None)

    def _write(self) -> None:
        """Merges what was made into the manifest, and removes files that no longer belong to the bundle."""
        path = self.wanted.path
        with locked(path / ".lock"):
            have = observe(path, self.wanted.architecture, False)
            versions = in_order([*have.versions, *self.wanted.versions])
            belong = {output.path for unit in units(versions) for output in unit.outputs}
            old = {part.path: part for part in (have.manifest.parts if have.manifest else ())}
            parts = tuple(part for place, part in {**old, **self.fresh}.items() if place in belong)
            write(path, Manifest(path, self.wanted.architecture, versions, parts))
            for place in set(old) - belong:
                (path / place).unlink(missing_ok=True)
        self.maker.store.prune()
        if self.maker.used_go and not self.wanted.keep_go_cache and self.maker.drop_go_cache():
            self.progress("bundle: every part is stored, and Go's own caches are removed")

    def _outputs(self, source: str, manifest: Manifest | None) -> dict[str, t.Any]:
        answer: dict[str, t.Any] = {
            "directory": str(self.wanted.path),  # not "path", to which AnsibleModule would add file attributes
            "architecture": self.wanted.architecture,
            "source": source,
            "kubernetes": list(manifest.kubernetes if manifest else self.wanted.versions),
        }
        if manifest is not None:
            answer["parts"] = [part.as_dict() for part in manifest.parts]
            answer["size"] = sum({part.sha256: part.size for part in manifest.parts}.values())
        return answer


def _describe(unit: Unit, output: Output, built: Built, identity: str) -> Artifact:
    size, digest = built.files[output.file]
    digests = built.digests if output.kind == "image" else {}
    return Artifact(
        name=output.name,
        version=unit.version,
        kind=output.kind,
        path=output.path,
        size=size,
        sha256=digest,
        source=built.source,
        purpose=output.purpose,
        kubernetes=unit.kubernetes,
        references=tuple(digests),
        digests=digests,
        recipe=identity,
    )


def _origin(recipe: t.Any) -> str:
    if isinstance(recipe, (GoBuild, ModuleFiles)):
        return "Go modules"
    if isinstance(recipe, Archive):
        return "its parts"
    if isinstance(recipe, RegistryImages):
        return "a registry"
    return "release files" if isinstance(recipe, ReleaseFiles) else "the operating system"


def _mode(output: Output) -> int:
    return 0o755 if output.kind == "binary" else 0o644
