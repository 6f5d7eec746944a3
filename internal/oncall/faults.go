package main

import "context"

// fault is one thing that breaks, and what must come of it.
type fault struct {
	name  string
	fires []alert  // each of them must fire
	pages []string // other alerts of severity page that follow from it, and may fire
	// briefly are pages that shortened rules may raise while the fault is being made or repaired. How long a boot
	// or a lost connection takes is not shortened with them. With the rules as they are nobody may be woken.
	briefly []string
	make    func(context.Context, hosts) error
	repair  func(context.Context, hosts) error
}

// alert is one that must fire, with these labels.
type alert struct {
	name string
	on   labels
}

const (
	cache1, cache2, web1, web2 = "cache1", "cache2", "web1", "web2"
	monitor                    = "monitor"
	domain                     = ".example.com"
)

func servers() []string { return []string{cache1, cache2} }

func clients() []string { return []string{web1, web2} }

func everywhere() []string { return append(servers(), clients()...) }

// on is where an alert fires: on a host, with more labels in pairs.
func on(host string, more ...string) labels {
	l := labels{"instance": host + domain}
	for i := 0; i+1 < len(more); i += 2 {
		l[more[i]] = more[i+1]
	}
	return l
}

// of are labels in pairs.
func of(pairs ...string) labels {
	l := labels{}
	for i := 0; i+1 < len(pairs); i += 2 {
		l[pairs[i]] = pairs[i+1]
	}
	return l
}

// script makes or repairs a fault on one host.
func script(host, text string) func(context.Context, hosts) error {
	return func(ctx context.Context, h hosts) error {
		_, err := h.on(ctx, host, text)
		return err
	}
}

// onServers does so on both servers.
func onServers(text string) func(context.Context, hosts) error {
	return func(ctx context.Context, h hosts) error { return h.onAll(ctx, servers(), text) }
}

const (
	// recover looks every 15 seconds and would bring the process back: a process that stays away is one for which
	// nobody looks. That it does bring them back is shown in the scenario exporter.
	unattended = "systemctl stop gluster-setup-recover.timer gluster-setup-recover.service; "
	attended   = "systemctl start gluster-setup-recover.timer gluster-setup-recover.service"
)

// faults are in waves. Those of one wave hit different machines or volumes, and none of them hides another; a
// wave begins when all is well again.
func faults() [][]fault {
	return [][]fault{
		{
			// It takes its time to make, and the others would wait for it.
			{
				name:   "replicas differ, heal info says 0",
				fires:  []alert{{"GlusterBricksDiffer", of("volume", "web")}},
				make:   spoilContents,
				repair: agree,
			},
			{
				name:   "self-heal daemon dead",
				fires:  []alert{{"GlusterSelfHealDaemonDown", on(cache1, "volume", "server")}, {"GlusterSelfHealDaemonDown", on(cache1, "volume", "web")}},
				make:   script(cache1, unattended+"pkill -KILL -f '[g]lustershd'"),
				repair: script(cache1, attended),
			},
			{
				name:   "client mount hangs (its process stopped with SIGSTOP)",
				fires:  []alert{{"GlusterMountHung", on(web1, "mountpoint", "/cache_client")}},
				make:   script(web1, "pkill -STOP -f '[g]lusterfs .*/cache_client$'"),
				repair: script(web1, "pkill -CONT -f '[g]lusterfs .*/cache_client$'"),
			},
			{
				name:   "client mount gone (umount)",
				fires:  []alert{{"GlusterMountMissing", on(web2, "mountpoint", "/web_client")}},
				make:   script(web2, "umount -l /web_client"),
				repair: script(web2, "mount /web_client"),
			},
			{
				name:   "exporter stopped",
				fires:  []alert{{"GlusterExporterDown", on(cache2)}},
				make:   script(cache2, "systemctl stop gluster_exporter.service"),
				repair: script(cache2, "systemctl start gluster_exporter.service"),
			},
			{
				name:   "another cluster file applied on one node only",
				fires:  []alert{{"GlusterClusterFilesDiffer", of()}},
				make:   script(web2, "cp "+clusterFile+" /root/oncall.yaml; echo 'shutdown_wait_seconds: 299' >>"+clusterFile+"; gluster-setup apply --parts host"),
				repair: script(web2, "mv /root/oncall.yaml "+clusterFile+"; gluster-setup apply --parts host"),
			},
			{
				name: "certificate ends within two days",
				fires: []alert{
					{"GlusterCertificateExpiresSoon", on(cache1, "file", "/etc/ssl/glusterfs.pem")},
					{"GlusterCertificateExpires", on(cache1, "file", "/etc/ssl/glusterfs.pem")},
				},
				make:   script(cache1, "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=cache1 -keyout /root/oncall.key -out /etc/ssl/glusterfs.pem"),
				repair: script(cache1, "rm /root/oncall.key /etc/ssl/glusterfs.pem"),
			},
		},
		{
			{
				name: "brick dead",
				fires: []alert{
					{"GlusterRedundancyLost", of("volume", "server")},
					{"GlusterBrickDown", on(cache2, "volume", "server")},
				},
				make:   script(cache2, unattended+"pkill -KILL -f '[g]lusterfsd .*/cache_server/brick'"),
				repair: script(cache2, attended),
			},
			{
				name: "all bricks of a volume dead",
				fires: []alert{
					{"GlusterVolumeNotWritable", of("volume", "web")},
					{"GlusterBrickDown", on(cache1, "volume", "web")},
					{"GlusterBrickDown", on(cache2, "volume", "web")},
				},
				pages: []string{"GlusterProbeFailing"},
				// One brick is back before the other.
				briefly: []string{"GlusterRedundancyLost"},
				make:    onServers(unattended + "pkill -KILL -f '[g]lusterfsd .*/web_server/brick'"),
				repair:  onServers(attended),
			},
		},
		{{
			name: "server loses power",
			fires: []alert{
				{"GlusterRedundancyLost", of("volume", "server")},
				{"GlusterRedundancyLost", of("volume", "web")},
				{"GlusterPeerDisconnected", on(cache1, "peer", cache2+domain)},
				{"GlusterExporterDown", on(cache2)},
			},
			make:   power("kill", cache2),
			repair: power("start", cache2),
		}},
		{{
			name: "server cut off from the cluster; the monitor reaches it",
			fires: []alert{
				{"GlusterRedundancyLost", of("volume", "server")},
				{"GlusterRedundancyLost", of("volume", "web")},
				{"GlusterPeerDisconnected", on(cache1, "peer", cache2+domain)},
				{"GlusterPeerDisconnected", on(cache2, "peer", cache1+domain)},
			},
			// Clients wait for it two or three times as long as network.ping-timeout, some 30 seconds.
			briefly: []string{"GlusterMountHung", "GlusterProbeFailing"},
			make: func(ctx context.Context, h hosts) error {
				for _, other := range []string{cache1, web1, web2} {
					if err := h.cut(ctx, cache2, other, false); err != nil {
						return err
					}
				}
				return nil
			},
			repair: rejoined,
		}},
		{{
			name: "brick file system without free inodes",
			fires: []alert{
				{"GlusterBrickInodesLow", on(cache1, "volume", "server")},
				{"GlusterBrickInodesLow", on(cache2, "volume", "server")},
			},
			// No file can be made.
			pages: []string{"GlusterProbeFailing"},
			make: onServers(`
				stat -f -c %c /cache_server >/root/oncall.inodes
				for try in $(seq 300); do
					used=$(($(stat -f -c '%c - %d' /cache_server)))
					mount -o remount,nr_inodes=$((used + 3)) /cache_server && exit
				done
				exit 1`),
			repair: onServers(`mount -o remount,nr_inodes="$(cat /root/oncall.inodes)" /cache_server; rm /root/oncall.inodes`),
		}},
		{{
			name:  "split-brain (both sides of a partition changed one file)",
			fires: []alert{{"GlusterSplitBrain", of("volume", "web")}},
			// Clients wait for the servers that they are cut from: some 20 seconds, of which the rule as it is forgives 45.
			briefly: []string{"GlusterRedundancyLost", "GlusterProbeFailing", "GlusterMountHung"},
			make:    tear,
			repair:  mend,
		}},
		{
			{
				name: "option set on one server only (glusterds cut from each other)",
				fires: []alert{
					{"GlusterVolumeConfigDiffers", of("volume", "web")},
					{"GlusterPeerDisconnected", on(cache1, "peer", cache2+domain)},
				},
				make:   setAlone,
				repair: setTogether,
			},
			{
				name: "brick file system full",
				fires: []alert{
					{"GlusterBrickFull", on(cache1, "volume", "server")},
					{"GlusterBrickFull", on(cache2, "volume", "server")},
				},
				// Nothing can be written.
				pages:  []string{"GlusterProbeFailing"},
				make:   onServers("dd if=/dev/zero of=/cache_server/oncall.fill bs=64k 2>/dev/null || true"),
				repair: onServers("rm /cache_server/oncall.fill"),
			},
		},
		{{
			name: "glusterd's files edited on one server: peer rejected",
			fires: []alert{
				{"GlusterPeerRejected", on(cache1, "peer", cache2+domain)},
				{"GlusterPeerRejected", on(cache2, "peer", cache1+domain)},
				{"GlusterVolumeConfigDiffers", of("volume", "web")},
			},
			// On Debian a server's bricks end with its glusterd, and begin with it.
			briefly: []string{"GlusterRedundancyLost"},
			make: script(cache2, `
				systemctl stop glusterd.service
				echo network.frame-timeout=900 >>/var/lib/glusterd/vols/web/info
				systemctl start glusterd.service`),
			repair: script(cache2, `
				systemctl stop glusterd.service
				rm -rf /root/glusterd.old && mkdir /root/glusterd.old && mv /var/lib/glusterd/vols/web /root/glusterd.old/
				systemctl start glusterd.service`),
		}},
		{{
			name: "brick suspect after a power cut, its peer away",
			fires: []alert{
				{"GlusterBrickSuspect", on(cache2, "volume", "web")},
				{"GlusterRedundancyLost", of("volume", "web")},
				{"GlusterPeerDisconnected", on(cache2, "peer", cache1+domain)},
			},
			make:   doubt,
			repair: undoubt,
		}},
		{{
			name: "all servers lose power",
			fires: []alert{
				{"GlusterProbeFailing", on(web1, "volume", "server")},
				{"GlusterProbeFailing", on(web2, "volume", "web")},
				{"GlusterExporterDown", on(cache1)},
				{"GlusterExporterDown", on(cache2)},
			},
			// Nobody is left to say what the volumes lack. They die and boot one after the other, and what clients write meanwhile
			// to the one and then to the other meets: without quorum that is split-brain.
			pages: []string{"GlusterProbeFailing", "GlusterMountHung", "GlusterVolumeNotWritable", "GlusterRedundancyLost", "GlusterSplitBrain"},
			make:  power("kill", cache1, cache2),
			repair: func(ctx context.Context, h hosts) error {
				if _, err := h.do(ctx, "start", cache2, cache1); err != nil {
					return err
				}
				return mend(ctx, h)
			},
		}},
	}
}
