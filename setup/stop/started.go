package stop

import (
	"context"
	"time"

	"brickyard/gluster"
)

// GlusterdStarted is when this node's glusterd started, by the clock as it is now: what the clock said then may have
// been a year off. It is the zero time where that cannot be found out.
func GlusterdStarted() time.Time {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	began, err := gluster.StartedAfterBoot(ctx, "/proc", gluster.DefaultSocket)
	if err != nil {
		return time.Time{}
	}
	now, err := ThisMoment()
	if err != nil {
		return time.Time{}
	}
	return time.Now().Add(began - now.Up)
}
