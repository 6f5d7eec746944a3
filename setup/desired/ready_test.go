package desired

import "testing"

func TestReadyNamesEveryBrickOfTheNode(t *testing.T) {
	s := State{
		BrickMounts: []BrickMount{{Path: "/cache", BrickPath: "/cache/brick"}},
		Directories: []Directory{{Path: "/srv/a b", BrickPath: "/srv/a b/brick"}},
	}
	for brick, want := range map[string]bool{"/cache/brick": true, "/srv/a b/brick": true, "/cache": false, "/cache/brick2": false, "": false} {
		if got := IsReady(s.Ready(), brick); got != want {
			t.Errorf("%q: %t", brick, got)
		}
	}
	if IsReady("", "/cache/brick") {
		t.Error("a node that says nothing is not ready")
	}
}
