package agree

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/desired"
)

// sixty is a pool of four servers in which the first three have a brick of each of sixty volumes, and the fourth of the first.
func sixty() (servers []desired.Server, seen actual.Node, names []string) {
	for i := range 4 {
		name := fmt.Sprintf("s%d", i+1)
		servers = append(servers, desired.Server{Name: name})
		seen.Peers = append(seen.Peers, gluster.Peer{UUID: "u" + name, Names: []string{name}, Local: i == 0, Connected: true, State: gluster.PeerInCluster})
	}
	for i := range 60 {
		v := gluster.Volume{Name: fmt.Sprintf("v%02d", i)}
		for k := range 4 {
			if k < 3 || i == 0 {
				v.Bricks = append(v.Bricks, gluster.Brick{Host: fmt.Sprintf("10.0.0.%d", k+1), PeerUUID: fmt.Sprintf("us%d", k+1), Path: "/b"})
			}
		}
		seen.Volumes = append(seen.Volumes, v)
		names = append(names, v.Name)
	}
	return servers, seen, names
}

func TestAServerIsAskedAboutAllItsBricksAndAFewOtherVolumes(t *testing.T) {
	servers, seen, names := sixty()
	about := Share(servers, "s1", seen)
	for _, server := range []string{"s1", "s2", "s3"} {
		if got := about(server, names); !slices.Equal(got, names) {
			t.Errorf("%s is asked about %v", server, got)
		}
	}
	if got := about("s4", append([]string{"unknown"}, names...)); len(got) != 2+few || !slices.Contains(got, "v00") || !slices.Contains(got, "unknown") {
		t.Errorf("s4 is asked about %v", got)
	}
	if got := about("s4", names[:few+1]); len(got) != few+1 {
		t.Errorf("s4, that has few volumes, is asked about %v", got)
	}
	// Nodes ask about others, so that together they ask about all.
	all := map[string]bool{}
	for _, node := range []string{"s1", "s2", "s3"} {
		if node != "s1" {
			for i := range seen.Peers {
				seen.Peers[i].Local = seen.Peers[i].Names[0] == node
			}
		}
		for _, v := range Share(servers, node, seen)("s4", names) {
			all[v] = true
		}
	}
	if len(all) != len(names) {
		t.Errorf("together they ask s4 about %d volumes", len(all))
	}
}

func TestAServerThatThePoolRejectsIsAskedAboutEverything(t *testing.T) {
	servers, seen, names := sixty()
	seen.Peers[3].State = gluster.PeerRejected
	if got := Share(servers, "s1", seen)("s4", names); !slices.Equal(got, names) {
		t.Errorf("it is asked about %v", got)
	}
}

func TestWhoWasNotAskedAboutAVolumeIsNoServerWithoutIt(t *testing.T) {
	v := view("s3", 0)
	v.Unasked = []string{"server"}
	nodes := []actual.Node{view("s1", 7, volume(gluster.Started)), view("s2", 7, volume(gluster.Started)), v}
	if found := Differences(nodes); len(found) > 0 {
		t.Errorf("%v", found)
	}
	nodes[1] = view("s2", 6, volume(gluster.Stopped))
	found := Differences(nodes)
	if len(found) != 1 || strings.Contains(found[0].String(), "s3") || len(found[0].Others) != 1 {
		t.Errorf("%v", found)
	}
}
