package actual

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"brickyard/gluster"
)

func TestWhatAQuestionToABrickCameTo(t *testing.T) {
	for _, tc := range []struct {
		err               error
		online, reachable bool
		unknown           string
	}{
		{nil, true, true, ""},
		{&gluster.Error{Kind: gluster.ErrBrickOffline, Err: syscall.ECONNREFUSED}, false, true, ""},
		{&gluster.Error{Kind: gluster.ErrBrickSilent, Text: "its port 49152 on n1 does not answer: a firewall?"}, false, true, "its port 49152 on n1 does not answer: a firewall?"},
		{&gluster.Error{Kind: gluster.ErrNotRunning}, false, false, "glusterd on its node does not answer"},
		{&gluster.Error{Kind: gluster.ErrTimeout, Err: context.DeadlineExceeded}, false, false, "a firewall closes port 24007"},
		{&gluster.Error{Kind: gluster.ErrUnreachable, Err: fmt.Errorf("dial: %w", syscall.EHOSTUNREACH)}, false, false, "its node cannot be reached: no route to host"},
		{&gluster.Error{Err: fmt.Errorf("read: %w", syscall.ECONNRESET)}, false, false, "hangs up: does it encrypt its management connections"},
		{&gluster.Error{Op: "brick port", Kind: gluster.ErrMalformed}, false, false, "malformed"},
	} {
		b := Brick{Online: true, Unknown: "before"}
		b.Found(tc.err)
		if b.Online != tc.online || b.Reachable != tc.reachable || (tc.unknown == "") != (b.Unknown == "") || !strings.Contains(b.Unknown, tc.unknown) {
			t.Errorf("%v: %+v", tc.err, b)
		}
	}
}
