# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines made of containers, for the quickstart and for tests. Not part of the collection's artifact.

A *fleet* is a set of machines in a network of its own, described by a definition file. To Ansible its machines are
hosts like any other: reached over SSH, with systemd, with their own disks. See ``python -m testbed --help``.
"""
