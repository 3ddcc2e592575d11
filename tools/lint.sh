#!/usr/bin/env bash
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs every linter, shows what each found, and fails if any did.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=()
check() { # check NAME COMMAND...
    local name=$1 begin=$SECONDS
    shift
    if "$@"; then
        printf -- '---- %s: ok (%d s)\n' "$name" $((SECONDS - begin))
    else
        printf -- '---- %s: FAILED (%d s)\n' "$name" $((SECONDS - begin))
        failed+=("$name")
    fi
}

check "ruff format" ruff format --check --quiet .
check "ruff" ruff check --quiet .
check "mypy" mypy
check "ansible-lint" ansible-lint --offline -q --nocolor
check "sanity" tools/sanity.sh

[ "${#failed[@]}" -eq 0 ] || { echo "lint: FAILED: ${failed[*]}"; exit 1; }
