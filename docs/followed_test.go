package docs

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Where a runbook's commands are followed: typed as they are printed, on a cluster in that state, and the cluster is well afterwards.
const (
	lab    = "setup/labtest/runbooks*_test.go"
	oncall = "internal/oncall/faults.go"
	bench  = "hack/runbooks" // on hosts that are well, in the scenario molecule:cache
)

// notFollowed are commands that no test types: the page, a command or "" for all that are left of it, and why.
func notFollowed() [][3]string {
	return [][3]string{
		{"GlusterBrickFull", "xfs_growfs /server", "needs a brick on a disk that grows; a lab has none"},
		{"GlusterBrickFilesystemStuck", "systemctl stop gluster-setup-recover.timer gluster-setup-recover.service", "needs systemd: typed in the scenario oncall"},
		{"GlusterBrickReadOnly", "systemctl stop gluster-setup-recover.timer gluster-setup-recover.service", "needs systemd: typed in the scenario oncall"},
		{"GlusterBrickReadOnly", "systemctl start gluster-setup-recover.timer", "needs systemd: typed in the scenario oncall, with the service"},
		{"GlusterRecoverySlow", "systemctl start gluster-setup-recover.timer", "needs systemd: typed in the scenario oncall, with the service"},
		{"GlusterBrickSuspect", "gluster-setup recover --give-up web1.example.com", "GlusterRecoveryNeedsPerson's, with another node; here it needs a power cut before"},
		{"GlusterCheckStale", "", "needs systemd"},
		{"GlusterExporterDown", "", "needs Prometheus and systemd: the scenario oncall stops and starts the exporter"},
		{"GlusterFileDescriptorsLow", "systemctl edit glusterd", "opens an editor, and needs systemd"},
		{"GlusterGeoReplicationFailing", "", "needs a second cluster with ssh"},
		{"GlusterPowerLossUndecided", "gluster-setup status", "only looks"},
		{"GlusterProbeStale", "systemctl restart gluster_exporter", "needs systemd"},
		{"GlusterRebalanceFailed", "", "needs a rebalance that failed; the scenario oncall starts one and asks for its status"},
		{"GlusterReplicationSlow", "gluster-setup verify", "needs two clients"},
		{"GlusterVersionsDiffer", "", "needs packages of another version"},
	}
}

// typedOf returns for each page of the lab's tests the commands that they type.
func typedOf(source string) map[string][]string {
	incident := regexp.MustCompile(`(?m)^\t\t\{"(Gluster[A-Za-z]+)", func\(\) \{$`)
	str := regexp.MustCompile("`[^`]*`|\"(?:[^\"\\\\]|\\\\.)*\"(?: \\+ mount)?")
	out := map[string][]string{}
	at := incident.FindAllStringSubmatchIndex(source, -1)
	for i, m := range at {
		end := len(source)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		for _, s := range str.FindAllString(source[m[1]:end], -1) {
			s, isMount := strings.CutSuffix(s, " + mount")
			if s = s[1 : len(s)-1]; isMount {
				s += `"$(pgrep -f 'process-name fuse.* /cache_client$')"`
			}
			out[source[m[2]:m[3]]] = append(out[source[m[2]:m[3]]], s)
		}
	}
	return out
}

// Every command of a runbook is typed by a test, or it stands here why not. Those of check blocks only look: hack/runbooks types them.
func TestHowManyCommandsOfRunbooksAreFollowed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../" + lab)
	if err != nil || len(files) == 0 {
		t.Fatalf("%q, %v", files, err)
	}
	typed := map[string][]string{}
	for _, f := range files {
		source, err := os.ReadFile(f) //nolint:gosec // our own source
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(typed, typedOf(string(source)))
	}
	used := map[int]bool{}
	var followed, looks int
	var left []string
	for page, text := range runbooks(t) {
		name := strings.TrimSuffix(page[strings.LastIndex(page, "/")+1:], ".md")
		for _, b := range blocks(t, page, text) {
			for line := range strings.Lines(b.text) {
				command, _, _ := strings.Cut(line, "  #")
				command = strings.TrimSpace(command)
				switch {
				case !b.shell() || command == "":
				case b.info != "sh":
					looks++
				case slices.Contains(typed[name], command):
					followed++
				default:
					i := slices.IndexFunc(notFollowed(), func(n [3]string) bool { return n[0] == name && (n[1] == command || n[1] == "") })
					if i < 0 {
						t.Errorf("%s: nobody follows %q: type it in %s, or say in notFollowed why not", b.at(), command, lab)
						continue
					}
					used[i] = true
					left = append(left, name+": "+command+": "+notFollowed()[i][2])
				}
			}
		}
	}
	for i, n := range notFollowed() {
		if !used[i] {
			t.Errorf("nothing of %s %q is left that is not followed: take it out of notFollowed", n[0], n[1])
		}
	}
	slices.Sort(left)
	t.Logf("%d commands mend something, %d of them are followed to the end; %d only look, and are typed by %s", followed+len(left), followed, looks, bench)
	t.Logf("not followed:\n%s", strings.Join(left, "\n"))
}

// What is said of the scenario oncall is so.
func TestTheScenarioTypesWhatIsSaidOfIt(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../" + oncall)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"systemctl stop gluster-setup-recover.timer gluster-setup-recover.service",
		"systemctl start gluster-setup-recover.timer gluster-setup-recover.service",
		"systemctl stop gluster_exporter.service", "systemctl start gluster_exporter.service",
	} {
		if !strings.Contains(string(source), command) {
			t.Errorf("%s does not type %q", oncall, command)
		}
	}
}
