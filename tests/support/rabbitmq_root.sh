#!/bin/sh
# Becomes a command of the RabbitMQ that is installed in ROOT, a folder that
# holds a Debian of its own; an empty ROOT is this system. Its process id is the
# command's, and its environment is kept.
#
#   rabbitmq_root.sh ROOT COMMAND...
#
# The command sees this system's folder of temporary files, /dev and /proc, by
# mounts that go with it, and shares the network.

root=$1
shift
[ -n "$root" ] || exec "$@"
# Debian's debootstrap makes none, and the name server of a closed network may
# take a minute to say that it does not know localhost.
[ -e "$root/etc/hosts" ] || cp /etc/hosts "$root/etc/hosts"
tmp=${TMPDIR:-/tmp}
export tmp
# shellcheck disable=SC2016 # what is quoted is the inner shell's
exec unshare --mount --propagation private sh -c '
  root=$1
  shift
  mount --rbind /dev "$root/dev" && mount -t proc proc "$root/proc" || exit
  mkdir -p "$root$tmp" && mount --bind "$tmp" "$root$tmp" || exit
  unset tmp
  exec chroot "$root" "$@"' sh "$root" "$@"
