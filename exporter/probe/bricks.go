package probe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"

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
	graph, err := root.openPath(graphPath)
	if err != nil {
		return nil, err
	}
	defer graph.Close() //nolint:errcheck // only read from
	names, err := graph.Readdirnames(-1)
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

func readConnected(graph directory, name string) (connected bool, err error) {
	f, err := graph.openPath(name)
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

// openPath opens a path of several parts for reading, and follows links that stay below the directory, as "active" is.
func (d directory) openPath(path string) (directory, error) {
	how := &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV}
	return opened(path, func() (int, error) { return unix.Openat2(d.fd(), path, how) })
}
