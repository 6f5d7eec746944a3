package verify

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
)

func TestAMountThatHangsEndsTheRun(t *testing.T) {
	tests := []struct {
		name string
		stop time.Duration // 0: never
		want string
	}{
		{"when patience is over", 0, ": no answer for 2s: the mount hangs"},
		{"soon after it is stopped", time.Second, ": no answer when stopped: context canceled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, volume *shared) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.stop > 0 {
					time.AfterFunc(tt.stop, cancel)
				}
				release := make(chan struct{})
				defer close(release)
				v := volume.view()
				v.before = func(op, _ string) error {
					if op == "create" {
						<-release
						return errors.New("released")
					}
					return nil
				}
				_, err := run(ctx, testConfig("web1", []string{"web1"}), v)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v\nwant  … %s", err, tt.want)
				}
				volume.mustBeClean(t)
			})
		})
	}
}

func TestAStoppedMeetingCleansUp(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		cfg := testConfig("web1", []string{"web1", "web2"})
		var waited []string
		cfg.Waiting = func(s string) { waited = append(waited, s) }
		_, err := run(ctx, cfg, volume.view())
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if len(waited) != 1 || waited[0] != "waiting for verify to start on web2" {
			t.Errorf("waited for %q", waited)
		}
		volume.mustBeClean(t)
	})
}

func TestOfTwoRunsOnOneNodeTheLaterGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		nodes := []string{"web1", "web2"}
		var group sync.WaitGroup
		var first error
		group.Go(func() { _, first = run(t.Context(), testConfig("web1", nodes), volume.view()) })
		for _, node := range nodes { // the other node comes when the first run has been replaced: else it may meet that one
			time.Sleep(time.Second)
			group.Go(func() {
				if _, err := run(t.Context(), testConfig(node, nodes), volume.view()); err != nil {
					t.Errorf("%s: %v", node, err)
				}
			})
		}
		group.Wait()
		if !errors.Is(first, errReplaced) {
			t.Errorf("the first run: %v", first)
		}
		volume.mustBeClean(t)
	})
}

func TestRunsOfTwoMountsOfOneVolumeDoNotMix(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		nodes := []string{"web1", "web2"}
		var group sync.WaitGroup
		for _, path := range []string{"/client", "/other"} {
			for _, node := range nodes {
				cfg := testConfig(node, nodes)
				cfg.Path = path
				group.Go(func() {
					if _, err := run(t.Context(), cfg, volume.view()); err != nil {
						t.Errorf("%s on %s: %v", node, path, err)
					}
				})
			}
		}
		group.Wait()
		volume.mustBeClean(t)
	})
}

func TestANodeAloneNoticesWhatItsOwnClientGetsWrong(t *testing.T) {
	tests := []struct {
		name   string
		breaks func(v *view)
		want   string
	}{
		{"another content", func(v *view) { v.change = func(string, []byte) []byte { return []byte("x") } }, "a file was read back differently from what was written: "},
		{"an incomplete listing", func(v *view) {
			v.showAfter = func(string) time.Duration { return time.Hour }
			v.change = nil
		}, "no such file"},
		{"a removed file that is listed", func(v *view) { v.ghosts = func(string) time.Duration { return time.Hour } }, "a removed file is still listed: "},
		{"a removed file that opens", func(v *view) { v.opens = func(string) time.Duration { return time.Hour } }, "a removed file can still be opened: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, volume *shared) {
				v := volume.view()
				tt.breaks(v)
				result, err := run(t.Context(), testConfig("web1", []string{"web1"}), v)
				if err == nil && !result.Complete || err == nil || !strings.Contains(err.Error(), tt.want) && !errors.Is(err, os.ErrNotExist) {
					t.Errorf("error %v\nwant  … %s …", err, tt.want)
				}
				volume.mustBeClean(t)
			})
		})
	}
}

func TestSomebodyElsesFilesAreNeverRemoved(t *testing.T) {
	tests := []struct {
		name  string
		plant func(t *testing.T, base string) string
		want  string
	}{
		{"a file in place of the directory", func(t *testing.T, base string) string {
			t.Helper()
			if err := os.WriteFile(base, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			return base
		}, baseDir + " on the volume is not a directory: remove it"},
		{"a link in place of the directory", func(t *testing.T, base string) string {
			t.Helper()
			if err := os.Symlink(t.TempDir(), base); err != nil {
				t.Fatal(err)
			}
			return base
		}, baseDir + " on the volume is not a directory: remove it"},
		{"a file in a former run's directory", func(t *testing.T, base string) string {
			t.Helper()
			dir := filepath.Join(base, groupName("server", "/client"), "run-aa-0-0-web1")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "thesis.txt")
			if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			return file
		}, "holds thesis.txt, which is not verify's: remove it yourself"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, volume *shared) {
				file := tt.plant(t, filepath.Join(volume.dir, baseDir))
				_, err := run(t.Context(), testConfig("web1", []string{"web1"}), volume.view())
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "clean up") {
					t.Errorf("error %v\nwant  … %s", err, tt.want)
				}
				if _, err := os.Lstat(file); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestOnlyTheVolumesMountIsVerified(t *testing.T) {
	gluster := func(source string) *mountinfo.Info {
		return &mountinfo.Info{Mountpoint: "/client", FSType: "fuse.glusterfs", Source: source}
	}
	disk := &mountinfo.Info{Mountpoint: "/client", FSType: "xfs", Source: "/dev/vdb"}
	tests := []struct {
		name   string
		mounts []*mountinfo.Info
		want   string
	}{
		{"the volume", []*mountinfo.Info{gluster("web1:/server")}, ""},
		{"the volume without a slash", []*mountinfo.Info{gluster("web1:server")}, ""},
		{"a directory of the volume by an IPv6 address", []*mountinfo.Info{gluster("fd00::1:/server/html")}, ""},
		{"the volume over a disk", []*mountinfo.Info{disk, gluster("web1:/server")}, ""},
		{"nothing", nil, "nothing is mounted on /client: run gluster-setup apply on this node first"},
		{"a disk over the volume", []*mountinfo.Info{gluster("web1:/server"), disk}, "/client is a mount of /dev/vdb (xfs), not of volume server: unmount it and run gluster-setup apply"},
		{"another volume", []*mountinfo.Info{gluster("web1:/server2")}, "/client is a mount of web1:/server2, not of volume server: unmount it and run gluster-setup apply"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := checkMounts(tt.mounts, "/client", "server"); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if err := checkMount("/nowhere", "server"); err == nil {
		t.Error("/nowhere is taken for a mount")
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	good := testConfig("web1", []string{"web1", "web2"})
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no node", func(c *Config) { c.Node = "" }, `node name "" cannot be part of a file name`},
		{"a peer with a slash", func(c *Config) { c.Peers = []string{"a/b"} }, `node name "a/b" cannot be part of a file name`},
		{"itself as a peer", func(c *Config) { c.Peers = []string{"web1"} }, "node web1 is named twice"},
		{"a peer twice", func(c *Config) { c.Peers = []string{"web2", "web2"} }, "node web2 is named twice"},
		{"no volume", func(c *Config) { c.Volume = "" }, `"" is no volume name`},
		{"a relative path", func(c *Config) { c.Path = "client" }, `mount point "client" is not an absolute path`},
		{"no timeout", func(c *Config) { c.Timeout = 0 }, "--timeout 0s: must be more than 0"},
		{"negative patience", func(c *Config) { c.Patience = -1 }, "--patience -1ns: must be more than 0"},
		{"a negative interval", func(c *Config) { c.Interval = -1 }, "--interval -1ns: must be more than 0"},
		{"no rounds", func(c *Config) { c.Rounds = 0 }, "--rounds 0: must be at least 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good
			tt.change(&cfg)
			if _, err := Run(t.Context(), cfg); err == nil || err.Error() != tt.want {
				t.Errorf("error %v\nwant  %s", err, tt.want)
			}
		})
	}
	if _, err := Run(t.Context(), good); err == nil || !strings.HasPrefix(err.Error(), "nothing is mounted on /client") {
		t.Errorf("error %v", err)
	}
}

func TestADirectoryThatTheClientTakesForMissingIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		begin := time.Now()
		v := volume.view()
		v.before = func(op, name string) error {
			if op == "stat" && name == baseDir && time.Since(begin) < time.Second {
				return os.ErrNotExist
			}
			return nil
		}
		other := volume.view()
		if err := other.Mkdir(baseDir); err != nil {
			t.Fatal(err)
		}
		if _, err := run(t.Context(), testConfig("web1", []string{"web1"}), v); err != nil {
			t.Error(err)
		}
		if time.Since(begin) < time.Second {
			t.Error("it did not meet the directory")
		}
		volume.mustBeClean(t)
	})
}
