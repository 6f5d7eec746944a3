package cluster

import "regexp"

// The forms of names and values, for the JSON Schema and for Parse, which
// explains what they refuse and refuses some more.
const (
	// hostNamePattern is a lower case host name of RFC 1123; hostNameProblem
	// explains what it refuses and refuses some more.
	hostNamePattern = `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`

	// volumeNamePattern is what gluster volume create takes.
	volumeNamePattern = `^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$`

	// pathPattern is an absolute path that fstab, systemd and the gluster command
	// all carry without quoting.
	pathPattern = `^(/[A-Za-z0-9._+@-]+)+$`

	// sizePattern is what a size in the file may look like.
	sizePattern = `^[1-9][0-9]*[kKmMgGtT]?$`

	// devicePattern is a device as the file may have it. Paths below /dev may
	// contain what udev puts into its links, except backslashes.
	devicePattern = `^(/dev(/[A-Za-z0-9._+@:=#-]+)+|UUID=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|LABEL=[A-Za-z0-9._+-]{1,16}|(/[A-Za-z0-9._+@-]+)+)$`

	// schedulePattern is a part of what systemd takes as OnCalendar.
	schedulePattern = `^(daily|weekly|monthly|((Mon|Tue|Wed|Thu|Fri|Sat|Sun)(,(Mon|Tue|Wed|Thu|Fri|Sat|Sun))* )?([01][0-9]|2[0-3]):[0-5][0-9])$`

	// optionPattern is the full name of a volume option.
	optionPattern = `^[a-z0-9][a-z0-9_-]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)+$`
)

// Compiled once and never changed.
var (
	hostNameRE     = regexp.MustCompile(hostNamePattern)
	volumeNameRE   = regexp.MustCompile(volumeNamePattern)
	pathRE         = regexp.MustCompile(pathPattern)
	sizeRE         = regexp.MustCompile(sizePattern)
	deviceRE       = regexp.MustCompile(devicePattern)
	scheduleRE     = regexp.MustCompile(schedulePattern)
	optionRE       = regexp.MustCompile(optionPattern)
	endsInNumber   = regexp.MustCompile(`(^|\.)[0-9]+$`)
	notForPaths    = regexp.MustCompile(`[^A-Za-z0-9._+@/-]`)
	notForFstab    = regexp.MustCompile(`[^!-~]|["'\\#]`)
	longUnit       = regexp.MustCompile(`(?i)^([1-9][0-9]*) *([kmgt])i?b$`)
	negativeNumber = regexp.MustCompile(`^-[0-9]+$`)
)
