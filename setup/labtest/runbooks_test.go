package labtest_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// The runbooks are written for this cluster: the names, paths and the volume in their commands are its own.
const runbookCluster = `nodes:
  cache1.example.com: {address: 10.77.0.11}
  cache2.example.com: {address: 10.77.0.12}
  web1.example.com: {address: 10.77.0.13}
volumes:
  server:
    replica: 2
    options: {network.ping-timeout: 5}
    bricks:
      nodes: [cache1.example.com, cache2.example.com]
      tmpfs: {mount: /cache_server, size: 64m}
mounts:
  - {volume: server, path: /cache_client, nodes: [web1.example.com]}
`

// desk is the cluster of the runbooks, and whoever types their commands.
type desk struct {
	*site
	cache1, cache2, web1 *lab.Node
	page                 string // the runbook in hand
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	hosts := []string{"cache1.example.com", "cache2.example.com", "web1.example.com"}
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: hosts}, runbookCluster)
	for _, n := range s.Nodes() {
		n.Run("mkdir", "-p", "/shim")
		for name, text := range map[string]string{
			"systemctl":     strings.Replace(systemctl, "case $1 in", "case $1 in reset-failed) exit 0; esac\ncase $1 in", 1),
			"gluster-setup": "#!/bin/sh\nexec " + os.Getenv(program) + " \"$@\"\n", // the cluster file is where apply has put it
		} {
			if err := os.WriteFile(n.Path("/shim/"+name), []byte(text), 0o755); err != nil { //nolint:gosec // a program
				t.Fatal(err)
			}
		}
	}
	s.converge()
	return &desk{site: s, cache1: s.Node(0), cache2: s.Node(1), web1: s.Node(2)}
}

// shellBlock finds the commands of a runbook.
var shellBlock = regexp.MustCompile("(?ms)^ *```sh[^\n]*\n(.*?)^ *```$")

// typed runs a command on a node as the runbook in hand prints it, comment included, and returns how it ended.
func (d *desk) typed(n *lab.Node, command string) outcome {
	d.t.Helper()
	text, err := os.ReadFile("../../docs/runbooks/" + d.page + ".md")
	if err != nil {
		d.t.Fatal(err)
	}
	var line string
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		for l := range strings.Lines(block[1]) {
			if l = strings.TrimSpace(l); l == command || strings.HasPrefix(l, command+" ") && strings.HasPrefix(strings.TrimSpace(l[len(command):]), "#") {
				line = l
			}
		}
	}
	if line == "" {
		d.t.Fatalf("docs/runbooks/%s.md does not say %q", d.page, command)
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	cmd, out := n.Command(ctx, "bash", "-c", "PATH=/shim:$PATH; set -o pipefail; "+line), &lab.Transcript{}
	cmd.Stdout, cmd.Stderr = out, out
	return outcome{code: d.exit(cmd.Run()), out: out.String()}
}

// types runs commands one after the other, each of which must end well and the last one say the words.
func (d *desk) types(n *lab.Node, commands []string, words ...string) {
	d.t.Helper()
	for i, c := range commands {
		o := d.typed(n, c)
		if i == len(commands)-1 {
			o.check(d.t, d.page+": "+c, 0, words...)
		} else {
			o.check(d.t, d.page+": "+c, 0)
		}
	}
}

// follow brings the cluster into the states of runbooks, and expects that it is well again after what they say.
func (d *desk) follow(t *testing.T, pages []incident) {
	t.Helper()
	for _, p := range pages {
		if !t.Run(p.page, func(t *testing.T) {
			d.t, d.page = t, p.page
			defer func() { d.t = t }()
			p.steps()
			for _, n := range []*lab.Node{d.cache1, d.cache2} {
				d.expect(n, 0, nil, "recover", "--timeout", "10m") // as its timer does every fifteen seconds
				d.well(n)
			}
			d.waitFor("the client to be well", func() bool { return d.try(d.web1, "status").code == 0 })
			d.web1.Run("bash", "-c", "echo works >/cache_client/probe && rm /cache_client/probe")
		}) {
			return // the next would begin with what this one left
		}
	}
}

// incident is a runbook and what is done by it: what breaks, and every command that mends it.
type incident struct {
	page  string
	steps func()
}

func sh(n *lab.Node, script string) string { return n.Run("bash", "-ec", script) }

func TestRunbooksOfBricksAreFollowedToTheEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const brick = "/cache_server/brick"
	c1, c2, web := d.cache1, d.cache2, d.web1
	kill := func() { c2.KillBrick(brick) }
	// As its timer does every fifteen seconds.
	recovers := func(n *lab.Node) { d.t.Helper(); d.expect(n, 0, nil, "recover", "--timeout", "10m") }
	d.follow(t, []incident{
		{"GlusterBrickDown", func() {
			kill()
			d.types(c2, []string{"gluster-setup recover --timeout 2m"})
			kill()
			d.types(c2, []string{"gluster volume start server force"})
		}},
		{"GlusterSelfHealDaemonDown", func() {
			sh(c1, "kill -KILL $(pgrep -f '[g]lustershd')")
			d.types(c1, []string{"gluster volume start server force"})
			d.waitFor("the daemon", func() bool { return d.typed(c1, "gluster-setup status").code == 0 })
		}},
		{"GlusterBrickFilesystemStuck", func() {
			sh(c2, "kill -STOP $(pgrep -f '[b]rick-name /cache_server/brick ')")
			d.types(c2, []string{`kill -KILL "$(pgrep -f '[b]rick-name /cache_server/brick ')"`})
			sh(web, "echo one copy >/cache_client/meanwhile")
			recovers(c2)
		}},
		{"GlusterBrickReadOnly", func() {
			kill()
			sh(c2, "mount -o remount,ro /cache_server")
			d.types(c2, []string{"mount -o remount,rw /cache_server"})
			recovers(c2)
			d.types(c2, []string{`kill "$(pgrep -f '[b]rick-name /cache_server/brick ')"`})
			// The disk is replaced by an empty one.
			d.waitFor("its end", func() bool { return sh(c2, "pgrep -f '[b]rick-name /cache_server/brick ' || true") == "" })
			sh(c2, "umount /cache_server")
			d.expect(c2, 0, nil, "apply", "--parts", "host")
			recovers(c2)
			d.well(c1)
			d.types(c1, []string{"gluster-setup check --content server"})
		}},
		{"GlusterBrickForeign", func() {
			kill()
			sh(c2, "umount /cache_server")
			d.types(c2, []string{"gluster-setup apply --parts host"})
			recovers(c2)
			kill()
			sh(c2, "rm -rf /cache_server/brick; mkdir /cache_server/brick; touch /cache_server/brick/f")
			d.expect(c2, 3, []string{"holds files but no volume-id"}, "recover")
			d.typed(c2, "gluster-setup status").check(d.t, "status", 1, "move it away")
			d.types(c2, []string{"mv /cache_server/brick /cache_server/brick.old"})
			recovers(c2)
			sh(c2, "rm -r /cache_server/brick.old") // step 4
		}},
		{"GlusterBrickFull", func() {
			fill := func() {
				d.waitFor("the bricks to have room for the file, which they look at every five seconds", func() bool {
					return web.Command(d.t.Context(), "touch", "/cache_client/fill").Run() == nil
				})
				sh(web, "! dd if=/dev/zero of=/cache_client/fill bs=1M 2>/dev/null || exit 1")
			}
			fill()
			d.types(web, []string{"ls -la /cache_client"}, "fill")
			d.types(web, []string{"rm /cache_client/fill"})
			fill()
			for _, n := range []*lab.Node{c1, c2} {
				d.types(n, []string{"mount -o remount,size=768m /cache_server"})
			}
			d.waitFor("the bricks to see their room, which they look at every five seconds", func() bool {
				return web.Command(d.t.Context(), "bash", "-ec", "head -c 70M /dev/zero >/cache_client/more").Run() == nil
			})
			sh(web, "rm /cache_client/more /cache_client/fill")
			d.write(strings.Replace(runbookCluster, "size: 64m", "size: 768m", 1))
			d.converge()
		}},
		{"GlusterBrickInodesLow", func() {
			sh(web, "mkdir /cache_client/sessions; touch -d '3 days ago' /cache_client/sessions/old; touch /cache_client/sessions/new")
			few := func() {
				for _, n := range []*lab.Node{c1, c2} {
					sh(n, "mount -o remount,nr_inodes=$(($(stat -f -c '%c - %d' /cache_server) + 3)) /cache_server")
				}
				sh(web, "for i in {1..20}; do echo >/cache_client/sessions/n$i || exit 0; done 2>/dev/null; exit 1")
			}
			few()
			d.types(web, []string{"find /cache_client/sessions -type f -mtime +1 -print | head"}, "/cache_client/sessions/old")
			d.types(web, []string{"find /cache_client/sessions -type f -mtime +1 -delete"})
			if out := sh(web, "ls /cache_client/sessions"); strings.Contains(out, "old") || !strings.Contains(out, "new") {
				d.t.Errorf("left: %s", out)
			}
			for _, n := range []*lab.Node{c1, c2} {
				d.types(n, []string{"mount -o remount,nr_inodes=6000000 /cache_server"})
			}
			sh(web, "rm -r /cache_client/sessions")
		}},
		{"GlusterBricksDiffer", func() {
			sh(web, "echo right >/cache_client/differs; sync -f /cache_client/differs")
			d.well(c1)
			sh(c2, "echo and wrong >>/cache_server/brick/differs")
			if o := d.typed(c1, "gluster-setup check"); o.code != 3 || !strings.Contains(o.out, "/differs") {
				d.t.Errorf("check: exit code %d\n%s", o.code, o.out)
			}
			sh(web, "echo right >/cache_client/differs.new; mv /cache_client/differs.new /cache_client/differs")
			recovers(c1)
			d.types(c1, []string{"gluster-setup check"})
		}},
		{"GlusterHealNotProgressing", func() {
			kill()
			const name = "/path/of/the/name"
			sh(web, "mkdir -p /cache_client/path/of/the; echo late >/cache_client"+name)
			c2.Gluster("volume", "start", "server", "force")
			d.waitFor("the daemons to be told", func() bool { return d.typed(c1, "gluster volume heal server").code == 0 })
			d.waitFor("the name", func() bool { _, err := os.Stat(c2.Path(brick + name)); return err == nil })
			d.types(c2, []string{"getfattr -m . -d -e hex /cache_server/brick/path/of/the/name"}, "trusted.gfid=0x")
			d.types(web, []string{"stat /cache_client/path/of/the/name"})
		}},
		{"GlusterProbeFailing", func() {
			d.types(web, []string{"gluster-setup verify --alone", "umount /cache_client", "gluster-setup apply --parts client"})
			d.types(c1, []string{"gluster-setup check --content server"})
		}},
		{"GlusterProbeSlow", func() {
			d.types(c1, []string{"gluster volume profile server start", "gluster volume profile server stop"})
			d.types(web, []string{"gluster-setup bench --rounds 3 --count 100 /cache_client"})
		}},
	})
}
