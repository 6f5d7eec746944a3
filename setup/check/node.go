package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/writer"
)

// Node is the node whose replica sets are compared.
type Node struct {
	State *desired.State
	// Own compares only replica sets whose first brick is on this node.
	Own bool
	// RunDir is where the lock of checks lies, Record is the file with the results.
	RunDir, Record string
	// Warn is told what is wrong with the record.
	Warn io.Writer
}

// Compare compares the replica sets of volumes one after the other, and leaves word of the results.
func (n *Node) Compare(ctx context.Context, volumes []desired.Volume, o Options) ([]SetResult, error) {
	unlock, err := n.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	results, err := n.compare(ctx, volumes, o)
	if err != nil {
		return results, err
	}
	return results, n.record(results)
}

// lock keeps two checks on one node apart: each would slow the clients.
func (n *Node) lock() (unlock func(), err error) {
	unlock, err = writer.TryAlone(n.RunDir, "check")
	if held, ok := errors.AsType[*writer.HeldError](err); ok {
		return nil, change.Refused(fmt.Errorf("another check runs on this node (%s): wait for its end: %w", held.Path, err))
	}
	return unlock, err
}

func (n *Node) compare(ctx context.Context, volumes []desired.Volume, o Options) ([]SetResult, error) {
	self, _ := n.State.Pool.Server(n.State.Node)
	results := []SetResult{}
	down := notStarted(ctx)
	for _, v := range volumes {
		name := v.Spec.Name
		sets, err := SetsOf(name, n.State.IPv6)
		if err != nil {
			return results, err
		}
		for i, set := range sets {
			if n.Own && !self.Is([]string{set.Bricks[0].Host}) {
				continue
			}
			if why := down[name]; why != "" {
				results = append(results, Skipped(name, i, o, why))
				continue
			}
			results = append(results, CompareSet(ctx, name, i, set, o))
		}
	}
	return results, os.RemoveAll(o.Dir)
}

// notStarted says of volumes of which no brick runs why that is so. Where glusterd does not answer the bricks are asked
// all the same.
func notStarted(ctx context.Context) map[string]string {
	local := gluster.NewClient("unix", "")
	defer local.Close() //nolint:errcheck // it was only read from
	volumes, err := local.Volumes(ctx)
	if err != nil {
		return nil
	}
	down := map[string]string{}
	for _, v := range volumes {
		switch v.Status {
		case gluster.Started:
		case gluster.Stopped:
			down[v.Name] = fmt.Sprintf("the volume is stopped, and so are its bricks: "+
				"\"gluster volume start %s\" or \"gluster-setup apply\" starts them", v.Name)
		default:
			down[v.Name] = fmt.Sprintf("the volume was never started, and has no contents: "+
				"\"gluster volume start %s\" or \"gluster-setup apply\" starts it", v.Name)
		}
	}
	return down
}

// record leaves word of the results. The record is that of checks alone, of which one runs on a node: it waits for
// nobody, so that what hours of comparing found is kept also when a check is interrupted beside a program that hangs.
func (n *Node) record(results []SetResult) error {
	old, err := ReadRecord(n.Record)
	if err != nil {
		fmt.Fprintf(n.Warn, "the record of former checks is lost: %v\n", err)
	}
	return old.With(results, time.Now(), func(volume string, set int) bool {
		v, ok := n.State.Pool.Volume(volume)
		compared := func(r SetResult) bool { return r.Volume == volume && r.Set == set }
		// The volume may have more sets than the cluster file.
		return ok && (set <= len(v.Sets) || slices.ContainsFunc(results, compared))
	}).Write(n.Record)
}
