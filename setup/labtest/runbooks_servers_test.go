package labtest_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

func TestRunbooksOfServersAndClientsAreFollowedToTheEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c1, c2, web := d.cache1, d.cache2, d.web1
	servers := []*lab.Node{c1, c2}
	recovers := func(n *lab.Node) { d.t.Helper(); d.expect(n, 0, nil, "recover", "--timeout", "10m") }
	const mount = `"$(pgrep -f 'process-name fuse.* /cache_client$')"`
	d.follow(t, []incident{
		{"GlusterMountHung", func() {
			stop := func() { freeze(t, web, mountProcessAt(t, web, "/cache_client")) }
			stop()
			d.types(web, []string{"kill -CONT " + mount})
			d.waitFor("the mount", func() bool { return d.try(web, "status").code == 0 })
			stop()
			d.types(web, []string{"kill -KILL " + mount, "gluster-setup apply --parts client"})
		}},
		{"GlusterMountMissesBricks", func() {
			sh(web, "ip route add unreachable 10.77.0.12/32")
			connected := func() string { return sh(web, "cat /cache_client/.meta/graphs/active/server-client-*/private") }
			d.waitFor("the connection to be lost", func() bool { return strings.Contains(connected(), "connected = 0") })
			sh(web, "ip route del unreachable 10.77.0.12/32")
			d.types(web, []string{"umount /cache_client", "gluster-setup apply --parts client"})
			d.waitFor("both connections", func() bool { return strings.Count(connected(), "connected = 1") == 2 })
		}},
		{"GlusterMountMissing", func() {
			sh(web, "umount /cache_client")
			d.types(web, []string{"gluster-setup apply --parts client"})
			sh(web, "umount /cache_client; touch /cache_client/early")
			d.typed(web, "gluster-setup apply --parts client").check(d.t, "apply", 3, "holds files (early)", "move the files away")
			sh(web, "mv /cache_client/early /root/")
			d.types(web, []string{"gluster-setup apply --parts client"})
			sh(web, "umount /cache_client; touch /cache_client/beside; mount /cache_client")
			d.types(web, []string{"mkdir -p /mnt/below", "mount --bind / /mnt/below", "ls -la /mnt/below/cache_client"}, "beside")
			sh(web, "rm /mnt/below/cache_client/beside")
			d.types(web, []string{"umount /mnt/below"})
		}},
		{"GlusterVolumeStopped", func() {
			c1.Gluster("volume", "stop", "server")
			d.expect(c1, 1, []string{"volume server is Stopped"}, "status")
			d.types(c1, []string{"gluster volume start server"})
			d.waitFor("the volume", func() bool { return d.typed(c1, "gluster-setup status").code == 0 })
		}},
		{"GlusterdDown", func() {
			c2.StopGlusterd()
			d.types(c2, []string{"systemctl reset-failed glusterd", "systemctl start glusterd"})
			recovers(c2)
			d.waitFor("status", func() bool { return d.typed(c2, "gluster-setup status").code == 0 })
			d.types(c2, []string{"systemctl restart glusterd"})
			recovers(c2)
		}},
		{"GlusterCertificateExpires", func() {
			sh(c1, "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=cache1 -keyout /usr/lib/ssl/glusterfs.key -out /usr/lib/ssl/glusterfs.pem")
			d.types(c1, []string{"openssl x509 -noout -subject -enddate -in /usr/lib/ssl/glusterfs.pem", "ls -l /usr/lib/ssl/glusterfs.*"}, "glusterfs.key")
			d.types(c1, []string{"gluster-setup ok-to-stop --wait 10m && systemctl restart glusterd"})
			recovers(c1)
			d.waitFor("status", func() bool { return d.typed(c1, "gluster-setup status").code == 0 })
		}},
		{"GlusterFileDescriptorsLow", func() {
			d.waitFor("the others to see that cache1 is back", func() bool {
				d.try(c1, "recover", "--timeout", "30s") // as its timer does: cache1 takes its leave to stop back
				return d.try(c2, "ok-to-stop", "--look").code == 0
			})
			d.types(c2, []string{"gluster-setup ok-to-stop --wait 10m && systemctl restart glusterd"})
			recovers(c2)
		}},
		{"GlusterPeerRejected", func() {
			d.reject(c2, servers)
			d.typed(c1, "gluster-setup status").check(d.t, "status", 1, "Peer Rejected")
			d.types(c2, []string{"systemctl stop glusterd", "mkdir -p /root/glusterd.old", "mv /var/lib/glusterd/vols/server /root/glusterd.old/", "systemctl start glusterd"})
			d.waitFor("the volume", func() bool { _, err := os.Stat(c2.Path("/var/lib/glusterd/vols/server/info")); return err == nil })
			recovers(c2)
			d.converge()
			c2.StopGlusterd()
			sh(c2, "mkdir /root/away; cd /var/lib/glusterd; for f in *; do [ $f = glusterd.info ] || mv $f /root/away/; done")
			c2.StartGlusterd()
			d.waitFor("the others to notice", func() bool { return d.try(c1, "plan").code == 3 })
			d.types(c2, []string{"gluster peer probe cache1.example.com", "systemctl restart glusterd"})
			d.waitFor("the volume", func() bool { _, err := os.Stat(c2.Path("/var/lib/glusterd/vols/server/info")); return err == nil })
			recovers(c2)
		}},
		{"GlusterSplitBrain", func() {
			torn := func() {
				d.tear(servers)
				d.waitFor("the daemons to be told", func() bool { return d.typed(c1, "gluster volume heal server").code == 0 })
			}
			torn()
			d.types(c1, []string{"mkdir -p /root/split-brain/cache1", "cp -p /cache_server/brick/torn /root/split-brain/cache1/", "stat /cache_server/brick/torn"})
			// The daemons may have healed the file's attributes before: then the page goes on with the other way.
			if o := d.typed(c1, "gluster volume heal server split-brain latest-mtime /torn"); o.code == 0 {
				o.check(d.t, "latest-mtime", 0, "Healed /torn.")
				sh(web, "grep only /cache_client/torn")
				torn()
			} else {
				o.check(d.t, "latest-mtime", 1, "No difference in mtime")
			}
			d.types(c1, []string{"gluster volume heal server split-brain source-brick cache1.example.com:/cache_server/brick /torn"}, "Healed /torn.")
			d.waitFor("the client to read it", func() bool {
				return sh(web, "cat /cache_client/torn 2>/dev/null || true") == "only cache1.example.com\n"
			})
		}},
		{"GlusterQuorumLost", func() {
			d.write(strings.Replace(runbookCluster, "{network", "{cluster.server-quorum-type: server, network", 1))
			d.converge()
			c1.KillBrick("/cache_server/brick")
			c1.StopGlusterd()
			d.waitFor("the bricks to be stopped", func() bool { return !strings.Contains(sh(c2, "pgrep -af glusterfsd || true"), "brick-name") })
			d.types(c2, []string{"gluster volume set server cluster.server-quorum-type none"})
			d.waitFor("the brick to be started", func() bool {
				d.try(c2, "recover", "--timeout", "30s")
				return strings.Contains(sh(c2, "pgrep -af glusterfsd || true"), "brick-name")
			})
			c1.StartGlusterd()
			recovers(c1)
			d.write(runbookCluster)
			d.converge()
		}},
		{"GlusterRecoveryNeedsPerson", func() {
			c2.KillBrick("/cache_server/brick")
			c2.StopGlusterd()
			d.waitFor("cache2 to be away", func() bool { return strings.Contains(c1.Gluster("peer", "status"), "Disconnected") })
			d.types(c1, []string{"gluster volume info server", "gluster-setup recover --give-up cache2.example.com"})
			c2.StartGlusterd()
			recovers(c2)
			d.well(c1)
			d.types(c1, []string{"gluster-setup apply"})
			d.waitFor("status", func() bool { return d.typed(c1, "gluster-setup status").code == 0 })

			// No copy is left of a volume that may not begin anew by itself.
			d.write(strings.Replace(runbookCluster, "    replica: 2\n", "    replica: 2\n    ephemeral: false\n", 1))
			d.converge()
			for _, n := range servers {
				n.KillBrick("/cache_server/brick")
				sh(n, "umount /cache_server; mount /cache_server")
			}
			d.waitFor("all to know", func() bool {
				return strings.Contains(d.try(c2, "recover", "--timeout", "5s").out+d.try(c1, "recover", "--timeout", "5s").out, "gluster-setup recover --rebuild-empty server")
			})
			d.typed(c1, "gluster-setup recover --rebuild-empty server").check(d.t, "recover", 0)
			recovers(c2)
			recovers(c1)
			d.write(runbookCluster)
			d.converge()
		}},
		{"GlusterClusterFilesDiffer", func() {
			d.write(strings.Replace(runbookCluster, "ping-timeout: 5", "ping-timeout: 7", 1))
			d.expect(c2, 0, []string{c1.Name + " has another cluster file ("}, "apply", "--parts", "host")
			d.expect(c1, 1, []string{c2.Name + " has another cluster file (", "which replaced this one"}, "status")
			d.write(runbookCluster)
			d.typed(c1, "gluster-setup plan").check(d.t, "plan", 0, "which replaced this one")
			d.types(c1, []string{"gluster-setup apply --allow older-file:cache1.example.com"}, "Done: 1 change")
			sh(c2, "cp "+d.file+" /etc/brickyard/cluster.yaml")
			d.typed(c2, "gluster-setup plan").check(d.t, "plan", 2, "1 change to make here")
			d.types(c2, []string{"gluster-setup apply"}, "Done: 1 change")
			d.types(d.web1, []string{"gluster-setup apply"}, "Done: 1 change") // it notes that its file is the newest again
			d.settled()
		}},
		{"GlusterVolumeConfigDiffers", func() {
			d.fullStore(c2, servers)
			d.write(strings.Replace(runbookCluster, "ping-timeout: 5", "ping-timeout: 7", 1))
			d.expect(c1, 4, []string{"Commit failed on " + c2.Name}, "apply")
			d.types(c2, []string{"df /var/lib/glusterd"}, "100%")
			sh(c2, "rm /var/lib/glusterd/filler")
			d.types(c2, []string{"systemctl restart glusterd"})
			d.accepting(servers)
			recovers(c2)
			d.converge()
		}},
	})
}

// tear has each brick changed while the other one is away.
func (d *desk) tear(servers []*lab.Node) {
	d.t.Helper()
	first := servers[0]
	loose := []string{"cluster.quorum-type none", "cluster.self-heal-daemon off", "cluster.data-self-heal off", "cluster.metadata-self-heal off", "cluster.entry-self-heal off"}
	for _, o := range loose {
		first.Gluster(slices.Concat([]string{"volume", "set", "server"}, strings.Fields(o))...)
	}
	sh(d.web1, "echo both >/cache_client/torn; sync -f /cache_client/torn")
	clients := func(n int) {
		d.t.Helper()
		d.waitFor("the client's connections", func() bool {
			return strings.Count(sh(d.web1, "cat /cache_client/.meta/graphs/active/server-client-*/private"), "connected = 1") == n
		})
	}
	for i, n := range servers {
		n.KillBrick("/cache_server/brick")
		clients(1)
		sh(d.web1, "echo only "+servers[1-i].Name+" >/cache_client/torn; sync -f /cache_client/torn")
		n.Gluster("volume", "start", "server", "force")
		clients(2)
	}
	for _, o := range loose {
		first.Gluster("volume", "reset", "server", strings.Fields(o)[0])
	}
	d.waitFor("the split-brain", func() bool {
		return strings.Contains(first.Gluster("volume", "heal", "server", "info", "split-brain"), "Number of entries in split-brain: 1")
	})
}
