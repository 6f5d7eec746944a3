package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"brickyard/internal/simulated"
)

// scrapesEnv has TestManyScrapes make another number of scrapes: 24 hours of them, one every 15 s, are 5,760.
const scrapesEnv = "EXPORTER_SCRAPES"

// TestManyScrapes makes many scrapes as fast as they go, while volumes come and go and bricks restart, and looks at what is left of it.
func TestManyScrapes(t *testing.T) {
	scrapes := 300
	if text := os.Getenv(scrapesEnv); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		scrapes = n
	}
	c := simulate(t, simulated.Size{Volumes: 1, Peers: 3})
	s := serving(t, c)
	change := func(i int) {
		var err error
		switch i % 20 {
		case 4:
			c.Work()
		case 8:
			_, err = c.AddVolume()
		case 12:
			err = c.RestartBricks(c.Volumes()[0])
		case 16:
			if names := c.Volumes(); len(names) > 1 {
				err = c.RemoveVolume(names[len(names)-1])
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	scrape := func(from, to int) {
		for i := from; i < to; i++ {
			change(i)
			if status, body, err := s.get("/metrics"); err != nil || status != http.StatusOK {
				t.Fatalf("scrape %d: status %d, %v: %s", i, status, err, body)
			}
		}
	}
	warm := scrapes / 10 / 20 * 20 // so that as many volumes are there at the end
	scrape(0, warm)
	before := left(t, s)
	scrape(warm, scrapes/20*20)
	after := left(t, s)
	t.Logf("%d scrapes: %s, and after the first %d: %s", scrapes, after, warm, before)
	// Some goroutines and descriptors come and go with connections; one lost every hundred scrapes would be more than that.
	if after.goroutines > before.goroutines+5 || after.descriptors > before.descriptors+5 {
		t.Error("goroutines or descriptors were lost")
	}
	if after.children != 0 {
		t.Error("processes were left")
	}
	if after.heap > before.heap+512<<10 {
		t.Error("the heap has grown by more than 512 KiB")
	}
}

// remains is what a process holds.
type remains struct {
	goroutines, descriptors, children int
	heap                              uint64 // bytes, after collections
}

func (r remains) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %d children, %d KiB of heap", r.goroutines, r.descriptors, r.children, r.heap>>10)
}

// left is what this process holds once nothing is under way.
func left(t *testing.T, s *server) (r remains) {
	t.Helper()
	s.client.CloseIdleConnections()
	const rounds = 20 // until what ends has ended
	for i := range rounds {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		now := remains{goroutines: runtime.NumGoroutine(), descriptors: len(fds), heap: m.HeapAlloc}
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		for _, thread := range threads {
			if text, err := os.ReadFile("/proc/self/task/" + thread.Name() + "/children"); err == nil {
				now.children += len(strings.Fields(string(text)))
			}
		}
		if i == 0 {
			r = now
		}
		r = remains{min(r.goroutines, now.goroutines), min(r.descriptors, now.descriptors), now.children, min(r.heap, now.heap)}
	}
	return r
}
