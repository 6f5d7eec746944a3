package store

import (
	"slices"
	"strings"
	"testing"
)

// FuzzDecide gives the reader of a volume's files any text: a volume is called damaged only for what its own info says
// it lacks, and names that it looks for stay in their directory.
func FuzzDecide(f *testing.F) {
	for _, text := range []string{info, "", "\n", "count=1\nbrick-0=a:b\n", "count=-1\n", "count=99999999999999999999\n", "count=2\nbrick-0=a:b\nbrick-0=a:b\n", "count=1\nbrick-0=../../x:y\n", "transport.address-family=\n"} {
		f.Add("server", text, "hostname=n1\n")
	}
	f.Fuzz(func(t *testing.T, name, text, brick string) {
		for _, b := range bricks(text) {
			if strings.Contains(b, "/") || !strings.Contains(text, b) {
				t.Errorf("%q has the brick %q", text, b)
			}
		}
		v := Volume{Name: name, Info: &text, Bricks: map[string]string{}}
		lacking := Decide(Node{Peers: 1, Volumes: []Volume{v}})
		for _, b := range bricks(text) {
			v.Bricks[b] = brick
		}
		whole := Decide(Node{Peers: 1, Volumes: []Volume{v}})
		if readable(text) && readable(brick) && len(whole) > 0 {
			t.Errorf("%q with all its bricks: %+v", text, whole)
		}
		if strings.Trim(name, nameCharacters) == "" && len(bricks(text)) > 0 && len(lacking) != 1 {
			t.Errorf("%q without its bricks: %+v", text, lacking)
		}
		for _, d := range slices.Concat(lacking, whole) {
			if d.Volume != name || d.Damage == "" {
				t.Errorf("%+v", d)
			}
		}
		if got := Decide(Node{Running: true, Peers: 1, Volumes: []Volume{v}}); got != nil {
			t.Errorf("while glusterd runs: %+v", got)
		}
	})
}
