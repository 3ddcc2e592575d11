#!/usr/bin/env bash
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Installs the system packages that are missing, with the argument `browser` those of a browser as well, which only tests
# of the fleet report need. Docker is not among them: the testbed sees to it.
set -euo pipefail

missing=()
want() { # want PACKAGE TEST...: PACKAGE is missing unless TEST succeeds
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

want git git --version
want openssh-client ssh -V
want debootstrap command -v debootstrap
want iproute2 command -v ip
want iptables command -v iptables
want gcc command -v gcc
want libc6-dev test -e /usr/include/stdio.h
want libseccomp-dev test -e /usr/include/seccomp.h
want pkg-config command -v pkg-config
want python3-venv python3 -c 'import ensurepip, venv'
want ca-certificates test -s /etc/ssl/certs/ca-certificates.crt
if [ "${1-}" = browser ]; then
    want chromium command -v chromium
    want fonts-dejavu-core test -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
fi

[ "${#missing[@]}" -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "Missing: ${missing[*]} (Debian's names). Install what your system calls them, then run make again." >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Missing: ${missing[*]}. Run: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --yes --no-install-recommends "${missing[@]}" >/dev/null
