package lab

import (
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// usage adds up the processor time of a lab: the first process of each node's namespaces inherits that of all daemons
// which end in them, and commands that a test runs in a node are processes of the test.
type usage struct {
	mu       sync.Mutex
	commands []*exec.Cmd
}

func (u *usage) add(cmd *exec.Cmd) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.commands = append(u.commands, cmd)
}

// seconds is what the commands that have ended have used, in seconds.
func (u *usage) seconds() float64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	var used time.Duration
	for _, cmd := range u.commands {
		if state := cmd.ProcessState; state != nil {
			used += state.UserTime() + state.SystemTime()
		}
	}
	return used.Seconds()
}

// tell makes what the lab has used an attribute of its test, when everything in it has ended.
func (l *Lab) tell() {
	l.t.Attr("processor_seconds", strconv.FormatFloat(l.usage.seconds(), 'f', 2, 64))
}
