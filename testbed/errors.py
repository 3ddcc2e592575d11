# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors that the person at the keyboard is meant to read."""

from __future__ import annotations


class TestbedError(Exception):
    """Something could not be done; the message says what, and what to do about it."""

    __test__ = False
