package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

// checkRecord is what gluster-setup check leaves: docs/check.md describes it.
type checkRecord struct {
	Sets []struct {
		Volume    string           `json:"volume"`
		Set       int              `json:"replica_set"` // 1-based
		Started   time.Time        `json:"started"`
		Duration  float64          `json:"duration_seconds"`
		Content   bool             `json:"content"`
		Complete  bool             `json:"complete"`
		Entries   float64          `json:"entries"`
		Bytes     float64          `json:"bytes_compared"`
		Different float64          `json:"different"`
		Differing map[string]int64 `json:"differing"`
		Waiting   float64          `json:"waiting_for_heal"`
		Busy      float64          `json:"busy"`
	} `json:"sets"`
}

func check(path string) Collector {
	set := []string{"volume", "subvolume"}
	started := gauge("check_timestamp_seconds", "When gluster-setup check last began to compare the bricks of the replica set, in seconds since 1970; of sets that were compared from this node.", set...)
	duration := gauge("check_duration_seconds", "How long that took.", set...)
	complete := gauge("check_complete", "Whether it compared everything; 0 where a brick was away or it was interrupted.", set...)
	content := gauge("check_content", "Whether it read the contents of files, too.", set...)
	entries := gauge("check_entries", "Files, directories and links that it compared.", set...)
	bytes := gauge("check_bytes", "Bytes of contents that it read, from all bricks.", set...)
	different := gauge("check_different_entries", "Entries that differ between the bricks although GlusterFS does not know.", set...)
	differing := gauge("check_differing_entries", "The same, by what differs: missing, extra, type, gfid, size, mode, owner, target, xattr, content, no_gfid or unreadable. An entry may differ in several ways.", "volume", "subvolume", "kind")
	waiting := gauge("check_heal_pending_entries", "Entries that differed and that GlusterFS knew to wait for a heal.", set...)
	busy := gauge("check_busy_entries", "Entries that changed at every look, so that nothing can be said about them.", set...)
	return Collector{
		Name: "check", Help: "the last comparison of bricks by gluster-setup check", Cost: "one small file",
		Metrics: []*Metric{started, duration, complete, content, entries, bytes, different, differing, waiting, busy},
		collect: func(_ context.Context, _ *node.Scrape, to sink) error {
			text, err := os.ReadFile(path) //nolint:gosec // gluster-setup's own word, in a directory of root's
			if errors.Is(err, fs.ErrNotExist) {
				return nil // nothing was compared from this node
			}
			if err != nil {
				return err
			}
			var r checkRecord
			if err := json.Unmarshal(text, &r); err != nil {
				return &gluster.Error{Op: "read", Object: path, Kind: gluster.ErrMalformed, Err: fmt.Errorf("%w", err)}
			}
			for _, s := range r.Sets {
				name := []string{s.Volume, fmt.Sprintf("%s-replicate-%d", s.Volume, s.Set-1)}
				to.set(started, seconds(s.Started), name...)
				to.set(duration, s.Duration, name...)
				to.is(complete, s.Complete, name...)
				to.is(content, s.Content, name...)
				to.set(entries, s.Entries, name...)
				to.set(bytes, s.Bytes, name...)
				to.set(different, s.Different, name...)
				to.set(waiting, s.Waiting, name...)
				to.set(busy, s.Busy, name...)
				for kind, n := range s.Differing {
					to.set(differing, float64(n), name[0], name[1], kind)
				}
			}
			return nil
		},
	}
}
