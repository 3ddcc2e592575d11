# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bundles made of small files, for tests that are not about building."""

from __future__ import annotations

import contextlib
import functools
import threading
import typing as t
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ansible_collections.lodestar.platform.plugins.module_utils.bundle import catalog, manifest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.maker import identities
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context, Operation
from ansible_collections.lodestar.platform.plugins.modules import bundle

VERSION = "1.36.3"


def make_bundle(root: Path, versions: t.Sequence[str] = (VERSION,), recipe: str = "") -> manifest.Manifest:
    """A complete bundle as this catalog makes it, with a few bytes in place of each artifact."""
    table = catalog.units(versions)
    known = identities(table, "amd64")
    parts = []
    for unit in table:
        for output in unit.outputs:
            content = f"{unit.name} {output.file if output.kind != 'binary' else ''}\n".encode()
            path = root / output.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            parts.append(
                manifest.Artifact(
                    name=output.name,
                    version=unit.version,
                    kind=output.kind,
                    path=output.path,
                    size=len(content),
                    sha256=manifest.sha256_of(path),
                    source="a test",
                    purpose=output.purpose,
                    kubernetes=unit.kubernetes,
                    recipe=recipe or next(iter(known[unit.name])),
                )
            )
    made = manifest.Manifest(root, "amd64", tuple(versions), tuple(parts))
    (root / manifest.FILE).write_text(manifest.render(made))
    return made


def run(check_mode: bool = False, environ: t.Mapping[str, str] | None = None, **params: t.Any) -> dict[str, t.Any]:
    """The module's result for these arguments, the others at their defaults."""
    operation: Operation = bundle.OPERATION
    defaults = {name: spec.get("default") for name, spec in operation.arguments.items()}
    lines: list[str] = []
    context = Context(environ={"PATH": "/nonexistent", **(environ or {})}, progress=lines.append)
    answer = operation.execute({**defaults, "kubernetes_versions": [VERSION], **params}, context, check_mode)
    return {**answer, "said": lines}


def files(root: Path) -> dict[str, bytes]:
    """Content by path of every file below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> t.Iterator[str]:
    """The folder on a web server; yields its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
