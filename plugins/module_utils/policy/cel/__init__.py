# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An evaluator of the Common Expression Language, for the part of it that admission policies are written in.

It judges what already runs, which the API server does not: it judges requests. What it does not know it refuses when an
expression is compiled, so that it never guesses; tests hold each of its verdicts against a real API server's.

No library is used, since none fits: cel-python (0.5 was tried) cannot parse optional fields (C(object.?spec), C([?0])),
which the library's policies are written with, has none of Kubernetes' functions, and finds an unknown function only
when it gets there. Pure. Private to the collection. https://github.com/google/cel-spec
"""
