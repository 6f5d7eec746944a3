# The first process of a node: gives it a root of its own, then waits for the end of
# its standard input, which the test holds open. When the test ends, however it ends,
# this process ends, and with it all processes, mounts and interfaces of the node.
# Runs in new mount, PID, network, UTS and IPC namespaces.
# Arguments: name of the node, size of what it may write, "hide" or "keep" geo-replication,
# root file system to show, directories shared with the machine.
set -eu
name=$1 size=$2 georep=$3 root=$4
shift 4

mount --make-rprivate /
# What the node writes lands in this tmpfs, over a read-only view of the root file system.
mount -t tmpfs -o "size=$size,mode=0755" tmpfs /run
mkdir /run/upper /run/work /run/root
mount -t overlay -o "lowerdir=$root,upperdir=/run/upper,workdir=/run/work" overlay /run/root
cd /run/root
for dir in "$@"; do
	mkdir -p ".$dir"
	mount --bind "$dir" ".$dir"
done
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=0755 tmpfs run
mkdir -p run/lock run/gluster var/lib/glusterd var/log/glusterfs etc/glusterfs mnt bricks
# GlusterFS refuses bricks on a root file system.
mount -t tmpfs -o "size=$size,mode=0755" tmpfs bricks
# Nothing that a glusterd of the machine left behind.
find var/lib/glusterd -mindepth 1 -maxdepth 1 ! -name hooks -exec rm -rf {} +
find var/log/glusterfs run/gluster -mindepth 1 -delete
# Both glusterd, when it starts, and every gluster command run gsyncd, a Python program, for geo-replication.
if [ "$georep" = hide ]; then
	rm -f usr/lib*/glusterfs/gsyncd usr/lib*/*/glusterfs/gsyncd usr/libexec/glusterfs/gsyncd
fi
rm -f etc/resolv.conf
: >etc/resolv.conf
: >etc/fstab
echo "$name" >etc/hostname
echo "$name" >proc/sys/kernel/hostname
# Leave the machine's mounts, so that this node keeps none of them busy. In a chroot,
# where that is not possible, they stay out of sight.
if pivot_root . mnt 2>/dev/null; then
	cd /
	umount -l /mnt
	set -- /bin/bash
else
	set -- chroot . /bin/bash
fi
# bash as first process reaps what it inherits.
exec "$@" -c 'echo ready; while read -r _; do :; done'
