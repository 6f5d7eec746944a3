#!/bin/sh -e
# Prints what systemd takes for the mounts of tree.sh: record.sh [ROOT], where ROOT is the root of another Debian. Run it as root
# with "unshare --mount --propagation private", which keeps the machine as it is. systemd tests its configuration for another user
# than root only.
here=$(cd "$(dirname "$0")" && pwd)
top=$(mktemp -d)
mount -t tmpfs tmpfs "$top"
mkdir "$top/upper" "$top/work" "$top/root"
mount -t overlay overlay -o "lowerdir=${1:-/},upperdir=$top/upper,workdir=$top/work" "$top/root"
mount -t tmpfs -o mode=755 tmpfs "$top/root/run"
mount --rbind /proc "$top/root/proc"
mount --rbind /dev "$top/root/dev"
mount --rbind /sys "$top/root/sys"
mount -t tmpfs -o mode=1777 tmpfs "$top/root/tmp"
rm -rf "$top/root/etc/fstab"
sh "$here/tree.sh" "$top/root"
chroot "$top/root" setpriv --reuid 65534 --regid 65534 --clear-groups /lib/systemd/systemd --test --system --log-target=console --unit=multi-user.target 2>&1 |
	awk '/^\t*[^ \t]+ Unit [^ ]+:$/{unit = $3; show = unit ~ /^(plain|client|masked|empty|dangling|runtime|linked|package|size|own|other)[^ ]*mount:$/; if (show) print unit}
	show && /^\t+(Unit Load State|Fragment Path|DropIn Path):/{sub(/^\t+/, "\t"); sub(/\/tmp\/systemd-temporary-[^\/]*\//, "/run/systemd/"); print}'
