package gluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"brickyard/gluster/dict"
)

const (
	// defaultStateDir is where glusterd is asked to write its state: below the directory for
	// run-time files, so that nothing stays after a reboot.
	defaultStateDir = "/run/brickyard"
	// maxState bounds the state file, in bytes. A volume takes about two thousand and a brick four hundred.
	maxState = 16 << 20
)

// errNotPrivate says that others could read or change what glusterd writes.
var errNotPrivate = errors.New("is not a directory of this user that is closed to others")

// State returns what the asked node knows of the pool, and the processes of its own bricks.
// It takes no lock and asks no other node. glusterd writes it into a file in StateDir, so that
// it works over the unix socket only, and as root only.
func (c *Client) State(ctx context.Context) (State, error) {
	const op = "get-state"
	if c.network != "unix" {
		return State{}, &Error{Op: op, Object: c.address, Kind: ErrRefused, Text: "glusterd answers this on its unix socket only"}
	}
	file, err := c.stateFile()
	if err != nil {
		return State{}, &Error{Op: op, Object: c.StateDir, Err: err}
	}
	defer func() {
		_ = file.Close()           //nolint:errcheck // only read from
		_ = os.Remove(file.Name()) //nolint:errcheck // the next boot removes it
	}()
	req := dict.New(map[string]string{
		"cmd-str": "get-state", "odir": c.StateDir, "filename": filepath.Base(file.Name()),
	})
	if _, err := c.call(ctx, op, "", procGetState, cliRequest(req), decodeCLIResult); err != nil {
		return State{}, err
	}
	// glusterd opens the file for writing in place ("w", glusterd_get_state, glusterd-handler.c,
	// 10.3), so that the descriptor from before reads what it wrote.
	b, err := io.ReadAll(io.LimitReader(file, maxState+1))
	if err != nil {
		return State{}, &Error{Op: op, Object: file.Name(), Err: err}
	}
	s, err := ParseState(b)
	if err != nil {
		return State{}, malformed(op, file.Name(), err)
	}
	return s, nil
}

// stateFile makes an empty file in StateDir that only this user can reach.
func (c *Client) stateFile() (*os.File, error) {
	dir := filepath.Join(c.Root, c.StateDir)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !ok || int(owner.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s %w", dir, errNotPrivate)
	}
	return os.CreateTemp(dir, "state-*")
}
