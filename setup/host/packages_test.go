package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"brickyard/setup/desired"
)

// bare is a host without GlusterFS but with a package manager, whose programs
// say what says returns.
func bare(t *testing.T, manager string, says func(argv []string) error) (*Host, *[]string) {
	t.Helper()
	root := t.TempDir()
	bin := filepath.Join(root, "usr/bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if manager != "" {
		if err := os.WriteFile(filepath.Join(bin, manager), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ran := &[]string{}
	h := &Host{Root: root, State: &desired.State{Packages: true, Server: true, ClientMounts: []desired.ClientMount{{}}}}
	h.Exec = func(_ context.Context, env []string, argv ...string) ([]byte, error) {
		words := slices.DeleteFunc(slices.Clone(argv), func(s string) bool { return strings.HasPrefix(s, "-") || strings.Contains(s, "::") })
		if len(env) > 0 {
			words = append([]string{env[0]}, words...)
		}
		*ran = append(*ran, strings.Join(words, " "))
		if says == nil {
			return nil, nil
		}
		return nil, says(argv)
	}
	return h, ran
}

func TestMissingProgramsAreInstalled(t *testing.T) {
	for manager, want := range map[string][]string{
		"apt-get": {"DEBIAN_FRONTEND=noninteractive apt-get install glusterfs-server", "DEBIAN_FRONTEND=noninteractive apt-get install glusterfs-client"},
		"dnf":     {"dnf install glusterfs-server", "dnf install glusterfs-fuse"},
	} {
		h, ran := bare(t, manager, nil)
		p := h.packages(glusterPrograms(h.State))
		for _, c := range p.Changes {
			if err := c.Do(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(c.Why, "is missing: this node") {
				t.Errorf("why: %s", c.Why)
			}
		}
		if !slices.Equal(*ran, want) || len(p.Conflicts) > 0 {
			t.Errorf("%s: %q, %v", manager, *ran, p.Conflicts)
		}
	}
}

func TestProgramsThatAreThereAreNotInstalled(t *testing.T) {
	h, _ := bare(t, "apt-get", nil)
	for _, name := range []string{"usr/sbin/glusterd", "sbin/mount.glusterfs"} {
		path := filepath.Join(h.Root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if p := h.packages(glusterPrograms(h.State)); !p.Settled() {
		t.Errorf("%+v", p)
	}
}

func TestPackagesThatNobodyMayInstallAreConflicts(t *testing.T) {
	for _, test := range []struct {
		manager string
		allowed bool
		says    string
	}{{"apt-get", false, "manage.packages is false"}, {"", true, "neither apt-get nor dnf"}} {
		h, ran := bare(t, test.manager, nil)
		h.State.Packages = test.allowed
		p := h.packages(glusterPrograms(h.State))
		if len(p.Conflicts) != 2 || len(p.Changes) != 0 || !strings.Contains(p.Conflicts[0].Problem, test.says) || !strings.Contains(p.Conflicts[0].Remedy, "glusterfs-server") {
			t.Errorf("%+v", p)
		}
		if len(*ran) > 0 {
			t.Errorf("it ran %v", *ran)
		}
	}
}

func TestAptIsHelped(t *testing.T) {
	const frontend = "DEBIAN_FRONTEND=noninteractive "
	install, update, configure := frontend+"apt-get install glusterfs-server", frontend+"apt-get update", frontend+"dpkg"
	errApt := errors.New("exit status 100")
	for _, test := range []struct {
		name string
		says string // of the first try
		want []string
	}{
		{"without package lists", "E: Unable to locate package glusterfs-server", []string{install, update, install}},
		{"after a dpkg that was interrupted", "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.", []string{install, configure, update, install}},
	} {
		t.Run(test.name, func(t *testing.T) {
			first := true
			h, ran := bare(t, "apt-get", func(argv []string) error {
				if slices.Contains(argv, "install") && first {
					first = false
					return fmt.Errorf("apt-get install: %w: %s", errApt, test.says)
				}
				return nil
			})
			p := h.packages(glusterPrograms(h.State)[:1])
			if err := p.Changes[0].Do(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(*ran, test.want) {
				t.Errorf("%q, want %q", *ran, test.want)
			}
		})
	}
	t.Run("but what fails for good fails with both reasons", func(t *testing.T) {
		h, _ := bare(t, "apt-get", func(argv []string) error { return fmt.Errorf("%s: %w", argv[len(argv)-1], errApt) })
		p := h.packages(glusterPrograms(h.State)[:1])
		err := p.Changes[0].Do(t.Context())
		if !errors.Is(err, errApt) || !strings.Contains(err.Error(), "glusterfs-server") || !strings.Contains(err.Error(), "package lists") {
			t.Errorf("error: %v", err)
		}
	})
}
