package gluster

import (
	"errors"
	"fmt"

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
