package labtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// durabilityRoundsEnv says how often each way of BenchmarkDurability is measured.
const durabilityRoundsEnv = "DURABILITY_ROUNDS"

// durability is a way to mount a brick's file system, of which the first is what all others are compared with.
type durability struct {
	name, mkfs, mount string
	log               string   // an xfs log of its own: mkfs's option, with the device in the place of %s
	options           []string // of the volume
}

func durabilities() []durability {
	return []durability{
		{name: "xfs_async", mkfs: "mkfs.xfs -q", mount: "noatime"},
		{name: "xfs_sync", mkfs: "mkfs.xfs -q", mount: "noatime,sync"},
		{name: "xfs_sync,_log_on_a_device_of_its_own", mkfs: "mkfs.xfs -q", mount: "noatime,sync", log: "-l logdev=%s"},
		{name: "ext4_async", mkfs: "mkfs.ext4 -q", mount: "noatime"},
		{name: "ext4_sync", mkfs: "mkfs.ext4 -q", mount: "noatime,sync"},
		{name: "ext4_sync,data=journal", mkfs: "mkfs.ext4 -q", mount: "noatime,sync,data=journal"},
		{name: "xfs_async,_changelog", mkfs: "mkfs.xfs -q", mount: "noatime", options: []string{"changelog.changelog", "on"}},
	}
}

// BenchmarkDurability measures what it costs that a brick's file system is mounted sync, and what other ways cost: a replica 2
// volume for each of them, on image files on this machine's disk, all in turn, round by round.
func BenchmarkDurability(b *testing.B) {
	rounds := 3
	if text := os.Getenv(durabilityRoundsEnv); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	dir := b.TempDir() // not the labs' own file system, which is memory
	l := lab.Start(b, lab.Options{Nodes: 2, Clients: 1})
	l.Pool()
	client := l.Node(2)
	tree := filepath.Join(dir, "tree.tar")
	source, err := filepath.Abs("../..")
	if err != nil {
		b.Fatal(err)
	}
	if out, err := exec.CommandContext(b.Context(), "tar", "-C", source, "--exclude=.git", "--exclude=.cache", "--exclude=bin", "--exclude=dist", "-cf", tree, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for i, d := range durabilities() {
		for n := range 2 {
			d.prepare(b, l.Node(n), dir, i)
		}
		d.serve(l, i)
	}
	taken := map[string][]float64{}
	for round := range rounds {
		for i := range durabilities() {
			i = (i + round) % len(durabilities()) // nobody is always the first
			for _, w := range workloads(tree) {
				key := fmt.Sprint(i, w.name)
				taken[key] = append(taken[key], timed(b, client, fmt.Sprintf("cd /mnt/v%d\n%s", i, w.script)))
			}
		}
	}
	for i, d := range durabilities() {
		b.Run(d.name, func(b *testing.B) {
			for _, w := range workloads(tree) {
				work := w.name
				own, first := taken[fmt.Sprint(i, work)], taken[fmt.Sprint(0, work)]
				ratios := make([]float64, len(own))
				for k := range own {
					ratios[k] = own[k] / first[k]
				}
				b.ReportMetric(middle(own), work+"-s")
				b.ReportMetric(middle(ratios), work+"-ratio")
				b.ReportMetric(slices.Min(ratios), work+"-ratio-lowest")
				b.ReportMetric(slices.Max(ratios), work+"-ratio-highest")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// workload is a shell script that runs in a mount of the volume.
type workload struct{ name, script string }

// workloads build upon each other, in this order.
func workloads(tree string) []workload {
	return []workload{
		{"create", `mkdir c; for i in $(seq 300); do echo "some 40 bytes of text, as in a small file" >c/$i; done; rm -r c`},
		{"unpack", `mkdir t; tar -C t -xf ` + tree + `; mv t now`},
		{"rsync", `touch -d '2 days ago' now/README.md; rsync -a --delete --checksum now/ next/`},
		{"loop", `for i in $(seq 30); do head -c 1000000 /dev/zero >l; cat l >/dev/null; rm l; done`},
		{"read", `find next -type f -exec cat {} + >/dev/null`},
		{"remove", `rm -r now next`},
	}
}

// prepare makes the file system of a brick in an image file, and mounts it.
func (d durability) prepare(b *testing.B, n *lab.Node, dir string, i int) {
	b.Helper()
	device := func(what, size string) string {
		image := filepath.Join(dir, fmt.Sprintf("%s-%d-%s", n.Name, i, what))
		n.Run("truncate", "-s", size, image)
		loop := strings.TrimSpace(n.Run("losetup", "--find", "--show", "--direct-io=on", image))
		b.Cleanup(func() { // after the node, and so its mounts, are gone
			if out, err := exec.Command("losetup", "-d", loop).CombinedOutput(); err != nil {
				b.Logf("losetup -d %s: %v: %s", loop, err, out)
			}
		})
		return loop
	}
	main, mkfs, mount := device("data", "1G"), d.mkfs, d.mount
	if d.log != "" {
		log := device("log", "128M")
		mkfs += " " + fmt.Sprintf(d.log, log)
		mount += ",logdev=" + log
	}
	at := fmt.Sprintf("/bricks/v%d", i)
	n.Run("bash", "-euc", fmt.Sprintf("%s %s; mkdir -p %s; mount -o %s %s %s; mkdir %s/brick", mkfs, main, at, mount, main, at, at))
}

// serve makes the volume, and mounts it.
func (d durability) serve(l *lab.Lab, i int) {
	first, client := l.Node(0), l.Node(2)
	v := fmt.Sprintf("v%d", i)
	first.Gluster("volume", "create", v, "replica", "2", fmt.Sprintf("%s:/bricks/%s/brick", first.Name, v), fmt.Sprintf("%s:/bricks/%s/brick", l.Node(1).Name, v))
	if len(d.options) > 0 {
		first.Gluster(append([]string{"volume", "set", v}, d.options...)...)
	}
	first.Gluster("volume", "start", v)
	client.Run("bash", "-euc", fmt.Sprintf("mkdir -p /mnt/%s; for i in $(seq 50); do mount -t glusterfs %s:/%s /mnt/%s && break; sleep 0.2; done; mountpoint -q /mnt/%s; sleep 1", v, first.Name, v, v, v))
}

// timed runs a script on a node and returns the seconds that it took.
func timed(b *testing.B, n *lab.Node, script string) float64 {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	var out bytes.Buffer
	cmd := n.Command(ctx, "bash", "-euc", script)
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatal(errors.Join(err, errors.New(out.String())))
	}
	return time.Since(began).Seconds()
}

func middle(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
