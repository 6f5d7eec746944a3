package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	clusterFile = "/etc/brickyard/cluster.yaml"
	firstPath   = "/run/power-first.json"
	firstUnit   = `[Unit]
Description=Keep what a volume shows when it has just been mounted
DefaultDependencies=no

[Service]
ExecStart=` + program + ` first %s ` + firstPath + `

[Install]
WantedBy=sysinit.target
`
)

// webServers is cluster A; %s is its kind of brick.
const webServers = `nodes:
  web1.example.com: {address: 10.0.0.1}
  web2.example.com: {address: 10.0.0.2}
volumes:
  server:
    replica: 2
    bricks:
      nodes: [web1.example.com, web2.example.com]
      %s
    profile: web
mounts:
  - {volume: server, path: /client, nodes: [web1.example.com, web2.example.com]}
`

// cacheBeside is a second volume of cluster A, in memory: that of a kernel as the distribution has it, which test hosts in containers do not show.
const cacheBeside = `  cache:
    replica: 2
    bricks:
      nodes: [web1.example.com, web2.example.com]
      tmpfs: {mount: /cache_server, size: 64m}
    profile: cache
mounts:
  - {volume: cache, path: /cache_client, nodes: [web1.example.com, web2.example.com]}
`

// What is written to it in the beginning, and how it must be on each brick when all is healthy.
const (
	fillCache = `for i in $(seq 20); do echo $i >/cache_client/f$i || exit 1; done`
	lookCache = `for i in $(seq 20); do [ "$(cat /cache_server/brick/f$i)" = $i ] || { echo "f$i is missing or wrong on the brick"; exit 1; }; done`
)

// cacheServers is cluster B, with one client.
const cacheServers = `nodes:
  cache1.example.com: {address: 10.0.0.11}
  cache2.example.com: {address: 10.0.0.12}
  web1.example.com: {address: 10.0.0.1}
volumes:
  server:
    replica: 2
    bricks:
      nodes: [cache1.example.com, cache2.example.com]
      tmpfs: {mount: /cache_server, size: 200m}
    profile: cache
mounts:
  - {volume: server, path: /cache_client, nodes: [web1.example.com]}
`

// recipe sets cluster A up as the article does, on disks of its own.
var recipe = []struct{ machine, line string }{
	{"both", `mkfs.xfs -q /dev/vdb && mkdir -p /server /client && echo '/dev/vdb /server xfs defaults 0 0' >>/etc/fstab && systemctl daemon-reload && mount /server && mkdir /server/brick`},
	{"both", `printf '10.0.0.1 web1.example.com\n10.0.0.2 web2.example.com\n' >>/etc/hosts && systemctl enable -q --now glusterd`},
	{"web1", `for i in 1 2 3 4 5 6 7 8 9 10; do gluster --mode=script peer probe web2.example.com && break; sleep 2; done`},
	{"web2", `gluster --mode=script peer probe web1.example.com`},
	{"web1", `for i in 1 2 3 4 5 6 7 8 9 10; do gluster --mode=script volume create server replica 2 web1.example.com:/server/brick web2.example.com:/server/brick && break; sleep 2; done; gluster --mode=script volume start server`},
	{"both", `for i in 1 2 3 4 5 6 7 8 9 10; do gluster volume status server $(hostname --fqdn 2>/dev/null || hostname):/server/brick >/dev/null && break; sleep 2; done; sleep 3
		echo "$(hostname):/server /client glusterfs defaults,_netdev 0 0" >>/etc/fstab && systemctl daemon-reload && mount /client`},
}

// mode is one cluster whose power is taken.
type mode struct {
	name    string
	servers []string
	writer  string   // machine on whose mount files change
	readers []string // machines whose mounts are read and compared
	brick   string
	mount   string
	file    string // the cluster file; "" is the articles' recipe
	prepare string // shell, on every server, before apply
	cache   bool   // there is a second volume, in memory
	keeps   bool   // everything that was acknowledged, also when all servers lose power at once
	forgets bool   // everything when all servers lose power at once
}

func (m *mode) machines() []string {
	out := append([]string{}, m.servers...)
	if m.servers[0] != m.writer {
		out = append(out, m.writer)
	}
	return out
}

func modes() []*mode {
	web := func(name, bricks string) *mode {
		m := &mode{name: name, servers: []string{"web1", "web2"}, writer: "web1", readers: []string{"web1", "web2"}, brick: "/server/brick", mount: "/client"}
		if bricks != "" {
			m.file = fmt.Sprintf(webServers, bricks)
		}
		return m
	}
	sync := web("sync", "disk: {mount: /server, device: /dev/vdb, fstype: xfs, durability: sync}")
	sync.keeps = true
	async := web("async", "disk: {mount: /server, device: /dev/vdb, fstype: xfs, durability: async}")
	async.cache, async.file = true, strings.Replace(async.file, "mounts:\n", cacheBeside, 1)
	dir := web("directory", "directory: /data/server")
	dir.brick = "/data/server/brick"
	dir.prepare = `mkfs.ext4 -q /dev/vdb && mkdir -p /data && echo '/dev/vdb /data ext4 defaults 0 2' >>/etc/fstab && systemctl daemon-reload && mount /data`
	return []*mode{
		sync, async, dir,
		{
			name: "cache", servers: []string{"cache1", "cache2"}, writer: "web1", readers: []string{"web1"}, brick: "/cache_server/brick", mount: "/cache_client",
			file: cacheServers, forgets: true,
		},
		web("recipe", ""),
	}
}

// each does the same for several machines at once.
func each(names []string, do func(string) error) error {
	var wg sync.WaitGroup
	errs := make([]error, len(names))
	for i, n := range names {
		wg.Go(func() { errs[i] = do(n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func decode[T any](out string) (v T, err error) {
	err = json.Unmarshal([]byte(out), &v)
	return v, err
}

// setUp makes the machines and the cluster on them.
func (d *driver) setUp(ctx context.Context, m *mode) error {
	numbers := map[string]string{"web1": "1", "web2": "2", "cache1": "11", "cache2": "12"}
	args := []string{"up"}
	for _, n := range m.machines() {
		args = append(args, n+":"+numbers[n])
	}
	if _, err := d.vms(ctx, args...); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "power")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // small
	unit, cluster := filepath.Join(dir, "unit"), filepath.Join(dir, "cluster.yaml")
	if err := errors.Join(os.WriteFile(unit, fmt.Appendf(nil, firstUnit, m.mount), 0o644), os.WriteFile(cluster, []byte(m.file), 0o644)); err != nil {
		return err
	}
	err = each(m.machines(), func(n string) error {
		if _, err := d.vms(ctx, "wait", n); err != nil {
			return err
		}
		if _, err := d.on(ctx, n, "systemctl is-system-running --wait && mkdir -p "+filepath.Dir(clusterFile)); err != nil {
			return err
		}
		files := map[string]string{d.program: program, unit: "/etc/systemd/system/power-first.service"}
		if m.file != "" {
			files[d.Setup], files[cluster] = "/usr/local/sbin/gluster-setup", clusterFile
		}
		for from, to := range files {
			if _, err := d.vms(ctx, "copy", from, n+":"+to); err != nil {
				return err
			}
		}
		_, err := d.on(ctx, n, "systemctl daemon-reload && systemctl enable -q power-first.service")
		return err
	})
	if err != nil {
		return err
	}
	d.say("   machines are up: %s", strings.Join(m.machines(), ", "))
	if m.file == "" {
		for _, step := range recipe {
			on := []string{step.machine}
			if step.machine == "both" {
				on = m.servers
			}
			if err := each(on, func(n string) error { _, err := d.on(ctx, n, step.line); return err }); err != nil {
				return err
			}
		}
		return nil
	}
	err = each(m.machines(), func(n string) error {
		if m.prepare != "" {
			if _, err := d.on(ctx, n, m.prepare); err != nil {
				return err
			}
		}
		_, err := d.on(ctx, n, "gluster-setup apply --timeout 10m")
		return err
	})
	if err != nil {
		return err
	}
	_, err = d.healthy(ctx, m, time.Now())
	return err
}

// healthyLimit is how long a cluster may take to be well again.
const healthyLimit = 20 * time.Minute

// askEvery is the pause between two looks at an emulated machine, each of which keeps it from healing for a second or two.
const askEvery = 4 * time.Second

// healthy waits until every machine says that all is well, and returns after
// how many seconds the last did.
func (d *driver) healthy(ctx context.Context, m *mode, since time.Time) (float64, error) {
	ask := "gluster-setup status"
	if m.file == "" {
		// What somebody would look at who has nothing else.
		ask = `out=$(timeout 60 gluster volume heal server info) && echo "$out" && ! grep -qE 'not connected|entries: [1-9]' <<<"$out" && [ "$(grep -c 'Number of entries: 0' <<<"$out")" = 2 ]`
	}
	limit := healthyLimit
	if m.file == "" {
		limit /= 5 // it may never come, and that is no failure
	}
	deadline := time.Now().Add(limit)
	err := each(m.machines(), func(n string) error {
		for {
			code, words := d.status(ctx, n, ask)
			switch {
			case code == 0:
				return nil
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case time.Now().After(deadline):
				return fmt.Errorf("%s is not healthy after %s: %s", n, limit, words)
			}
			time.Sleep(askEvery)
		}
	})
	// They said so one after the other: all must say so at once.
	if err == nil {
		err = each(m.machines(), func(n string) error {
			if code, _ := d.status(ctx, n, ask); code != 0 {
				return errNotYet
			}
			return nil
		})
		if errors.Is(err, errNotYet) && time.Now().Before(deadline) {
			return d.healthy(ctx, m, since)
		}
	}
	return time.Since(since).Seconds(), err
}

var errNotYet = errors.New("not healthy any more")

// mounted waits for the volume's mount, and returns after how many seconds it
// was there. The articles' recipe gets some help in the end.
func (d *driver) mounted(ctx context.Context, m *mode, n string, since time.Time) (float64, error) {
	limit := healthyLimit
	if m.file == "" {
		limit = time.Minute
	}
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		// Each command is work for an emulated machine.
		if code, _ := d.status(ctx, n, "timeout 60 "+program+" mounted "+m.mount); code == 0 {
			return time.Since(since).Seconds(), nil
		}
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
	}
	if m.file != "" {
		return 0, fmt.Errorf("%s has not mounted %s after %s", n, m.mount, limit)
	}
	d.say("   %s did not mount %s at boot: it is mounted by hand", n, m.mount)
	_, err := d.on(ctx, n, "mount "+m.mount)
	return time.Since(since).Seconds(), err
}
