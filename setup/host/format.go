package host

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
)

// mark is left in StateDir before a file system is made on a device that was
// proven blank, and removed when it is complete. It lets a run after a crash
// begin again, on two proofs only: what is on the device carries the UUID that
// we chose, or the device is provably the same and carries no signature at all.
type mark struct {
	Path     string   `json:"path"` // where the device was, for persons
	UUID     string   `json:"uuid"` // of the file system that was being made
	Fstype   string   `json:"fstype"`
	Identity identity `json:"identity"`

	file string
}

const markPrefix = "formatting-"

// marks reads all marks. A mark that cannot be read proves nothing.
func (h *Host) marks() ([]mark, error) {
	entries, err := os.ReadDir(h.StateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the marks of formats under way: %w", err)
	}
	var ms []mark
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), markPrefix) {
			continue
		}
		m := mark{file: filepath.Join(h.StateDir, e.Name())}
		b, err := os.ReadFile(m.file)
		if err != nil {
			return nil, fmt.Errorf("read the mark of a format under way: %w", err)
		}
		if json.Unmarshal(b, &m) == nil && m.UUID != "" {
			ms = append(ms, m)
		}
	}
	return ms, nil
}

// markOf returns the mark that proves what is on the device to be ours, or nil.
func (h *Host) markOf(d device, s deviceState) (*mark, error) {
	ms, err := h.marks()
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	id, err := d.identify()
	if err != nil {
		return nil, err
	}
	for _, m := range ms {
		if s.fstype != "" && s.uuid == m.UUID && s.fstype == m.Fstype || s.unknown && m.Identity.same(id) {
			return &m, nil
		}
	}
	return nil, nil //nolint:nilnil // no mark is the usual state
}

// forgetMarks plans the removal of marks of a device that is mounted: from now
// on its file system holds data.
func (h *Host) forgetMarks(d device) change.Plan {
	var p change.Plan
	ms, err := h.marks()
	if err != nil || len(ms) == 0 {
		return p
	}
	id, err := d.identify()
	if err != nil {
		return p
	}
	for _, m := range ms {
		if m.Identity.same(id) {
			p.Changes = append(p.Changes, change.Change{
				Part: change.Host, Object: m.file, Code: "device-format-mark", Action: "remove", Why: "the device that was being formatted is in use now: it must never be formatted again",
				Commands: []string{"rm " + m.file},
				Do:       func(context.Context) error { return removeMark(m) },
			})
		}
	}
	return p
}

func removeMark(m mark) error {
	if err := os.Remove(m.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return machine.SyncDir(filepath.Dir(m.file))
}

// mkfs is the command that makes the file system. Without again the programs
// look once more for signatures themselves.
func mkfs(fstype, path, id string, again bool, more ...string) []string {
	argv := []string{"mkfs." + fstype, "-q"}
	if fstype == "xfs" {
		argv = append(argv, "-m", "uuid="+id)
	} else {
		argv = append(argv, "-U", id)
	}
	switch {
	case fstype == "xfs" && again:
		argv = append(argv, "-f")
	case again:
		argv = append(argv, "-F")
	}
	return append(append(argv, more...), path)
}

// errChanged says that a device is no longer what the plan saw.
var errChanged = errors.New("it changed since the plan was made: nothing was written; run apply again")

// changed is errChanged of a device that is in this state now.
func (s deviceState) changed(d device) error {
	switch {
	case s.busy != "":
		return fmt.Errorf("format %s: %w (it is used by %s now)", d.path, errChanged, s.busy)
	case s.holds != "":
		return fmt.Errorf("format %s: %w (it holds %s now)", d.path, errChanged, strings.TrimSuffix(s.holds, ","))
	}
	return fmt.Errorf("format %s: %w", d.path, errChanged)
}

// format makes the file system on a blank device.
func (h *Host) format(m desired.BrickMount, d device, why string) change.Change {
	id := uuid.NewString()
	return change.Change{
		Part: change.Host, Object: d.path, Code: "device-format", Action: "format", Why: why,
		Commands: []string{"mkfs." + m.Fstype + " " + d.path},
		Do: func(ctx context.Context) error {
			// The plan may be minutes old.
			state, err := h.probe(ctx, d)
			if err != nil {
				return err
			}
			if !state.blank {
				return state.changed(d)
			}
			return h.makeFileSystem(ctx, m, d, id, false)
		},
	}
}

func (h *Host) makeFileSystem(ctx context.Context, m desired.BrickMount, d device, id string, again bool) error {
	ident, err := d.identify()
	if err != nil {
		return err
	}
	left := mark{Path: d.path, UUID: id, Fstype: m.Fstype, Identity: ident, file: filepath.Join(h.StateDir, markPrefix+id+".json")}
	text, err := json.MarshalIndent(left, "", "  ")
	if err != nil {
		return fmt.Errorf("leave a mark before formatting: %w", err)
	}
	if err := machine.WriteFile(left.file, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("leave a mark before formatting: %w", err)
	}
	if _, err := h.Exec(ctx, nil, mkfs(m.Fstype, d.path, id, again)...); err != nil {
		return err
	}
	if err := flush(d.path); err != nil {
		return err
	}
	return h.complete(d, id)
}

// complete removes the marks of a device whose file system is whole.
func (h *Host) complete(d device, id string) error {
	ms, err := h.marks()
	if err != nil {
		return err
	}
	ident, err := d.identify()
	if err != nil {
		return err
	}
	for _, m := range ms {
		if m.UUID == id || m.Identity.same(ident) {
			if err := removeMark(m); err != nil {
				return err
			}
		}
	}
	return nil
}

func flush(path string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the device or image that the cluster file names
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	return f.Sync()
}

// resume ends a format that was interrupted: a file system that is whole is
// kept, anything less is made anew.
func (h *Host) resume(m desired.BrickMount, d device, left mark) change.Change {
	return change.Change{
		Part: change.Host, Object: d.path, Code: "device-format", Action: "format again",
		Why:      "the machine or an earlier run stopped while the file system was being made on this device, which was blank; one that turns out to be whole is kept",
		Commands: []string{strings.Join(check(m.Fstype, d), " "), "mkfs." + m.Fstype + " " + d.path},
		Do: func(ctx context.Context) error {
			state, err := h.probe(ctx, d)
			if err != nil {
				return err
			}
			now, err := h.markOf(d, state)
			if err != nil {
				return err
			}
			if now == nil || now.file != left.file {
				return state.changed(d)
			}
			if state.fstype != "" {
				whole, err := h.whole(ctx, m, d, left)
				if err != nil {
					return err
				}
				if whole {
					return h.complete(d, left.UUID)
				}
			}
			return h.makeFileSystem(ctx, m, d, left.UUID, true)
		},
	}
}

func check(fstype string, d device) []string {
	switch {
	case fstype == "xfs" && d.rdev == 0:
		return []string{"xfs_repair", "-n", "-f", d.path}
	case fstype == "xfs":
		return []string{"xfs_repair", "-n", d.path}
	default:
		return []string{"e2fsck", "-f", "-n", d.path}
	}
}

// errUsed says that a file system may have been mounted since it was made.
var errUsed = errors.New("it carries a damaged file system that an earlier run made, and it cannot be proven that nobody has mounted it since: " +
	"mount or repair it by hand, or erase it with wipefs -a if its content may be lost, and run apply again")

// whole reports whether a file system with our UUID is complete. When it is
// not, it must be proven that it was never mounted: a file system that was, and
// is damaged, may hold data.
func (h *Host) whole(ctx context.Context, m desired.BrickMount, d device, left mark) (bool, error) {
	never, err := neverMounted(m.Fstype, d.path)
	if err != nil {
		return false, err
	}
	if never && m.Fstype == "xfs" {
		return false, nil // mkfs says so itself; xfs_repair would search the whole device
	}
	_, err = h.Exec(ctx, nil, check(m.Fstype, d)...)
	if err == nil {
		return true, nil
	}
	if machine.ExitCode(err) < 0 {
		return false, err
	}
	// Within one boot nothing mounts a device whose file system never was whole.
	if never || left.Identity.Boot == bootID() && left.Identity.Boot != "" {
		return false, nil
	}
	return false, fmt.Errorf("%s: %w", d.path, errUsed)
}

// neverMounted reads the proof from the superblock: XFS's flag that mkfs has
// not ended, with which the kernel refuses to mount (sb_inprogress, xfs_format.h),
// and ext4's count and time of mounts (s_mnt_count, s_mtime, ext4.h).
func neverMounted(fstype, path string) (bool, error) {
	f, err := os.Open(path) //nolint:gosec // the device or image that the cluster file names
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // read only
	b := make([]byte, 2048)
	if _, err := f.ReadAt(b, 0); err != nil {
		return false, fmt.Errorf("read the superblock of %s: %w", path, err)
	}
	if fstype == "xfs" {
		return b[126] == 1, nil
	}
	sb := b[1024:]
	return binary.LittleEndian.Uint32(sb[0x2c:]) == 0 && binary.LittleEndian.Uint16(sb[0x34:]) == 0, nil
}
