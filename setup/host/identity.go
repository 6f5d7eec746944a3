package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// identity says which disk or image file a path means today. Paths such as
// /dev/vdb name another disk after a reboot with other disks.
type identity struct {
	Size    int64    `json:"size"`
	Stable  []string `json:"stable,omitempty"`  // what follows the disk wherever it is plugged in: serial numbers, its by-id links
	DiskSeq string   `json:"diskseq,omitempty"` // the kernel's count of disks, never used twice in one boot
	Boot    string   `json:"boot"`
	Inode   uint64   `json:"inode,omitempty"` // of an image file
	Born    string   `json:"born,omitempty"`  // when the image file was created
}

// same reports whether two identities are provably of one device. Size alone
// proves nothing.
func (a identity) same(b identity) bool {
	if a.Size != b.Size || a.Inode != b.Inode {
		return false
	}
	if a.Inode != 0 {
		return a.Born != "" && a.Born == b.Born
	}
	if a.Boot == b.Boot && a.DiskSeq != "" {
		return a.DiskSeq == b.DiskSeq && slices.Equal(parts(a.Stable), parts(b.Stable))
	}
	return len(a.Stable) > len(parts(a.Stable)) && slices.Equal(a.Stable, b.Stable)
}

// parts are those of the stable names that tell partitions of one disk apart
// and say nothing about the disk.
func parts(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return !strings.HasPrefix(s, "start ") })
}

// identify finds out which disk or image file the device is.
func (d device) identify() (identity, error) {
	id := identity{Boot: bootID()}
	if d.rdev == 0 {
		var st unix.Statx_t
		if err := unix.Statx(unix.AT_FDCWD, d.path, 0, unix.STATX_BTIME|unix.STATX_INO|unix.STATX_SIZE, &st); err != nil {
			return id, fmt.Errorf("stat %s: %w", d.path, err)
		}
		id.Size, id.Inode = int64(st.Size), st.Ino //nolint:gosec // sizes fit
		if st.Mask&unix.STATX_BTIME != 0 {
			id.Born = fmt.Sprintf("%d.%09d", st.Btime.Sec, st.Btime.Nsec)
		}
		return id, nil
	}
	sys, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(d.rdev), unix.Minor(d.rdev)))
	if err != nil {
		return id, fmt.Errorf("identify %s: %w", d.path, err)
	}
	sectors := sysfs(sys, "size")
	if _, err := fmt.Sscan(sectors, &id.Size); err != nil {
		return id, fmt.Errorf("identify %s: size %q: %w", d.path, sectors, err)
	}
	id.Size *= 512
	disk := sys
	if sysfs(sys, "partition") != "" {
		disk = filepath.Dir(sys)
		id.Stable = append(id.Stable, "start "+sysfs(sys, "start"))
	}
	id.DiskSeq = sysfs(disk, "diskseq")
	for _, name := range []string{"wwid", "serial", "device/wwid", "device/serial", "device/vpd_pg83", "dm/uuid", "md/uuid"} {
		if v := sysfs(disk, name); v != "" {
			id.Stable = append(id.Stable, name+" "+v)
		}
	}
	id.Stable = append(id.Stable, links(d.rdev)...)
	slices.Sort(id.Stable)
	return id, nil
}

// links are the names that udev gives a disk after its serial number.
func links(rdev uint64) []string {
	var names []string
	for _, pattern := range []string{"/dev/disk/by-id/*", "/dev/disk/by-partuuid/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		for _, name := range found {
			var st unix.Stat_t
			// dm and md links come and go with what is on the disk.
			if unix.Stat(name, &st) == nil && st.Rdev == rdev && !strings.Contains(name, "/lvm-pv-uuid-") {
				names = append(names, name)
			}
		}
	}
	return names
}

func sysfs(dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // the system's own files
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(string(b), "\x00", ""), "?"))
}

func bootID() string {
	return sysfs("/proc/sys/kernel/random", "boot_id")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
