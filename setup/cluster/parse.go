package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
)

// Load reads and checks the cluster file at path. A file that cannot be read
// gives the operating system's error, wrapped; everything that is wrong in it
// gives Errors.
func Load(path string) (*Cluster, error) {
	data, err := Read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Read returns the text of the cluster file at path, for those who need it
// beside what it says: a pipe can be read only once, and a file that is being
// edited says something else the second time. It reads no more than Parse needs
// to refuse what is too long.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return nil, fmt.Errorf("read the cluster file: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read the cluster file: %w", err)
	}
	return data, nil
}

// Parse decodes and checks a cluster file. Source is its path, for messages.
// The error, if any, is of type Errors and holds every problem.
func Parse(source string, data []byte) (*Cluster, error) {
	r := &reporter{file: source}
	root := parseTree(r, data)
	if root == nil {
		return nil, r.err()
	}
	c := &Cluster{Source: source}
	decoder{r}.decode(root, reflect.ValueOf(c).Elem())
	c.NodeOrder = keysInOrder(root.get("nodes"))
	c.VolumeOrder = keysInOrder(root.get("volumes"))
	c.setDefaults()
	if !root.bad {
		validator{r, c}.file(root)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}

func keysInOrder(n *node) []string {
	if n == nil {
		return nil
	}
	return n.keys
}

// Limits of shutdown_wait_seconds.
const (
	DefaultShutdownWait = 300
	maxShutdownWait     = 3600
)

// Limits of mount_wait_seconds.
const (
	DefaultMountWait = 600
	maxMountWait     = 3600
)

// Defaults and limits of exporter.
const (
	DefaultExporterListen = ":9189"
	OwnAddress            = "address" // in place of a host: the node's own address
	DefaultProbeInterval  = 15        // seconds
	maxProbeInterval      = 3600
)

// Defaults and limits of check.
const (
	DefaultCheckSchedule  = "weekly"
	DefaultCheckRate      = 1000 // names a second
	maxCheckRate          = 1000000
	DefaultCheckBandwidth = 16 << 20 // bytes a second
)

// setDefaults fills in what the file may leave out.
func (c *Cluster) setDefaults() {
	for name, v := range c.Volumes {
		if v.Profile == "" {
			v.Profile = ProfileNone
		}
		if v.Ephemeral == nil {
			v.Ephemeral = new(v.Bricks.Tmpfs != nil)
		}
		if d := v.Bricks.Disk; d != nil {
			if d.Fstype == "" {
				d.Fstype = FstypeXFS
			}
			if d.Durability == "" {
				d.Durability = DurabilitySync
			}
		}
		c.Volumes[name] = v
	}
	if c.ShutdownWait == nil {
		c.ShutdownWait = new(DefaultShutdownWait)
	}
	if c.MountWait == nil {
		c.MountWait = new(DefaultMountWait)
	}
	if e := c.Exporter; e != nil {
		if e.Listen == "" {
			e.Listen = DefaultExporterListen
		}
		if e.ProbeInterval == nil {
			e.ProbeInterval = new(DefaultProbeInterval)
		}
	}
	if k := c.Check; k != nil {
		if k.Schedule == "" {
			k.Schedule = DefaultCheckSchedule
		}
		if k.Rate == nil {
			k.Rate = new(DefaultCheckRate)
		}
		if k.Bandwidth == 0 {
			k.Bandwidth = DefaultCheckBandwidth
		}
	}
	if c.Manage.Packages == nil {
		c.Manage.Packages = new(true)
	}
	if c.Manage.Hosts == nil {
		c.Manage.Hosts = new(true)
	}
}
