#!/bin/sh -e
# Prints what systemd takes for the mounts of tree.sh: run as root with "unshare --mount --propagation private", which keeps the
# machine as it is. systemd tests its configuration for another user than root only.
here=$(cd "$(dirname "$0")" && pwd)
top=$(mktemp -d)
mount -t tmpfs tmpfs "$top"
sh "$here/tree.sh" "$top/root"
mkdir "$top/work" "$top/lower" "$top/work2" && chmod 755 "$top"
mount -t overlay overlay -o "lowerdir=/usr/local/lib,upperdir=$top/root/usr/local/lib,workdir=$top/work" /usr/local/lib
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$top/root/etc,workdir=$top/work2" /etc
mount --bind "$top/root/run" /run
cd /
setpriv --reuid 65534 --regid 65534 --clear-groups "$(command -v systemd || echo /usr/lib/systemd/systemd)" --test --system --log-target=console --unit=multi-user.target 2>&1 |
	awk '/^\t*-> Unit /{unit = $3; show = unit ~ /^(plain|client|masked|empty|dangling|runtime|linked|package|folder|size|own|other)[^ ]*mount:$/; if (show) print unit}
	show && /^\t+(Unit Load State|Fragment Path|DropIn Path):/{sub(/^\t+/, "\t"); sub(/\/tmp\/systemd-temporary-[^\/]*\//, "/run/systemd/"); print}'
umount /run /etc /usr/local/lib
