# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and directories that only root may read. Reads only. Private to the collection."""

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
}
#: A disk of its own is there before etcd is, which makes its directory only where there is none.
_CONTROL_PLANE = {paths.ETCD_DATA: 0o700}


def loose(member: bool, control_plane: bool) -> t.Iterator[tuple[str, int, int]]:
    """Path, mode and the mode that it should have, of each that allows more.

    :param member: the machine belongs to a cluster, so that there is what kubeadm has written.
    :param control_plane: the machine is or will be one.
    """
    for pattern, most in ((_MOST if member else {}) | (_CONTROL_PLANE if control_plane else {})).items():
        for path in sorted(glob.glob(pattern)):
            mode = host.mode_of(path)
            if mode is not None and mode & ~most:
                yield path, mode, most
