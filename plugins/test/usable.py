# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an access to a cluster can be used still."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.kube.token import moment

DOCUMENTATION = r"""
name: usable
short_description: Whether an access to a cluster is there and has not ended
version_added: 0.1.0
description:
  - True for an access, as the role C(access) hands it on, that has not ended yet.
  - False where there is none, since a run may take longer than its access lasts.
options:
  _input:
    description: The access, a mapping with C(expires), or nothing. One without C(expires) does not end.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Access to what has none, or whose access has ended meanwhile
  ansible.builtin.include_role:
    name: lodestar.platform.access
  when: lodestar_access is not lodestar.platform.usable
"""

RETURN = r"""
_value:
  description: Whether the access can be used.
  type: bool
"""


def usable(access: t.Mapping[str, t.Any] | None) -> bool:
    """Whether an access is there and has not ended."""
    if not access:
        return False
    end = access.get("expires")
    return not end or moment(str(end)) > datetime.datetime.now(datetime.UTC)


class TestModule:
    """The tests of this file."""

    def tests(self) -> dict[str, t.Callable[..., bool]]:
        """Name and function of each."""
        return {"usable": usable}
