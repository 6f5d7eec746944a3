package probe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

// graphPath leads to the translators of a GlusterFS client's present graph, in the directory that every client shows at its
// mount's root, also at that of a sub-directory (xlators/meta; GlusterFS 9 to 11).
const graphPath = ".meta/graphs/active"

// readBricks counts the bricks to which the client of the mount at path is connected. Only the client is asked, no brick.
func readBricks(table, path string) (*bricks, error) {
	root, err := openRoot(table, path)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // only read from
	graph, err := root.openPath(graphPath, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer graph.Close()                              //nolint:errcheck // only read from
	names, err := graph.Readdirnames(maxTranslators) // where there are more, they are no client's
	if err != nil {
		return nil, err
	}
	found := &bricks{}
	client := regexp.MustCompile(`-client-[0-9]+$`) // one translator per brick
	for _, name := range names {
		if !client.MatchString(name) {
			continue
		}
		connected, err := readConnected(graph, name+"/private")
		if err != nil {
			return nil, err
		}
		found.Total++
		if connected {
			found.Connected++
		}
	}
	if found.Total == 0 {
		return nil, fmt.Errorf("%s: no bricks among %d translators", graphPath, len(names))
	}
	return found, nil
}

// maxTranslators is above the number of translators of any volume's client.
const maxTranslators = 1 << 16

func readConnected(graph directory, name string) (connected bool, err error) {
	f, err := graph.openPath(name, 0)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil {
		return false, err
	}
	connected, ok := parseConnected(b)
	if !ok {
		return false, fmt.Errorf("%s: no line says whether it is connected", name)
	}
	return connected, nil
}

// parseConnected reads the private state of a translator of type protocol/client: lines of "name = value".
func parseConnected(private []byte) (connected, ok bool) {
	for lines := bufio.NewScanner(bytes.NewReader(private)); lines.Scan(); {
		name, value, found := bytes.Cut(lines.Bytes(), []byte("="))
		if found && string(bytes.TrimSpace(name)) == "connected" {
			return string(bytes.TrimSpace(value)) == "1", true
		}
	}
	return false, false
}

// openPath opens a path of several parts for reading: a file that is a regular one, or a directory where kind is
// unix.O_DIRECTORY. It follows links to a name beside them, as "active" is, and leaves neither the directory nor the
// mount. It goes step by step: openat2(2), which can do that by itself, is not allowed where a unit has
// RestrictSUIDSGID=.
func (d directory) openPath(path string, kind int) (directory, error) {
	device, err := d.device()
	if err != nil {
		return directory{}, err
	}
	at := d
	for part := range strings.SplitSeq(path, "/") {
		next, err := at.step(part)
		if at != d {
			_ = at.Close() //nolint:errcheck // nothing was written through it
		}
		if err == nil {
			if err = next.on(device); err != nil {
				err = errors.Join(err, next.Close())
			}
		}
		if err != nil {
			return directory{}, err
		}
		at = next
	}
	defer at.Close() //nolint:errcheck // nothing was written through it
	st, err := at.status()
	if err != nil {
		return directory{}, err
	}
	if kind != unix.O_DIRECTORY && st.Mode&unix.S_IFMT != unix.S_IFREG {
		return directory{}, fmt.Errorf("%s is no file: %w", path, errForeign)
	}
	return at.again(unix.O_RDONLY | kind)
}

// step opens a name in the directory with O_PATH; of a link the name that it leads to, which must be one in the same
// directory.
func (d directory) step(name string) (directory, error) {
	next, err := d.open(name, unix.O_PATH)
	if err != nil {
		return directory{}, err
	}
	st, err := next.status()
	if err != nil {
		return directory{}, errors.Join(err, next.Close())
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return next, nil
	}
	to := make([]byte, unix.NAME_MAX+1)
	n, err := unix.Readlinkat(next.fd(), "", to)
	err = errors.Join(err, next.Close())
	if target := string(to[:max(n, 0)]); err == nil && !strings.Contains(target, "/") && target != ".." {
		return d.open(target, unix.O_PATH)
	}
	return directory{}, errors.Join(err, fmt.Errorf("the link %s leads elsewhere: %w", name, errForeign))
}
