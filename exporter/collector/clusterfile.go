package collector

import (
	"context"
	"encoding/json"
	"errors"
	stdio "io"
	"io/fs"
	"os"
	"regexp"
	"time"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

// appliedFile is what gluster-setup apply notes about the cluster file: docs/output.md describes it.
type appliedFile struct {
	File    string    `json:"file"`
	Number  float64   `json:"number"`
	Applied time.Time `json:"applied"`
	Program string    `json:"program"`
}

// maxAppliedFile bounds what is read of it, in bytes.
const maxAppliedFile = 8 << 10

func clusterFile(path string) Collector {
	info := gauge("cluster_file_info", "The cluster file that this node applied last, by the digest of what it means, and the version of gluster-setup. Always 1; absent where none was applied.", "file", "version")
	number := gauge("cluster_file_number", "Grows with every cluster file that is new to the nodes: of two files, that of the greater number replaced the other.")
	applied := gauge("cluster_file_applied_timestamp_seconds", "When this node applied its cluster file first, in seconds since 1970 of its own clock.")
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	return Collector{
		Name: "cluster-file", Help: "which cluster file this node applied last", Cost: "one small file",
		Metrics: []*Metric{info, number, applied},
		collect: func(_ context.Context, _ *node.Scrape, to sink) error {
			f, err := os.Open(path) //nolint:gosec // gluster-setup's own word, in a directory of root's
			if errors.Is(err, fs.ErrNotExist) {
				return nil // apply of this version never ran here
			}
			if err != nil {
				return err
			}
			text, err := stdio.ReadAll(stdio.LimitReader(f, maxAppliedFile))
			if err = errors.Join(err, f.Close()); err != nil {
				return err
			}
			var a appliedFile
			if err = json.Unmarshal(text, &a); err == nil && !form.MatchString(a.File) {
				err = errors.New("it has no digest of a file")
			}
			if err != nil {
				return &gluster.Error{Op: "read", Object: path, Kind: gluster.ErrMalformed, Err: err}
			}
			to.set(info, 1, a.File, a.Program)
			to.set(number, a.Number)
			to.set(applied, seconds(a.Applied))
			return nil
		},
	}
}
