# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An evaluator of the Common Expression Language, for the part of it that admission policies are written in.

It judges what already runs, which the API server does not: it judges requests. What it does not know it refuses when an
expression is compiled, so that it never guesses; tests hold each of its verdicts against a real API server's. Pure.
Private to the collection. https://github.com/google/cel-spec
"""
