package departed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

// Looker reads what Decide needs of this machine, and asks the servers of volumes that only a mount tells of.
type Looker struct {
	Store gluster.Store
	Fstab string                            // path of /etc/fstab
	Dial  func(host string) *gluster.Client // another node's glusterd
	// Timeout of one question to one server.
	Timeout time.Duration
}

// Look looks.
func (l *Looker) Look(ctx context.Context, s *desired.State) (see Seen, err error) {
	if see.Stored, err = l.Store.Volumes(); err != nil {
		return see, fmt.Errorf("read glusterd's store: %w", err)
	}
	if see.UUID, _, err = l.Store.Node(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		see.UUID = "" // the names say enough
	}
	if see.Fstab, err = read(l.Fstab); err != nil {
		return see, err
	}
	if see.Ready, err = read(gluster.ServerVolfilePath(desired.ReadyVolfile)); err != nil {
		return see, err
	}
	see.Asked = map[string]Answer{}
	for _, volume := range unnamed(s, see) {
		see.Asked[volume] = l.ask(ctx, s, volume, servers(see.Fstab, volume))
	}
	return see, nil
}

// ask asks all servers of a volume at once. One that has the volume is right: another one may have been installed anew.
func (l *Looker) ask(ctx context.Context, s *desired.State, volume string, hosts []string) Answer {
	errs := make([]error, len(hosts))
	var wg sync.WaitGroup
	for i, host := range hosts {
		wg.Go(func() { errs[i] = l.question(ctx, address(s, host), volume) })
	}
	wg.Wait()
	answer := Answer{Why: "no server stands there"}
	gone := false
	for i, err := range errs {
		switch {
		case err == nil:
			return Answer{Exists: true}
		case errors.Is(err, gluster.ErrNoSuchVolume):
			gone = true
		default:
			answer.Why = fmt.Sprintf("%s: %v", hosts[i], err)
		}
	}
	if gone {
		return Answer{}
	}
	return answer
}

func (l *Looker) question(ctx context.Context, host, volume string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	c := l.Dial(host)
	defer func() {
		if cerr := c.Close(); err == nil {
			err = cerr
		}
	}()
	_, err = c.Volume(ctx, volume)
	return err
}

// address is a server's in the cluster file, if that still has it.
func address(s *desired.State, host string) string {
	if a, ok := s.Addresses[host]; ok {
		return a.String()
	}
	return host
}

// read reads a text file; one that does not exist is empty.
func read(path string) (string, error) {
	b, err := os.ReadFile(path) //nolint:gosec // what apply itself writes
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(b), err
}
