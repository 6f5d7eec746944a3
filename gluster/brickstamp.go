package gluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// XattrVolumeID is the extended attribute of a brick's directory with the UUID of its volume, set when the volume is created.
const XattrVolumeID = "trusted.glusterfs.volume-id"

// BrickVolumeID returns the UUID of the volume that a directory of this machine is a brick of, "" where it carries none, and "an unreadable id"
// where what it carries is no UUID. A symbolic link is not followed. Where there is no such directory, or its file system has no
// extended attributes, the error is that of lgetxattr(2). Needs CAP_SYS_ADMIN: without it every directory seems to carry none.
func BrickVolumeID(dir string) (string, error) {
	id := make([]byte, 16)
	n, err := unix.Lgetxattr(dir, XattrVolumeID, id)
	switch {
	case errors.Is(err, unix.ENODATA):
		return "", nil
	case errors.Is(err, unix.ERANGE), err == nil && n != len(id):
		return "an unreadable id", nil
	case err != nil:
		return "", fmt.Errorf("read %s of %s: %w", XattrVolumeID, dir, err)
	}
	return uuid.UUID(id).String(), nil
}

// BrickChanged returns when something below a brick's directory was last changed by a client, in seconds since 1970, 0 where nobody noted it: GlusterFS's marker
// notes it while a volume has, or had, a geo-replication session (trusted.glusterfs.VOLUMEID.xtime, two 32-bit numbers; xlators/features/marker/src/marker.c, 10.3).
func BrickChanged(dir, volumeID string) (seconds float64, err error) {
	name := "trusted.glusterfs." + strings.ToLower(volumeID) + ".xtime"
	value := make([]byte, 8)
	n, err := unix.Lgetxattr(dir, name, value)
	switch {
	case errors.Is(err, unix.ENODATA):
		return 0, nil
	case errors.Is(err, unix.ERANGE), err == nil && n != len(value):
		return 0, malformed("read", dir, fmt.Errorf("%s is no time", name))
	case err != nil:
		return 0, fmt.Errorf("read %s of %s: %w", name, dir, err)
	}
	return float64(binary.BigEndian.Uint32(value)) + float64(binary.BigEndian.Uint32(value[4:]))/1e6, nil
}
