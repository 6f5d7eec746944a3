package labtest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

func TestWhatPlanSaysAboutAMachineIsFollowedToTheEnd(t *testing.T) {
	t.Parallel()
	right := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, right)
	s.converge()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	// put ends in what a person does with an editor.
	sh := func(n *lab.Node, script string) func() {
		return func() { s.t.Helper(); n.Run("bash", "-ec", script) }
	}
	corrected := func() { s.write(right) }
	edited := func(old, now string) func() {
		return func() {
			s.t.Helper()
			text := strings.Replace(right, old, now, 1)
			if text == right {
				s.t.Fatalf("no %q in:\n%s", old, right)
			}
			s.write(text)
		}
	}
	const end = "# END gluster-setup"
	s.follow(t, []ailment{
		{
			"somebody else's address in /etc/hosts", "hosts-entry", sh(first, "echo 192.0.2.7 n2.example.com n2 >>/etc/hosts"), first,
			[]string{"192.0.2.7"},
			[]step{{first, "remove the name from this line", sh(first, "sed '/192.0.2.7/d' /etc/hosts >/tmp/h; cat /tmp/h >/etc/hosts")}},
		},
		{
			"our block in /etc/hosts without its end", "hosts-entry", sh(first, "sed '/^"+end+"/d' /etc/hosts >/tmp/h; cat /tmp/h >/etc/hosts"), first, nil,
			[]step{{first, `add the line "` + end + `" behind the last line of the block`, sh(first, "echo '"+end+"' >>/etc/hosts")}},
		},
		{
			"an end of our block too much", "hosts-entry", sh(first, "echo '"+end+"' >>/etc/hosts"), first, nil,
			[]step{{first, "remove this line", sh(first, "sed '$d' /etc/hosts >/tmp/h; cat /tmp/h >/etc/hosts")}},
		},
		{
			"somebody else's line in /etc/fstab", "fstab-entry", sh(client, "echo LABEL=photos /client ext4 defaults 0 2 >>/etc/fstab"), client,
			[]string{"LABEL=photos"},
			[]step{{client, "remove that line", sh(client, "sed '/LABEL=photos/d' /etc/fstab >/tmp/h; cat /tmp/h >/etc/fstab")}},
		},
		{
			"another address family in glusterd's configuration", "address-family",
			sh(first, "sed -i '/option working-directory/a\\    option transport.address-family inet6' /etc/glusterfs/glusterd.vol"), first, nil,
			[]step{{first, "remove that line if nothing needs it", sh(first, "sed -i /address-family/d /etc/glusterfs/glusterd.vol")}},
		},
		{"no glusterd", "no-systemd", first.StopGlusterd, first, nil, []step{
			{first, "start glusterd with this machine's own service manager", first.StartGlusterd},
		}},
		{
			"another file system at the mount point of a client", "client-mount", sh(client, "umount /client; mount -t tmpfs other /client"), client, nil,
			[]step{{client, "unmount it if it is not needed", sh(client, "umount /client")}},
		},
		{
			"files below the mount point of a client", "mount-point", sh(client, "umount /client; touch /client/kept"), client,
			[]string{"holds files (kept)"},
			[]step{{client, "move the files away", sh(client, "mv /client/kept /root/")}},
		},
		{
			"a file in the place of a mount point", "mount-point", sh(client, "umount /client; rmdir /client; touch /client"), client, nil,
			[]step{{client, "move it away", sh(client, "mv /client /root/client.old")}},
		},
		{
			"a link in the place of a mount point", "symbolic-link", sh(client, "umount /client; rmdir /client; mkdir /elsewhere; ln -s /elsewhere /client"), client, nil,
			[]step{{client, "write /elsewhere in the cluster file", edited("path: /client", "path: /elsewhere")}},
		},
		{
			"the link is gone, and the former mount is left", "mount-point", func() {
				sh(client, "umount /elsewhere; rm /client; mkdir /client; touch /client/kept")()
				corrected()
			}, client, nil,
			[]step{{client, "move the files away", sh(client, "mv /client/kept /root/kept2")}},
		},
		{
			"bricks in another order", "volume-shape", edited("nodes: [n1.example.com, n2.example.com]", "nodes: [n2.example.com, n1.example.com]"), first,
			[]string{"list of bricks"},
			[]step{{nil, "correct volumes.server in the cluster file", corrected}},
		},
		{
			"a smaller brick than its contents", "tmpfs-size", func() {
				sh(client, "head -c 40M /dev/zero >/client/large; sync /client/large")()
				edited("size: 64m", "size: 32m")()
			}, first, nil,
			[]step{{nil, "raise volumes.server.bricks.tmpfs.size", corrected}},
		},
		{
			"a place above a brick in which others may write", "brick-exposed", sh(second, "chmod o+w /"), second,
			nil,
			[]step{{second, "chown root:root / && chmod go-w /", nil}},
		},
		{
			"a brick's file system that is read-only", "brick-mount", func() {
				second.KillBrick("/cache_server/brick")
				second.Run("mount", "-o", "remount,ro", "/cache_server")
			}, second,
			[]string{"read-only"},
			[]step{
				{second, "mount -o remount,rw /cache_server", nil},
				{second, "run apply again", func() { s.expect(second, 0, nil, "recover") }}, // as its timer does every minute
			},
		},
		{
			"bricks of a volume that was deleted", "brick-in-use", func() {
				client.Run("umount", "/client")
				first.Gluster("volume", "stop", "server")
				first.Gluster("volume", "delete", "server")
			}, first,
			[]string{"a volume that this pool does not have"},
			[]step{{first, "mv /cache_server/brick /cache_server/brick.old", nil}, {second, "mv /cache_server/brick /cache_server/brick.old", nil}},
		},
	})
}

// elsewhere has the conflicts whose remedies the tests in this file and in remedies_test.go do not follow: where that is done,
// or why it is not.
func elsewhere() map[string]string {
	return map[string]string{
		"peer-anew":          "followed by TestAServerThatWasInstalledAnew",
		"unknown-client":     "followed by TestAnOpenVolumeIsClosedWhileItsClientsWork",
		"brick-on-root":      "followed by TestWhatIsWrongWithTheMachineStopsApplyBeforeAnyChange",
		"name-is-local":      "followed by TestANameThatGlusterdTakesForItsOwnEndsApply",
		"name-address":       "followed by TestNamesAndAddressesThatMeanAnotherMachineAreRefused",
		"own-name":           "followed by TestNamesAndAddressesThatMeanAnotherMachineAreRefused",
		"own-address":        "followed by TestNamesAndAddressesThatMeanAnotherMachineAreRefused",
		"other-address-here": "followed by TestNamesAndAddressesThatMeanAnotherMachineAreRefused",
		"glusterd-elsewhere": "followed by TestAGlusterdWithItsStoreElsewhereIsRefused",
		"mount-unit":         "followed by TestUnitsOfOthersOnOurMountPointsAreNamed",
		"management-tls":     "followed by TestEncryptedManagementConnectionsAreRefused",
		"volume-left":        "followed by TestAVolumeThatWasDeletedIsTakenDown",
		"left-files":         "followed by TestAVolumeThatWasDeletedIsTakenDown",
		"volume-unasked":     "followed by TestAMountOfAVolumeThatNobodyKnowsOfStays",
		"brick-left":         "followed by TestAFileWithoutABrickOfThisNodeIsRefused",
		"left-in-use":        "followed by TestAMountThatLeftTheFileIsTakenAway",
		"peer-twice":         "two machines with one UUID do not form a pool in a lab",
		"brick-path":         "needs a brick on a disk",
		"not-mounted":        "needs a file system in /etc/fstab",
		"device-missing":     "needs a device",
		"device-in-use":      "needs a device",
		"device-not-blank":   "needs a device",
		"image-lost":         "needs a loop device",
		"image-on-network":   "needs a network file system",
		"exporter-missing":   "needs the exporter's program",
		"exporter-not-roots": "needs the exporter's program",
		"package-missing":    "needs a package manager",
		"unit-masked":        "needs systemd",
		"glusterd-restart":   "a lab's pool of one address family does not change to the other",
	}
}

// Every conflict has a remedy; nobody adds one that is not followed without saying so.
func TestHowManyRemediesAreFollowed(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`(?:Code:\s*|[cC]onflict\()"([a-z]+-[a-z-]+)"`)
	changes := regexp.MustCompile(`Code: "[a-z-]+", Action:`) // have codes, too
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // our own source
		for _, m := range code.FindAllStringSubmatch(changes.ReplaceAllString(string(text), ""), -1) {
			found[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var tables string
	for _, file := range []string{"remedies_test.go", "remedies_machine_test.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tables += string(text)
	}
	var followed, left []string
	for c := range found {
		why, is := elsewhere()[c]
		switch {
		case is && !strings.HasPrefix(why, "followed by "):
			left = append(left, c+": "+why)
		case is, strings.Count(tables, `"`+c+`"`) > 0:
			followed = append(followed, c)
		default:
			t.Errorf("nobody follows the remedy of conflict %s: add it to a table of these tests, or say why not in elsewhere", c)
		}
	}
	for c := range elsewhere() {
		if !found[c] {
			t.Errorf("no conflict %s is left: take it out of elsewhere", c)
		}
	}
	slices.Sort(followed)
	slices.Sort(left)
	t.Logf("%d kinds of conflicts; the remedies of %d are followed to the end: %s", len(found), len(followed), strings.Join(followed, ", "))
	t.Logf("%d are not:\n%s", len(left), strings.Join(left, "\n"))
}
