# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declared objects from where operators keep them: inline, in files, directories and kustomizations.

What is read stands for all of a set, and what is missing of it would be deleted. So a source that gives nothing is
taken for one that failed, and refused by name. Private to the collection.
"""

from __future__ import annotations

import functools
import glob
import os
import typing as t
from pathlib import Path

from ..errors import InvalidInput, Problem
from .documents import MAX_TEXT, load_numbered
from .kustomize import KUSTOMIZATIONS, build

#: An object as it was read, and where it stands, for messages.
Sourced = tuple[str, t.Any]
_ENDINGS = (".yml", ".yaml", ".json")
_MAGIC = "*?["
_VAULT = "$ANSIBLE_VAULT;"
_FAILED = "Correct what made it, or leave it out; to declare nothing write objects: [] and prune_all: true"


def read_objects(value: t.Any, key: str = "objects") -> list[Sourced]:
    """The objects of the argument C(objects): a list of mappings or of YAML texts, a mapping, or a YAML text.

    :raises InvalidInput: a text is no YAML, or holds nothing.
    """
    if isinstance(value, str):
        return parse(value, key)
    if not isinstance(value, list):
        return [(key, value)]
    found: list[Sourced] = []
    for place, item in enumerate(value):
        where = f"{key}[{place}]"
        found += parse(item, where) if isinstance(item, str) else [(where, item)]
    return found


def parse(text: str, key: str) -> list[Sourced]:
    """The objects of a YAML or JSON text with any number of documents.

    :param key: what the text is called in messages.
    :raises InvalidInput: it is no YAML, or holds nothing.
    """
    if text.startswith(_VAULT):
        remedy = "Decrypt it where it is used: objects: \"{{ lookup('ansible.builtin.file', ...) }}\""
        raise InvalidInput([Problem(key, "(vault)", "is encrypted by ansible-vault", remedy)])
    documents = load_numbered(text, key)
    whole = [item for number, document in documents for item in _listed(document, key, number, len(documents) > 1)]
    if not whole:
        reason = "holds no object, and an empty text is taken for a template that failed"
        raise InvalidInput([Problem(key, "", reason, _FAILED)])
    return whole


def _listed(document: t.Any, key: str, number: int, several: bool) -> list[Sourced]:
    where = f"{key}, document {number}" if several else key
    if isinstance(document, list):
        return [(f"{where}[{place}]", item) for place, item in enumerate(document)]
    return [(where, document)]


def read_paths(paths: t.Sequence[str], environ: t.Mapping[str, str]) -> list[Sourced]:
    """The objects of files, of directories with all below them, of globs, and of kustomizations.

    :param paths: absolute; a file that is named twice is read once.
    :raises InvalidInput: naming every path that does not exist, cannot be read, or gives no object.
    :raises PlatformError: a kustomization cannot be built.
    """
    problems: list[Problem] = []
    found: list[Sourced] = []
    seen: set[str] = set()
    for path in paths:
        try:
            for name in _matches(path):
                for place, read in _readers(name, environ):
                    if place not in seen:
                        seen.add(place)
                        found += read()
        except InvalidInput as wrong:
            problems += wrong.problems
    if problems:
        raise InvalidInput(problems)
    return found


def _matches(path: str) -> list[str]:
    if not os.path.isabs(path):
        raise _invalid(path, "is a relative path on a host where no playbook is", "Give an absolute path")
    if os.path.lexists(path) or not any(char in path for char in _MAGIC):
        return [path]
    matches = sorted(glob.glob(path, recursive=True))
    if not matches:
        raise _invalid(path, "matches no file", "Correct it, or leave it out")
    return matches


def _readers(path: str, environ: t.Mapping[str, str]) -> list[tuple[str, t.Callable[[], list[Sourced]]]]:
    """What is to be read for a path: each place by its real path, and how to read it."""
    if not os.path.isdir(path):
        return [(os.path.realpath(path), functools.partial(_file, path))]
    if _is_kustomization(path):
        return [(os.path.realpath(path), functools.partial(_kustomization, path, environ))]
    files = _files_below(path)
    if not files:
        raise _invalid(path, f"holds no file that ends in {', '.join(_ENDINGS)}", _FAILED)
    return [(os.path.realpath(file), functools.partial(_file, file)) for file in files]


def _files_below(folder: str) -> list[str]:
    """The manifests of a directory and all below it, by name. What begins with a dot is left out."""
    found: list[str] = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if here != folder and _is_kustomization(here):
            raise _invalid(here, f"is a kustomization inside the plain directory {folder}", "Give it in src by itself")
        found += [
            os.path.join(here, name) for name in files if not name.startswith(".") and name.lower().endswith(_ENDINGS)
        ]
    return sorted(found)


def _is_kustomization(folder: str) -> bool:
    return any(os.path.isfile(os.path.join(folder, name)) for name in KUSTOMIZATIONS)


def _file(path: str) -> list[Sourced]:
    try:
        if os.path.getsize(path) > MAX_TEXT:
            raise _invalid(path, f"is larger than {MAX_TEXT // 1024 // 1024} MiB", "Split it")
        return parse(Path(path).read_text(encoding="utf-8-sig"), path)
    except OSError as exc:
        raise _invalid(path, f"cannot be read: {exc.strerror}", "Correct the path or its permissions") from exc
    except UnicodeDecodeError as exc:
        raise _invalid(path, "is not UTF-8 text", "Save it as UTF-8") from exc


def _kustomization(path: str, environ: t.Mapping[str, str]) -> list[Sourced]:
    return parse(build(path, environ), f"kustomization {path}")


def _invalid(path: str, reason: str, remedy: str) -> InvalidInput:
    return InvalidInput([Problem("src", path, reason, remedy)])
