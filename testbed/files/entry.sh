#!/bin/bash
# The first process of a machine: makes a container look like the host it stands for, then becomes systemd.
# TESTBED_GATEWAY: the address of the machine's default route.
set -u

mount -o remount,bind,rw /sys 2>/dev/null || mount -o remount,rw /sys
awk '$5 ~ "^/sys/fs/cgroup" {print $5}' /proc/self/mountinfo | while read -r mountpoint; do
  mount -o remount,bind,rw "$mountpoint" 2>/dev/null
done
mount --make-rshared /
[ -e /dev/kmsg ] || mknod /dev/kmsg c 1 11

# Docker mounts these three over the machine's own files; a host's are ordinary files that can be replaced by rename.
# Docker's name server (127.0.0.11) would make CoreDNS forward to itself.
for name in hosts hostname resolv.conf; do
  mountpoint -q "/etc/$name" || continue
  content=$(cat "/etc/$name")
  umount "/etc/$name"
  [ "$name" != resolv.conf ] || content='nameserver 192.0.2.53'
  [ -s "/etc/$name" ] || printf '%s\n' "$content" > "/etc/$name"
done

# Hosts have a default route, and sockets to service addresses need one. It leads to a network that lets nothing out.
ip route replace default via "$TESTBED_GATEWAY"
# The name server above is in a documentation range: asking it fails at once rather than after a timeout.
ip route replace unreachable 192.0.2.0/24

ssh-keygen -q -A
exec /lib/systemd/systemd --log-target=journal --show-status=false
