#!/bin/sh -e
# Makes below a directory the files of a machine whose mounts of /etc/fstab meet with other units.
mkdir -p "$1/etc/systemd/system" "$1/run/systemd/system" "$1/usr/local/lib/systemd/system"
for m in /plain /client /masked /empty /dangling /runtime /linked /package /size /own/a-b /other; do
	echo "n1:/server $m glusterfs defaults,_netdev 0 0"
done >"$1/etc/fstab"
unit() { printf '[Mount]\nWhat=localhost:/server\nWhere=/%s\nType=glusterfs\n' "$1"; }
cd "$1/etc/systemd/system"
unit client >client.mount
ln -s /dev/null masked.mount
: >empty.mount
ln -s /opt/missing.mount dangling.mount
unit linked >../linked.file
ln -s ../linked.file linked.mount
unit runtime >../../../run/systemd/system/runtime.mount
unit package >../../../usr/local/lib/systemd/system/package.mount
mkdir size.mount.d own-.mount.d other.mount.d mount.d
printf '[Mount]\n# a comment\nOptions=size=16m\n' >size.mount.d/size.conf
printf '[Unit]\nConditionPathExists=/never\n' >own-.mount.d/condition.conf
printf '[Mount]\nTimeoutSec=3\n[Unit]\nAfter=network.target\n' >other.mount.d/timeout.conf
