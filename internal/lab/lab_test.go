package lab_test

import (
	"testing"

	"brickyard/internal/lab"
)

func TestThreeNodesFormAPool(t *testing.T) {
	l := lab.Start(t, lab.Options{})
	l.Pool()
	peers, err := l.Node(2).Client().Peers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", peers)
}
