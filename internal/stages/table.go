package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// place is when a stage runs.
type place int

const (
	// first stages run one after the other, because everything else needs them.
	first place = iota
	// computes: one of these at a time, beside those that wait.
	computes
	// waits for boots, heals and alerts most of the time: some of these at a time, those that take longest first.
	waits
	// last stages run one after the other, beside one that waits at most, and those that compute: emulated machines that
	// get a tenth of a processor lose their connections, and what then fails says nothing.
	last
)

// command is one program that a stage runs.
type command struct {
	argv []string
	env  []string // beside the environment of this program
	test bool     // it is `go test -json`
}

// stage is a part of the full test that can be run alone.
type stage struct {
	name  string
	about string
	place place
	// more says why the stage is no part of `make test`, but of `make test-all`; empty for those of both.
	more string
	// user: it needs no root.
	user bool
	// fatal: without it, nothing after it says anything.
	fatal bool
	// leaves: packages that it installs may start services of theirs.
	leaves bool
	// commands are found out when the stage begins. All of them run, whatever becomes of those before.
	commands func() ([]command, error)
	// report is where the driver of a scenario says what it does.
	report string
	// shown are the lines of a log that a person wants to see although all went well.
	shown *regexp.Regexp
}

var (
	noted = regexp.MustCompile(`^  \S`)
	row   = regexp.MustCompile(`^\|`)
)

// script is a stage's only command, a script of this checkout.
func script(argv ...string) func() ([]command, error) {
	return func() ([]command, error) { return []command{{argv: argv}}, nil }
}

// table has every stage, in the order in which those of one place run.
func table() []stage {
	all := []stage{
		{
			name: "install", about: "install what is missing", place: first, fatal: true, leaves: true, shown: noted,
			commands: script("hack/install", "test"),
		},
		{
			name: "install:more", about: "install what only make test-all needs", place: first, fatal: true, leaves: true, shown: noted,
			more: "Salt and its compiler", commands: script("hack/install", "callers"),
		},
		{name: "build", about: "build both programs", place: first, user: true, fatal: true, commands: script("hack/build")},
		{
			name: "images", about: "images of the test hosts", place: first, fatal: true, shown: noted,
			commands: images("bookworm:full", "bookworm:bare", "bookworm:monitor"),
		},
		{
			name: "images:more", about: "images of the test hosts that only make test-all needs", place: first, fatal: true,
			more: "for the other releases and the callers", shown: noted,
			commands: images("bullseye:full", "trixie:full", "bookworm:callers"),
		},

		{
			name: "lint", about: "lint Go, shell, YAML and playbooks", place: computes, user: true, shown: noted,
			commands: script("hack/lint"),
		},
		{
			name: "unit", about: "Go tests with the race detector, seeds of the fuzz targets included", place: computes, user: true,
			commands: unit,
		},
		{
			name: "power", about: "a power cut of a virtual machine, and every file afterwards", place: last, shown: row,
			commands: script("hack/power", "short"),
		},
		{
			name: "collection", about: "the Ansible collection: build, documentation, examples, ansible-test sanity",
			place: computes, user: true, shown: noted, commands: script("hack/collection", "check"),
		},
		{
			name: "packages", about: "deb and rpm packages; the deb below a live cluster", place: computes, shown: noted,
			commands: script("hack/packages", "test"),
		},
		{name: "fuzz", about: "a short search in each fuzz target", place: computes, user: true, commands: fuzz},

		scenario("oncall", "bookworm", ""),
		short(scenario("reboot", "bookworm", ""), "REBOOT_STEPS=short"),
		{name: "lab", about: "Go tests on live clusters", place: waits, commands: lab},
		scenario("exporter", "bookworm", ""),
		scenario("web", "bookworm", ""),
		scenario("cache", "bookworm", ""),

		{
			name: "lab:race", about: "the Go tests on live clusters that run without the race detector, with it", place: waits,
			more:     "they start our programs and wait; no concurrency of ours is in their own process",
			commands: labRace,
		},
		{
			name: "lab:runbooks", about: "every command of the runbooks, typed on live clusters", place: waits,
			more: "two clusters go through 23 pages one after the other; what is typed changes when a runbook does", commands: labRunbooks,
		},
		{
			name: "lab:bullseye", about: "the lab tests whose outcome depends on GlusterFS, on that of Debian 11", place: waits,
			more: "another release of GlusterFS", commands: labOf("bullseye"),
		},
		{
			name: "lab:trixie", about: "the lab tests whose outcome depends on GlusterFS, on that of Debian 13", place: waits,
			more: "another release of GlusterFS", commands: labOf("trixie"),
		},
		scenario("cache", "bullseye", "another release of Debian"),
		scenario("cache", "trixie", "another release of Debian"),
		{
			name: "callers", about: "a shell loop, Puppet, Salt and cloud-init call gluster-setup", place: waits, shown: noted,
			more: "they change when the command line or the examples do", commands: script("hack/callers"),
		},
		{
			name: "reboot:more", about: "the steps of the scenario reboot that make test leaves out", place: waits,
			more:   "a step of make test implies them, or they are rarely broken: internal/reboot/steps.go has the reason of each",
			report: filepath.Join("molecule", "reboot-more-report.log"),
			commands: func() ([]command, error) {
				return []command{{argv: []string{"hack/molecule", "reboot"}, env: []string{"SUITE=bookworm", "MOLECULE_GROUP=reboot-more", "REBOOT_STEPS=rest"}}}, nil
			},
		},
		{
			name: "detection", about: "how soon alerts fire, with the rules as they are", place: waits,
			more: "an hour and a half of waiting; make test divides all durations by ten", report: reportOf("oncall", "bookworm"),
			commands: func() ([]command, error) {
				return []command{{argv: []string{"hack/molecule", "oncall"}, env: []string{"SUITE=bookworm", "ONCALL_SPEED=1"}}}, nil
			},
		},
		{
			name: "power:more", about: "power cuts in every mode, and with the articles' recipe", place: last, shown: row,
			more: "two hours of emulated machines", commands: script("hack/power"),
		},
	}
	return all
}

// scenario is a Molecule scenario on hosts of one Debian release.
func scenario(name, suite, more string) stage {
	return stage{
		name: "molecule:" + name + ":" + suite, about: "scenario on systemd hosts", place: waits, more: more,
		report: reportOf(name, suite),
		commands: func() ([]command, error) {
			return []command{{argv: []string{"hack/molecule", name}, env: []string{"SUITE=" + suite}}}, nil
		},
	}
}

// short has a scenario make its choice for make test by this variable.
func short(s stage, variable string) stage {
	all := s.commands
	s.commands = func() ([]command, error) {
		commands, err := all()
		for i := range commands {
			commands[i].env = append(commands[i].env, variable)
		}
		return commands, err
	}
	return s
}

func reportOf(name, suite string) string {
	return filepath.Join("molecule", name+"-"+suite+"-report.log")
}

func images(list ...string) func() ([]command, error) {
	return func() ([]command, error) {
		var out []command
		for _, image := range list {
			suite, kind, _ := strings.Cut(image, ":")
			out = append(out, command{argv: []string{"hack/hosts", "image", kind}, env: []string{"SUITE=" + suite}})
		}
		return out, nil
	}
}

// unit tests all packages but those that start clusters; vet is golangci-lint's business.
func unit() ([]command, error) {
	clusters, err := labPackages()
	if err != nil {
		return nil, err
	}
	packages, err := goList("{{.ImportPath}}")
	if err != nil {
		return nil, err
	}
	packages = slices.DeleteFunc(packages, func(p string) bool { return slices.Contains(clusters, p) })
	return []command{goTest(append([]string{"-race"}, packages...)...)}, nil
}

// clusterPackages are the packages whose tests start clusters and our programs, and wait: none of our concurrency is in the tests'
// own process, and the race detector would see nothing. Those that take longest come first.
func clusterPackages() []string {
	return []string{"brickyard/setup/labtest", "brickyard/exporter/labtest"}
}

// lab runs two packages at a time: clusters are heavy.
func lab() ([]command, error) {
	packages, err := labPackages()
	if err != nil {
		return nil, err
	}
	within := slices.DeleteFunc(packages, func(p string) bool { return slices.Contains(clusterPackages(), p) })
	return built(goTest(append([]string{"-p", "2", "-skip", runbooks}, clusterPackages()...)...), goTest(append([]string{"-race", "-p", "2"}, within...)...))
}

// runbooks are the tests of setup/labtest that type every command of the runbooks.
const runbooks = "^TestRunbooks"

func labRunbooks() ([]command, error) {
	return built(goTest("-run", runbooks, "./setup/labtest"))
}

func labRace() ([]command, error) {
	return built(goTest(append([]string{"-race", "-p", "2"}, clusterPackages()...)...))
}

// built are commands that use the programs of bin, behind the one that builds them: nothing is done where they are up to date.
func built(commands ...command) ([]command, error) {
	bin, err := filepath.Abs("bin")
	if err != nil {
		return nil, err
	}
	for i := range commands {
		commands[i].env = append(commands[i].env, "LAB_PROGRAMS="+bin)
	}
	return append([]command{{argv: []string{"hack/build"}}}, commands...), nil
}

// released are the tests of setup/labtest that are also run on other releases of GlusterFS.
const released = "^(TestServersThatKnow|TestCheckFinds|TestAWipedBrick|TestAVolumeThatGlusterd|TestARemovalWhose|TestAPoolMadeBy|TestAVolumeIsForThe|TestAnOpenVolume|TestOnlyThePoolsOwn)"

// labOf runs those of the exporter, and one or two each of check, recover, guard, apply, heals and access, on the GlusterFS of another
// Debian, whose C library may be older: without cgo.
func labOf(suite string) func() ([]command, error) {
	return func() ([]command, error) {
		env := []string{"SUITE=" + suite}
		hosts := exec.Command("hack/hosts", "rootfs")
		hosts.Env, hosts.Stderr = append(os.Environ(), env...), os.Stderr
		out, err := hosts.Output()
		if err != nil {
			return nil, fmt.Errorf("the root file system of Debian %s: %w", suite, err)
		}
		env = append(env, "LAB_ROOT="+strings.TrimSpace(string(out)), "CGO_ENABLED=0")
		exporter := goTest("-p", "1", "./exporter/labtest", "./exporter/probe/labtest")
		setup := goTest("-run", released, "./setup/labtest")
		exporter.env, setup.env = env, env
		return built(exporter, setup, command{argv: []string{"hack/hosts", "rootfs", "unmount"}, env: env})
	}
}

// slow are the fuzz targets that try few inputs a second, and how many of them they try here.
func slow() map[string]string {
	return map[string]string{"FuzzReplies": "100x", "FuzzEditFstab": "1000x", "FuzzEchoes": "2000x", "FuzzJournal": "2000x"}
}

// fuzz searches each target with one worker, because other stages run beside. It counts inputs: a search that is limited in time
// fails now and then without having found anything, when its end meets a worker that waits for a processor
// (https://go.dev/issue/75804). FUZZTIME says how many inputs, as "5000x", or how long all the same.
func fuzz() ([]command, error) {
	found, err := targets(os.DirFS("."))
	if err != nil {
		return nil, fmt.Errorf("find the fuzz targets: %w", err)
	}
	var commands []command
	for _, t := range found {
		amount := cmp.Or(os.Getenv("FUZZTIME"), slow()[t.name], "5000x")
		commands = append(commands, goTest("-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", amount, "-parallel", "1",
			"-fuzzminimizetime", "100x", "./"+t.dir))
	}
	if len(commands) == 0 {
		return nil, fmt.Errorf("no fuzz targets")
	}
	return commands, nil
}

type target struct{ dir, name string }

var fuzzFunc = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// targets finds the fuzz targets in the files: `go test -list` would link every test for it.
func targets(files fs.FS) ([]target, error) {
	var out []target
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata" || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		for _, m := range fuzzFunc.FindAllSubmatch(text, -1) {
			out = append(out, target{filepath.Dir(path), string(m[1])})
		}
		return nil
	})
	return out, err
}

// goTest is a run of `go test`. Nothing in it may be taken from an earlier run, and no test ends because the machine was
// slow: a test that hangs is ended by the limit of go test all the same, after an hour. Vet is golangci-lint's business;
// with -trimpath the packages are those that hack/build compiles.
func goTest(args ...string) command {
	return command{argv: append([]string{"go", "test", "-json", "-count=1", "-vet=off", "-trimpath", "-timeout", "60m"}, args...), test: true}
}

// labPackages are those whose tests start clusters.
func labPackages() ([]string, error) {
	const uses = `{{$p := .ImportPath}}{{range .TestImports}}{{if eq . "brickyard/internal/lab"}}{{$p}}{{"\n"}}{{end}}{{end}}` +
		`{{range .XTestImports}}{{if eq . "brickyard/internal/lab"}}{{$p}}{{"\n"}}{{end}}{{end}}`
	packages, err := goList(uses)
	if err == nil && len(packages) == 0 {
		err = fmt.Errorf("no package starts a cluster")
	}
	return packages, err
}

// goList returns the lines that `go list` makes of all packages, each once.
func goList(format string) ([]string, error) {
	list := exec.Command("go", "list", "-f", format, "./...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	lines := strings.Fields(string(out))
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

// chosen returns the stages that are asked for by name, in the table's order: a scenario of any name and release may be
// named, `molecule` stands for the scenarios of make test.
func chosen(all []stage, names []string, everything bool) ([]stage, error) {
	var out []stage
	for _, s := range all {
		named := slices.Contains(names, s.name) ||
			(s.more == "" && strings.HasPrefix(s.name, "molecule:") && slices.Contains(names, "molecule"))
		if named || (len(names) == 0 && (everything || s.more == "")) {
			out = append(out, s)
		}
	}
	for _, name := range names {
		if name == "molecule" || slices.ContainsFunc(all, func(s stage) bool { return s.name == name }) {
			continue
		}
		parts := strings.Split(name, ":")
		if len(parts) != 3 || parts[0] != "molecule" {
			return nil, fmt.Errorf("no stage %s; there are: %s", name, strings.Join(stageNames(all), " "))
		}
		if _, err := os.Stat(filepath.Join("molecule", parts[1], "molecule.yml")); err != nil {
			return nil, fmt.Errorf("stage %s: no scenario %s", name, parts[1])
		}
		out = append(out, scenario(parts[1], parts[2], ""))
	}
	return out, nil
}

func stageNames(all []stage) []string {
	var out []string
	for _, s := range all {
		out = append(out, s.name)
	}
	return out
}
