package dashboards

func heal() page {
	const (
		none  = "No brick lacks anything"
		never = "gluster-setup recover has not run on these nodes"
	)
	return page{
		uid: uidHeal, title: "GlusterFS: heal and recovery",
		description: "What bricks missed, who brings it back, and whether it gets less.",
		rows: []row{
			{"Now", []panel{
				{
					kind: number, title: "Waiting to heal", unit: "none", width: 4, height: 4, steps: []step{{0, "green"}, {1, "yellow"}, {1000, "orange"}},
					description: "Files and directories that a brick knows to be stale on another one. One that two bricks know of counts twice.",
					queries:     []query{{pending, ""}},
				},
				{
					kind: number, title: "Split-brain", unit: "none", width: 4, height: 4, steps: bad(1),
					description: "Entries that the latest crawls found in split-brain, at least. A crawl comes every ten minutes, and when a brick comes back.",
					queries:     []query{{splitBrain, ""}},
				},
				{
					kind: number, title: "Nobody heals", unit: "none", width: 4, height: 4, steps: bad(1),
					description: "Nodes whose self-heal daemon does not serve a volume that has bricks there, though the volume's options want it.",
					queries:     []query{{`sum(gluster_volume_self_heal_enabled{` + inBoth + `} * on (cluster, instance, volume) (1 - gluster_self_heal_daemon_up{` + inBoth + `}))`, ""}},
				},
				{
					kind: number, title: "Bricks not complete", unit: "none", width: 4, height: 4, steps: []step{{0, "green"}, {1, "orange"}}, empty: "0",
					description: "Bricks that gluster-setup recover found empty, half-filled or down, and that are not complete since.",
					queries:     []query{{`sum(gluster_recovery_incomplete{` + inBoth + `})`, ""}},
				},
				{
					kind: number, title: "Needs a person", unit: "none", width: 4, height: 4, steps: bad(1), empty: "0",
					description: "Bricks that gluster-setup recover cannot bring back until somebody decides. gluster-setup status on the node says what.",
					queries:     []query{{needsPerson, ""}},
				},
				{
					kind: number, title: "Last emptied", unit: "dateTimeFromNow", width: 4, height: 4, steps: []step{{0, "blue"}}, empty: "never",
					description: "When contents of a brick were last thrown away or begun anew: usual for a tmpfs brick after a reboot.",
					queries:     []query{{`1000 * max(gluster_recovery_emptied_timestamp_seconds{` + inBoth + `})`, ""}},
				},
			}},
			{"Heal", []panel{
				{
					kind: graph, title: "Waiting to heal, by brick", unit: "none", width: 12, height: 8, steps: plain,
					description: "Entries that each brick knows to be stale on other bricks of its set, from its own index. The brick that lacks them has 0.",
					queries:     []query{{`gluster_brick_heal_pending_entries{` + inBoth + `}`, "{{brick}}"}},
				},
				{
					kind: graph, title: "Pace", unit: "none", signed: true, width: 12, height: 8, steps: plain,
					description: "By how many entries the backlog of a volume changed in ten minutes: below zero it shrinks, at zero with a backlog nothing is healed.",
					queries:     []query{{`delta(cluster_volume:gluster_heal_pending_entries:sum{` + inVolume + `}[10m])`, "{{volume}}"}},
				},
				{
					kind: timeline, title: "Self-heal daemons", unit: "none", width: 12, height: 7,
					states:      []string{silent, "!down", "up"},
					description: "Whether a self-heal daemon of the node serves the volume. " + silentMeans,
					queries:     []query{{orSilent(`gluster_self_heal_daemon_up{`+inBoth+`}`, `last_over_time(gluster_self_heal_daemon_up{`+inBoth+`}[1h])`), "{{volume}} {{instance}}"}},
				},
				{
					kind: timeline, title: "Crawls", unit: "none", width: 12, height: 7,
					states:      []string{"at rest", "?running"},
					description: "Whether a self-heal daemon is going through the backlog of a brick. A short crawl may fall between two scrapes.",
					queries:     []query{{`max by (cluster, volume, brick) (gluster_heal_crawl_running{` + inBoth + `})`, "{{brick}}"}},
				},
				{
					kind: graph, title: "What the latest crawl came to", unit: "none", width: 12, height: 7, steps: plain,
					description: "Entries that the latest crawl of each brick's backlog healed, and could not heal, as when their other brick is away.",
					queries: []query{
						{`max by (cluster, volume, brick) (gluster_heal_crawl_healed_entries{` + inBoth + `})`, "{{brick}} healed"},
						{`max by (cluster, volume, brick) (gluster_heal_crawl_failed_entries{` + inBoth + `})`, "{{brick}} failed"},
					},
				},
				{
					kind: graph, title: "Split-brain, by brick", unit: "none", width: 12, height: 7, steps: plain,
					description: "More than 0 is certain, the number is a lower bound. Reading such a file fails with an input/output error.",
					queries:     []query{{`max by (cluster, volume, brick) (gluster_heal_crawl_split_brain_entries{` + inBoth + `})`, "{{brick}}"}},
				},
				{
					kind: graph, title: "Writes under way or broken off", unit: "none", width: 12, height: 7, steps: plain,
					description: "Dirty: files with a write under way at this moment, or interrupted in the middle. Names: directories in which single names wait.",
					queries: []query{
						{`gluster_brick_heal_dirty_entries{` + inBoth + `}`, "{{brick}} dirty"},
						{`gluster_brick_heal_entry_changes{` + inBoth + `}`, "{{brick}} names"},
					},
				},
				{
					kind: graph, title: "Exact counts", unit: "none", width: 12, height: 7, steps: plain, empty: "The collector heal-info is off",
					description: "What gluster volume heal VOLUME info summary counts, from the collector heal-info: exact, and dear. Differs where one brick is away.",
					queries: []query{
						{`max by (cluster, volume, brick) (gluster_heal_info_pending_entries{` + inBoth + `})`, "{{brick}} waiting"},
						{`max by (cluster, volume, brick) (gluster_heal_info_split_brain_entries{` + inBoth + `})`, "{{brick}} split-brain"},
					},
				},
			}},
			{"Recovery after reboots", []panel{
				{
					kind: timeline, title: "Bricks that gluster-setup recover looks after", unit: "none", width: 12, height: 7, empty: never,
					states:      []string{silent, "complete", "?coming back", "?waits for a node", "!needs a person"},
					description: "Coming back: the brick is brought up or refilled. Waiting: nothing is done until another node is there. " + silentMeans,
					queries: []query{{orSilent(`gluster_recovery_incomplete{`+inBoth+`} + gluster_recovery_waiting{`+inBoth+`} + gluster_recovery_needs_person{`+inBoth+
						`}`, `last_over_time(gluster_recovery_incomplete{`+inBoth+`}[1h])`), "{{volume}} {{instance}} {{path}}"}},
				},
				{
					kind: list, title: "What it does, and why", unit: "none", width: 12, height: 7, steps: plain, empty: none,
					description: "What gluster-setup recover does about bricks that are not complete, in its own words.",
					queries:     []query{{`count by (cluster, instance, volume, path, action, reason) (gluster_recovery_info{` + inBoth + `})`, ""}},
				},
				{
					kind: graph, title: "Time since recover last looked", unit: "s", width: 12, height: 6, steps: plain, empty: never,
					description: "It looks every 15 seconds. More than a minute: its timer does not run.",
					queries:     []query{{`time() - gluster_recovery_updated_timestamp_seconds{` + onNode + `}`, "{{instance}}"}},
				},
				{
					kind: graph, title: "Bricks emptied", unit: "none", width: 12, height: 6, steps: plain, empty: "Never",
					description: "How often contents of a brick were thrown away or begun anew, of the last hundred events of its node.",
					queries:     []query{{`gluster_recovery_emptied_events{` + inBoth + `}`, "{{brick}}"}},
				},
			}},
			{"Power cuts", []panel{
				{
					kind: timeline, title: "Bricks that may have lost something in a power cut", unit: "none", width: 12, height: 7, empty: never,
					states:      []string{"trusted", "!suspect"},
					description: "Suspect: nobody has proved yet that the brick holds what it had acknowledged. It is withheld, being compared or healed, or serves because no brick knows better.",
					queries:     []query{{`gluster_recovery_suspect{` + inBoth + `}`, "{{volume}} {{instance}} {{path}}"}},
				},
				{
					kind: graph, title: "What the latest comparison came to", unit: "none", width: 12, height: 7, steps: plain, empty: "No brick was compared",
					description: "Of the comparison of each brick after its latest power cut: what was healed, what only this brick had and is kept aside, and what a person should look at.",
					queries: []query{
						{`gluster_recovery_resync_marked_entries{` + inBoth + `}`, "{{instance}} {{path}} healed"},
						{`gluster_recovery_resync_taken_out_entries{` + inBoth + `}`, "{{instance}} {{path}} kept aside"},
						{`gluster_recovery_resync_copied_entries{` + inBoth + `} + gluster_recovery_resync_undecided_entries{` + inBoth + `}`, "{{instance}} {{path}} for a person"},
					},
				},
			}},
		},
	}
}
