package labtest_test

import (
	"regexp"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// byWarning has every warning of plan, apply, status, wait and render by words of it, and the test that does what it says, or why none does.
func byWarning() map[string]string {
	const (
		here  = "followed by TestWhatWarningsSayIsFollowedToTheEnd"
		tells = "tells, and asks for nothing"
		unit  = "the remedy is a line of the cluster file, whose warning is gone with it: TestWarnings of setup/cluster"
	)
	return map[string]string{
		// of the cluster file
		"keeps two copies without quorum":                 here,
		"keeps two copies with quorum":                    "that of two copies without quorum, which is followed",
		"has three copies but %s none":                    tells,
		"three copies but may be written with one":        tells,
		"has its self-heal daemon switched off":           tells,
		"has network.ping-timeout 0":                      tells,
		"has root squash":                                 tells,
		"lets clients keep attributes":                    tells,
		"lets in every machine that reaches its bricks (": here,
		"under options leaves out node":                   here,
		"may have granular entry heal":                    here,
		"which GlusterFS 10 does not know":                tells,
		"has its bricks in":                               tells,
		"is on tmpfs but not ephemeral":                   tells,
		"has durability async":                            tells,
		"name the image file instead":                     unit,
		"is in the image file":                            tells,
		// of the pool
		"which somebody else set: left alone":        here,
		"nobody knows whether a client":              tells,
		"is connected and is let in no more":         tells,
		"is in the pool but not in the cluster file": tells,
		"which the cluster file no longer names":     tells,
		"which the cluster file does not name":       tells,
		// of this machine
		"when it starts: restart it after this apply":          "restarting glusterd without systemd is the other service manager's",
		"this machine does not run systemd":                    "what starts things at boot there is a person's to know",
		"resolves to a local address":                          tells,
		"cloud-init writes /etc/hosts anew at every boot":      "followed by TestHostsThatHaveLostTheirLinesAreNamed, and with a real cloud-init by hack/callers",
		"cloud-init has written this file":                     "its remedy is that of the one above; the warning is gone with it: TestWhatTakesOurLinesOutOfHostsIsWarnedOf",
		"another program says that it writes this file":        "how that program is told is its own",
		"is under way since boot":                              "needs systemd and a boot; the scenario reboot has the wait, and mount PATH is what the unit of the mount calls",
		"and neither the cluster file nor another line of":     here,
		"run apply, which changes it in use":                   "followed by TestAnOpenVolumeIsClosedWhileItsClientsWork",
		"and the cluster file names who may use it: run apply": "followed by TestAnOpenVolumeIsClosedWhileItsClientsWork",
		"runs without %s: now and then a read":                 here,
		"is not root's and counts for nothing":                 here,
		"and our block in /etc/fstab still mounts it":          tells,
		"nobody waits until this node's bricks":                tells,
		"is mounted all the same, and names that were":         tells,
		"the exporter cannot know that the mount waits":        tells,
		"so apply installs none":                               here,
		"waits up to %s: the only complete copy is here":       tells,
		"goes on after %":                                      tells,
		"is not the one that was applied here last":            "followed by TestALeaderThatWasAwayTakesNothingBack",
	}
}

// A warning that a command makes is one of these lines of the program.
func warningLines(text string) []string {
	made := regexp.MustCompile(`(?m)^.*(?:[wW]arnings = append\(.*"|\bwarn\("|"warning: %?[^s%"]|"warning: %s: volume|return fmt\.Sprintf\("mount %s runs|words = append\(words, fmt\.Sprintf\("volume %s is|out = append\(out, fmt\.Sprintf\("volume %s: %s under).*$`)
	returned := regexp.MustCompile(`(?m)^.*return \[\]string\{fmt\.Sprintf\("volume %s (?:keeps|has|lets|may).*$`)
	return append(made.FindAllString(text, -1), returned.FindAllString(text, -1)...)
}

// Nobody adds a warning that says what to do, and that no test does, without saying so.
func TestHowManyRemediesOfWarningsAreFollowed(t *testing.T) {
	t.Parallel()
	tests := sources(t, "*.go", true)
	text := ""
	for _, dir := range []string{"cluster", "pool", "host", "status", "client", "desired", "mountwait", "stop", "."} {
		text += sources(t, "../"+dir+"/*.go", false)
	}
	used := map[string]bool{}
	for _, line := range warningLines(text) {
		known := false
		for words := range byWarning() {
			if strings.Contains(line, words) {
				known, used[words] = true, true
			}
		}
		if !known {
			t.Errorf("nobody does what this warning says: %s; say in byWarning which test does, or why none", strings.TrimSpace(line))
		}
	}
	followed, tell, left := 0, 0, []string{}
	for words, how := range byWarning() {
		name, is := strings.CutPrefix(how, "followed by ")
		name, _, _ = strings.Cut(name, ",")
		switch {
		case !used[words]:
			t.Errorf("no warning says %q any more: take it out of byWarning", words)
		case is && !strings.Contains(tests, "func "+name+"("):
			t.Errorf("%s: there is no %s", words, name)
		case is:
			followed++
		case strings.HasPrefix(how, "tells"):
			tell++
		default:
			left = append(left, words+": "+how)
		}
	}
	t.Logf("%d warnings, %d of them tell and ask for nothing, %d are followed to the end; the others:\n%s", len(used), tell, followed, strings.Join(left, "\n"))
}

// warned is a state of which a command warns, and what the warning says, followed to the end.
type warned struct {
	name    string
	make    func()
	at      *lab.Node
	command []string
	words   string // of the warning, which is gone in the end
	says    string // what to do, in its own words
	hand    func() // does it; without a hand it is a command, and is run as it is printed
}

func TestWhatWarningsSayIsFollowedToTheEnd(outer *testing.T) {
	outer.Parallel()
	file := cacheFile(2, 1, 2, "ephemeral: true")
	with := func(lines string) string {
		return strings.Replace(file, "    ephemeral: true\n", "    ephemeral: true\n"+lines, 1)
	}
	s := newSite(outer, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, file)
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	write := func(text string) func() { return func() { s.write(text); s.converge() } }
	const (
		allow  = "gluster volume set server auth.allow 10.77.0.11,10.77.0.12,10.77.0.13,10.77.0.99"
		quorum = "keeps two copies without quorum"
	)
	plan, status := []string{"plan"}, []string{"status"}
	for _, w := range []warned{
		{
			"two copies, before the volume is made", func() {}, first, plan, quorum, "A third node with `replica: 3` and `arbiter: 1`, written before the volume is made, removes this",
			func() {
				s.write(cacheFile(3, 0, 3, "arbiter: 1"))
			},
		},
		{
			"everybody is let in", write(with("    access: any\n")), first, plan, "lets in every machine that reaches its bricks (", "Name the addresses under `access:`",
			write(with("    access: [10.77.0.99]\n")),
		},
		{
			"a node is left out", func() { s.write(with("    options: {auth.allow: \"10.77.0.11,10.77.0.12\"}\n")) }, first, plan, "auth.allow under options leaves out node n3.example.com", "Write the others under `access:` instead",
			write(with("    access: [10.77.0.99]\n")),
		},
		{
			"access that somebody else set", func() { write(with("    access: any\n"))(); first.Run("bash", "-c", allow); s.write(file) }, second, plan,
			"which somebody else set: left alone", "gluster volume reset server auth.allow, and run apply again", func() { second.Gluster("volume", "reset", "server", "auth.allow"); s.converge() },
		},
		{
			"granular entry heal that is off", func() {
				write(with("    options: {cluster.granular-entry-heal: on}\n"))()
				first.Gluster("volume", "heal", "server", "granular-entry-heal", "disable")
			}, first, plan, "", "gluster volume heal server granular-entry-heal enable", nil,
		},
		{
			"a mount that nobody wants", func() {
				write(file)()
				client.Run("bash", "-c", "mkdir -p /left; mount -t glusterfs n1.example.com:/server /left")
			}, client, status, "and neither the cluster file nor another line of /etc/fstab has that mount", "umount /left", nil,
		},
		{
			"a mount that shows old contents", func() {
				client.Run("bash", "-c", "umount /client; mount -t glusterfs -o nosuid,nodev n1.example.com:/server /client")
			}, client, status, "mount /client runs without auto-invalidation=yes", "umount /client && mount /client", nil,
		},
		{
			"a mark that is not root's", func() {
				first.Run("bash", "-c", "echo begun x >/cache_server/.gluster-setup-refill; chown 65534 /cache_server/.gluster-setup-refill")
				s.expect(first, 0, nil, "recover")
			}, first, status, "is not root's and counts for nothing", "Find out who made it, and remove it", func() {
				first.Run("rm", "/cache_server/.gluster-setup-refill")
				s.expect(first, 0, nil, "recover")
			},
		},
		{
			"targets of exporters that nobody runs", func() {}, first,
			[]string{"render", "--root", "/rendered", "--prometheus", "/targets"},
			"so apply installs none", "add \"exporter: {}\" to",
			func() { s.write(file + "exporter: {}\n") },
		},
	} {
		if !outer.Run(w.name, func(t *testing.T) {
			s.t = t
			defer func() { s.t = outer }()
			w.make()
			o := s.try(w.at, w.command[0], w.command[1:]...)
			if said := oneLine(o.out); !strings.Contains(said, w.words) || !strings.Contains(said, w.says) {
				t.Fatalf("%s: exit %d, without %q and %q\n%s", w.command, o.code, w.words, w.says, o.out)
			}
			if w.hand != nil {
				w.hand()
			} else {
				w.at.Run("bash", "-c", w.says)
			}
			if w.words == "" {
				return
			}
			if o := s.try(w.at, w.command[0], w.command[1:]...); strings.Contains(oneLine(o.out), w.words) {
				t.Errorf("%s says it still: exit %d\n%s", w.command, o.code, o.out)
			}
		}) {
			break
		}
	}
}
