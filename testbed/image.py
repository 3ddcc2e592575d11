# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disk image that machines start from: Debian with systemd and sshd, and nothing of Kubernetes or of a runtime."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

import docker
import docker.errors

from . import apt
from .errors import TestbedError

Say = t.Callable[[str], None]

REPOSITORY = "lodestar-testbed"
#: Not /tmp, which may be in memory.
_WORK = "/var/tmp"  # noqa: S108 - the names in it are unpredictable
SUITE = "bookworm"
PACKAGES = (
    "systemd", "systemd-sysv", "openssh-server", "python3", "sudo", "iproute2", "iptables", "nftables", "ipset",
    "conntrack", "ethtool", "socat", "kmod", "procps", "ca-certificates", "libseccomp2",
)  # fmt: skip
#: Units that reach for the host's kernel, need hardware, or wake up for work that a short-lived machine has no use for.
MASKED = (
    "systemd-udevd.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket",
    "systemd-udev-trigger.service", "systemd-modules-load.service", "systemd-logind.service",
    "systemd-timesyncd.service", "getty.target", "console-getty.service", "apt-daily.timer", "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
)  # fmt: skip
ENTRY = "/usr/local/sbin/testbed-entry"
#: Written into the image: path -> content.
FILES = {
    "/etc/ssh/sshd_config.d/testbed.conf": "PermitRootLogin prohibit-password\nPasswordAuthentication no\nUseDNS no\n",
    "/etc/systemd/journald.conf.d/testbed.conf": "[Journal]\nSystemMaxUse=64M\n",
}
#: Removed: what belongs to one machine, what only costs room, and kernel settings that would reach the host.
REMOVED = (
    "etc/hostname", "etc/hosts", "etc/resolv.conf", "var/cache/apt/*", "var/cache/apt/archives/*.deb",
    "var/lib/apt/lists/*", "usr/share/doc/*", "usr/lib/sysctl.d/*", "etc/sysctl.conf", "etc/sysctl.d/*",
    "usr/share/man/*", "usr/share/locale/*", "etc/ssh/ssh_host_*", "var/log/*.log", "var/log/apt/*",
)  # fmt: skip


def _entry_script() -> bytes:
    return (Path(__file__).parent / "files" / "entry.sh").read_bytes()


def tag() -> str:
    """The image's tag, made of everything that determines its content."""
    recipe = json.dumps([SUITE, PACKAGES, MASKED, ENTRY, FILES, REMOVED, _entry_script().decode()])
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def reference() -> str:
    """The image of this recipe: repository and tag."""
    return f"{REPOSITORY}:{tag()}"


def ensure(client: docker.DockerClient, say: Say, lock: int) -> str:
    """Builds the image unless it is there. Returns its reference.

    :param lock: descriptor of the lock of image builds, which the caller holds. What the build starts holds it too, so
        that what a killed build leaves running is not disturbed.
    """
    name = reference()
    if client.images.list(name=name):
        return name
    apt.ensure_programs({"debootstrap": "debootstrap", "tar": "tar"}, say)
    mirror = apt.debian_mirror(apt.host_sources(), SUITE)
    if mirror is None:
        raise TestbedError("apt's sources name no Debian archive; add one, or give the image " + name + " to Docker")
    say(f"building the machines' image {name} from {mirror}; this takes about two minutes")
    for stale in Path(_WORK).glob(f"{REPOSITORY}-*"):
        # A build that was killed left it; ours is the lock.
        _discard(stale)
    work = Path(tempfile.mkdtemp(prefix=f"{REPOSITORY}-", dir=_WORK))
    try:
        root, archive = work / "root", work / "image.tar"
        _bootstrap(root, mirror, lock)
        _customise(root)
        _run(["tar", "--numeric-owner", "--xattrs", "-C", str(root), "-cf", str(archive), "."])
        changes = [f'CMD ["{ENTRY}"]', f"LABEL {REPOSITORY}={tag()}"]
        client.api.import_image_from_file(str(archive), repository=REPOSITORY, tag=tag(), changes=changes)
    finally:
        _discard(work)
    return name


def remove(client: docker.DockerClient, say: Say) -> None:
    """Removes every image that the testbed has built and that no container uses."""
    for image in client.images.list(name=REPOSITORY):
        for name in image.tags:
            try:
                client.images.remove(name)
                say(f"removed the image {name}")
            except docker.errors.APIError as exc:
                say(f"kept the image {name}: {exc.explanation}")


def _discard(work: Path) -> None:
    """Removes a build's directory, and first the mounts that a debootstrap which was killed has left in it."""
    inside = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mountpoint in sorted((item for item in inside if item.startswith(f"{work}/")), reverse=True):
        _run(["umount", "--lazy", mountpoint])
    shutil.rmtree(work, ignore_errors=True)


def _bootstrap(root: Path, mirror: str, lock: int) -> None:
    command = ["debootstrap", "--variant=minbase", "--include=" + ",".join(PACKAGES), SUITE, str(root), mirror]
    # A missing /usr/sbin on PATH makes debootstrap's chroot fail late.
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    _run(command, env={**os.environ, "PATH": path, "DEBIAN_FRONTEND": "noninteractive"}, inherited=(lock,))


def _customise(root: Path) -> None:
    for pattern in REMOVED:
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name, content in FILES.items():
        file = root / name.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    entry = root / ENTRY.lstrip("/")
    entry.write_bytes(_entry_script())
    entry.chmod(0o755)
    for unit in MASKED:
        link = root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    (root / "etc/machine-id").write_text("")


def _run(command: list[str], env: t.Mapping[str, str] | None = None, inherited: tuple[int, ...] = ()) -> None:
    out = subprocess.PIPE
    done = subprocess.run(command, env=env, stdout=out, stderr=subprocess.STDOUT, text=True, pass_fds=inherited)
    if done.returncode:
        raise TestbedError(f"{command[0]} failed ({done.returncode}):\n{done.stdout[-3000:]}")
