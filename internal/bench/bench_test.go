package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTableHasMediansSpreadsAndRatiosWithinRounds(t *testing.T) {
	of := samples{}
	for round, v := range []float64{1, 3, 2} {
		of.add("ours", "wall", round, v)
		of.add("theirs", "wall", round, 100*v)
	}
	of.add("ours", "cpu", 0, 0.0421)
	got := grid(of.table([]named{{"wall", "wall"}, {"cpu", "CPU"}}, []named{{"ours", "ours"}, {"theirs", "the others"}, {"nobody", "was not here"}},
		[]ratio{{"theirs", "ours", "the others / ours"}, {"nobody", "ours", "nobody / ours"}}))
	want := `
                                  wall     CPU
   ours               2.00 (1.00-3.00)  0.0421
   the others            200 (100-300)       -
   the others / ours     100 (100-100)       -
`
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got); diff != "" {
		t.Error(diff)
	}
}

func TestFiguresHaveThreeDigits(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.0123456: "0.0123", 0.9999: "1.00", 9.999: "10.0", 12.34: "12.3", 999.6: "1000", 123456: "123456", -1.5: "-1.50"} {
		if got := figure(x); got != want {
			t.Errorf("%v is %q, want %q", x, got, want)
		}
	}
}

func TestResultsOfARealBenchmark(t *testing.T) {
	const file = "testdata/status-glusterfs-10.3.txt"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all, err := results(string(data), file)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[1].name != "Status" || all[1].title("geo-replication") != "geo-replication=installed" {
		t.Fatalf("%+v", all)
	}
	of := statusSamples(all, "installed")
	if got := of.of("cli", "", "client"); len(got) != 1 || got[0] != 115.3 {
		t.Errorf("processor time of the client: %v", got)
	}
	if got := median(of.of("cli", "socket", "wall")); got < 277 || got > 278 {
		t.Errorf("the command line takes %v times as long", got)
	}
}

func TestOutputWithoutABenchmarkIsAnError(t *testing.T) {
	_, err := results("PASS\nok  \tbrickyard/gluster\t0.1s\n", "nothing.out")
	if err == nil || !strings.Contains(err.Error(), "nothing.out") {
		t.Errorf("%v", err)
	}
}

func TestBeforeAndNowAreComparedWithinRounds(t *testing.T) {
	of := samples{}
	for round := range 6 {
		machine := float64(round + 1) // how busy it is
		of.add("before", "Check cpu-s", round, 2*machine)
		of.add("now", "Check cpu-s", round, 2.1*machine)
	}
	of.add("now", "Resync s", 0, 1) // the other one failed to report it
	table := beforeTable(of)
	if len(table) != 2 || table[1][0] != "Check cpu-s" || table[1][3] != "1.05 (1.05-1.05)" {
		t.Errorf("%q", table)
	}
}

func TestControlGroupOfAContainer(t *testing.T) {
	for text, want := range map[string]string{
		"12:cpu,cpuacct:/libpod_parent/libpod-ab12\n0::/x\n":         "/sys/fs/cgroup/cpuacct/libpod_parent/libpod-ab12/cpuacct.usage",
		"0::/machine.slice/libpod-ab12.scope/container/init.scope\n": "/sys/fs/cgroup/machine.slice/libpod-ab12.scope/cpu.stat",
	} {
		if got, err := cgroupFile(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := cgroupFile("0::/user.slice\n"); err == nil {
		t.Error("no container, and no error")
	}
}

func TestLinesOfTheHosts(t *testing.T) {
	if got, want := hostsLines("a.example.com 10.0.0.1\nb.example.com 10.0.0.2"), "10.0.0.1 a.example.com\n10.0.0.2 b.example.com\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
