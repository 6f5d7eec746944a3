package probe

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Classes of errors, as the label class has them.
const (
	classStuck        = "stuck"         // an operation took longer than Config.Timeout
	classNotMounted   = "not_mounted"   // no fuse.glusterfs mount at the path
	classNoSpace      = "no_space"      // ENOSPC, or EDQUOT of a quota
	classReadOnly     = "read_only"     // EROFS: of the mount, or of features.read-only
	classNotConnected = "not_connected" // ENOTCONN: the client process is gone, or too few bricks are connected, for a quorum too
	classMismatch     = "mismatch"      // what was read back, or its size, is not what was written
	classIO           = "io"            // EIO, as of files in split-brain
	classPermission   = "permission"    // EACCES or EPERM, or what is not the prober's lies in its place
	classOther        = "other"
)

func classes() []string {
	return []string{
		classStuck, classNotMounted, classNoSpace, classReadOnly, classNotConnected, classMismatch, classIO, classPermission, classOther,
	}
}

var (
	errNotMounted = errors.New("no GlusterFS is mounted there")
	errMismatch   = errors.New("not what was written")
)

func classOf(err error) string {
	for _, c := range []struct {
		err   error
		class string
	}{
		{errNotMounted, classNotMounted},
		{errMismatch, classMismatch},
		{errForeign, classPermission},
		{unix.ENOSPC, classNoSpace},
		{unix.EDQUOT, classNoSpace},
		{unix.EROFS, classReadOnly},
		{unix.ENOTCONN, classNotConnected},
		{unix.EIO, classIO},
		{unix.EACCES, classPermission},
		{unix.EPERM, classPermission},
	} {
		if errors.Is(err, c.err) {
			return c.class
		}
	}
	return classOther
}
