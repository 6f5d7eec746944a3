package cluster

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Options by which a brick gives its root directory an owner whenever it starts, and when they change.
const (
	optionOwnerUID = "storage.owner-uid"
	optionOwnerGID = "storage.owner-gid"
)

// DefaultMode is the mode of a volume's root directory where the file names none: GlusterFS's own.
const DefaultMode fs.FileMode = 0o755

const (
	ownerPattern = `^(0|[1-9][0-9]{0,8}):(0|[1-9][0-9]{0,8})$`
	modePattern  = `^[0-7]?7[0-7]{2}$`
)

var (
	ownerRE = regexp.MustCompile(ownerPattern)
	modeRE  = regexp.MustCompile(modePattern)
)

// RootMode returns the mode of the volume's root directory, and whether the file names one.
func (v Volume) RootMode() (mode fs.FileMode, named bool) {
	if !modeRE.MatchString(v.Mode) {
		return DefaultMode, false
	}
	bits, err := strconv.ParseUint(v.Mode, 8, 16)
	if err != nil {
		return DefaultMode, false
	}
	mode = fs.FileMode(bits).Perm()
	for bit, flag := range map[uint64]fs.FileMode{0o4000: os.ModeSetuid, 0o2000: os.ModeSetgid, 0o1000: os.ModeSticky} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode, true
}

// ownerOptions give the volume's root directory the owner that the file names. Nothing where it names none.
func ownerOptions(v Volume) []Option {
	uid, gid, named := strings.Cut(v.Owner, ":")
	if !named {
		return nil
	}
	const reason = "The owner that the cluster file gives the volume's root directory, on bricks that come back empty, too."
	return []Option{
		{Name: optionOwnerUID, Value: uid, Origin: OriginOwner, Reason: reason},
		{Name: optionOwnerGID, Value: gid, Origin: OriginOwner, Reason: reason},
	}
}

// owner checks owner and mode of a volume's root directory.
func (v validator) owner(what string, vol Volume, n *node) {
	if f := n.get("owner"); f != nil && !f.bad && !ownerRE.MatchString(vol.Owner) {
		v.r.at(f, fmt.Sprintf("%s: owner %q is not UID:GID", what, vol.Owner), "write two numbers, such as 33:33 for www-data of Debian (id www-data): a name may be another number on another machine")
	}
	if f := n.get("mode"); f != nil && !f.bad && !modeRE.MatchString(vol.Mode) {
		v.r.at(f, fmt.Sprintf("%s: mode %q is no mode of a directory whose owner may use it", what, vol.Mode), `write it as chmod takes it and in quotes, such as "0770", or "2770" to have its group kept`)
	}
	for _, name := range []string{optionOwnerUID, optionOwnerGID} {
		if own := n.get("options").get(name); own != nil && n.get("owner") != nil {
			v.r.atKey(own, fmt.Sprintf("%s: owner and %s say the same thing", what, name), "keep owner")
		}
	}
}

// Squashes reports whether options have a volume treat root of its clients as nobody.
func Squashes(options []Option) bool {
	for _, o := range options {
		if (o.Name == "server.root-squash" || o.Name == "server.all-squash") && isOn(o.Value) {
			return true
		}
	}
	return false
}
