# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mirror is the one that the host's own package sources name."""

from __future__ import annotations

import pytest

from testbed.apt import debian_mirror

DEB822 = """# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm
 bookworm-updates
Components: main contrib

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([DEB822], "http://mirror.example/debian"),
        (["deb [signed-by=/k arch=amd64] http://a.example/debian bookworm main"], "http://a.example/debian"),
        (["# deb http://a.example/debian bookworm main\ndeb http://b.example/x bookworm main"], "http://b.example/x"),
        (["deb http://tools.example/apt stable main", DEB822], "http://mirror.example/debian"),
        (["deb http://tools.example/apt bookworm tools"], None),
        ([DEB822.replace("Types", "Enabled: no\nTypes")], None),
        # Another release of Debian: its archive has all suites.
        (["deb http://c.example/debian/ trixie main"], "http://c.example/debian/"),
        (["deb http://archive.example/ubuntu noble main"], None),
        ([], None),
    ],
)
def test_mirror(texts: list[str], expected: str | None) -> None:
    assert debian_mirror(texts, "bookworm") == expected
