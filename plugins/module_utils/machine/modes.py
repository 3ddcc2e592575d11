# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that only root may read, on a machine that belongs to a cluster. Reads only. Private to the collection."""

from __future__ import annotations

import glob
import typing as t

from . import host, paths

#: Patterns of files and directories, and the most that their modes may allow; what allows less is left as it is.
_MOST = {
    f"{paths.KUBERNETES}/*.conf": 0o600,
    f"{paths.MANIFESTS}/*.yaml": 0o600,
    f"{paths.PKI}/*.key": 0o600,
    f"{paths.PKI}/etcd/*.key": 0o600,
    f"{paths.SETTINGS}/*.yaml": 0o600,
    paths.KUBELET_CONFIG: 0o600,
    paths.ETCD_DATA: 0o700,
}


def loose() -> t.Iterator[tuple[str, int, int]]:
    """Path, mode and the mode that it should have, of each that allows more."""
    for pattern, most in _MOST.items():
        for path in sorted(glob.glob(pattern)):
            mode = host.mode_of(path)
            if mode is not None and mode & ~most:
                yield path, mode, most
