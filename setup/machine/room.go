package machine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// leastRoom is what glusterd needs to store a change of a volume and its volfiles, in bytes.
const leastRoom = 64 << 10

// Full says that the file system of a directory has no room left, or "".
func Full(dir string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return ""
	}
	free := st.Bfree * uint64(st.Bsize) //nolint:gosec // block sizes are positive; what is kept for root is glusterd's, too
	switch {
	case free < leastRoom:
		return fmt.Sprintf("the file system of %s on this node is full (%d KiB free), so glusterd stores no change", dir, free>>10)
	case st.Files > 0 && st.Ffree == 0:
		return fmt.Sprintf("the file system of %s on this node has no inodes left, so glusterd stores no change", dir)
	}
	return ""
}
