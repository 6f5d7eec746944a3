package gluster

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// xlatorPath is where a process of GlusterFS loads its translators from, such as /usr/lib/x86_64-linux-gnu/glusterfs/10.3/xlator/debug/io-stats.so.
var xlatorPath = regexp.MustCompile(`/glusterfs/([0-9]+\.[0-9][^/]*)/(?:xlator|rpc-transport|auth)/`)

// ProcessVersion returns the version of GlusterFS that a process of this node runs, such as "10.3", which is older than the installed
// one until the process is restarted. proc is where its /proc is found. Reading that of others needs CAP_SYS_PTRACE.
func ProcessVersion(proc string, pid int) (string, error) {
	const op = "find the version of process"
	f, err := os.Open(filepath.Join(proc, strconv.Itoa(pid), "maps")) //nolint:gosec // the kernel's own files
	if err != nil {
		return "", fmt.Errorf("%s %d: %w", op, pid, err)
	}
	defer f.Close() //nolint:errcheck // read only
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if m := xlatorPath.FindSubmatch(lines.Bytes()); m != nil {
			return string(m[1]), nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("%s %d: %w", op, pid, err)
	}
	return "", &Error{Op: op, Object: strconv.Itoa(pid), Kind: ErrMalformed, Text: "it has loaded nothing of GlusterFS"}
}
