# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the manifests of a task where Ansible finds files: in the role, then beside the playbook.

Private to the collection.
"""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleError
from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import InProcessAction


class SourceAction(InProcessAction):
    """In-process, with the paths of the argument C(src) made absolute."""

    def _arguments(self) -> dict[str, t.Any]:
        return self._with_absolute(super()._arguments())

    def _with_absolute(self, item: dict[str, t.Any]) -> dict[str, t.Any]:
        """Arguments, or an item of them, with the paths of their C(src) made absolute."""
        paths = item.get("src")
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            return item
        return {**item, "src": [self._absolute(path) for path in paths]}

    def _absolute(self, path: str) -> str:
        if os.path.isabs(path):
            return path
        # What comes before the first wildcard is what must exist.
        parts = path.split("/")
        fixed = next((place for place, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
        base, rest = "/".join(parts[:fixed]), parts[fixed:]
        try:
            find: t.Any = self._find_needle
            where = find("files", base) if base else self._loader.get_basedir()
        except AnsibleError:
            where = self._loader.path_dwim(base)  # which does not exist, and the operation says so
        return "/".join([where, *rest])


class ListedSourceAction(SourceAction):
    """Likewise, where every item of the argument C(deliveries) has a C(src), or a C(chart), of its own."""

    def _arguments(self) -> dict[str, t.Any]:
        found = super()._arguments()
        return {**found, "deliveries": [self._with_chart(self._with_absolute(item)) for item in found["deliveries"]]}

    def _with_chart(self, item: dict[str, t.Any]) -> dict[str, t.Any]:
        """An item with the paths of its chart made absolute."""
        chart = item.get("chart")
        if not isinstance(chart, dict):
            return item
        found = self._with_paths(chart)
        for key in ("source", "ca_file"):
            path = found.get(key)
            if isinstance(path, str) and path and "://" not in path:
                found[key] = self._absolute(path)
        values = found.get("cluster_values")
        if isinstance(values, list):
            found["cluster_values"] = [self._with_paths(one) if isinstance(one, dict) else one for one in values]
        return {**item, "chart": found}

    def _with_paths(self, part: dict[str, t.Any]) -> dict[str, t.Any]:
        """A copy of a mapping with absolute paths in C(values_files)."""
        files = part.get("values_files")
        if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
            return dict(part)
        return {**part, "values_files": [self._absolute(file) for file in files]}
