package hack

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// sourced runs a script that has the functions of lib.sh, in an empty directory that is its cache as well, and returns what it printed.
func sourced(t *testing.T, script string) string {
	t.Helper()
	lib, err := filepath.Abs("lib.sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", "source \"$0\"\nCACHE=$PWD/cache\n"+script, lib)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PROVE=")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestWhatPassedIsRunAgainWhenItsInputsChange(t *testing.T) {
	for name, c := range map[string]struct{ between, want string }{
		"nothing changed":                 {"", "ran\n"},
		"a file has other contents":       {"echo other >in/a", "ran\nran\n"},
		"a file has another mode":         {"chmod 600 in/a", "ran\nran\n"},
		"a file has another name":         {"mv in/a in/b", "ran\nran\n"},
		"there is a file more":            {": >in/b", "ran\nran\n"},
		"a link leads elsewhere":          {"ln -sf b in/link", "ran\nran\n"},
		"the command has other arguments": {"arguments=more", "ran\nran\n"},
		"the command is another one":      {"judge() { echo ran; : otherwise; }", "ran\nran\n"},
		"it is asked for":                 {"PROVE=again", "ran\nran\n"},
		"a file was only touched":         {"touch -d 2001-01-01 in/a", "ran\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := sourced(t, `
				mkdir in; echo one >in/a; chmod 644 in/a; ln -s a in/link; arguments=
				judge() { echo ran; }
				unless_proved test/it in -- judge $arguments
				`+c.between+`
				unless_proved test/it in -- judge $arguments`)
			if got != c.want {
				t.Errorf("it printed %q, not %q", got, c.want)
			}
		})
	}
}

func TestWhatFailedIsRunAgain(t *testing.T) {
	got := sourced(t, `
		judge() { echo ran; return 3; }
		for try in 1 2; do if unless_proved it -- judge; then echo passed; else echo "failed: $?"; fi; done`)
	if want := "ran\nfailed: 3\nran\nfailed: 3\n"; got != want {
		t.Errorf("it printed %q, not %q", got, want)
	}
}

func TestColumnsOfATableAreBelowEachOther(t *testing.T) {
	got := sourced(t, `printf 'GROUP HOST STATE\ndemo web1 running\na-long-name w exited\n' | as_table`)
	if want := "GROUP        HOST  STATE\ndemo         web1  running\na-long-name  w     exited\n"; got != want {
		t.Errorf("it printed %q, not %q", got, want)
	}
}
