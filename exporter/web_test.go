package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMistakesOnTheCommandLineAreNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ flag, why string }{
		{"--web.telemetry-path=metrics", "it is no path such as /metrics"},
		{"--web.telemetry-path=", "it is no path such as /metrics"},
		{"--web.telemetry-path=/{x", "it is no path such as /metrics"},
		{"--web.telemetry-path=/a b", "it is no path such as /metrics"},
		{"--web.telemetry-path=/-/healthy", "write another path"},
		{"--web.telemetry-path=/metrics/", "write another path"},
		{"--web.telemetry-path=/a/../b", "write another path"},
		{"--web.max-requests=-1", "write a number of scrapes"},
		{"--web.scrape-timeout=0s", "it must be longer than 0"},
		{"--web.timeout-offset=-1s", "it must not be less than 0"},
		{"--web.config.file=" + filepath.Join(dir, "missing.yaml"), "no such file"},
		{"--web.config.file=" + dir, "is a directory"},
		{"--web.config.file=" + file("key.yaml", "foo: bar\n"), "line 1: field foo not found"},
		{"--web.config.file=" + file("hash.yaml", "basic_auth_users:\n  a: secret\n"), "bcrypt"},
		{"--web.config.file=" + file("cert.yaml", "tls_server_config:\n  cert_file: missing.pem\n  key_file: missing.key\n"), "missing.pem: no such file"},
		{"--probe.mount=relative", "it is no absolute path"},
		{"--probe.node=" + strings.Repeat("n", 254), "a name of 254 bytes"},
		{"--probe.size=0", "it must be from 1 to"},
		{"--runtime.gomaxprocs=0", "--runtime.gomaxprocs=0: it must be 1 or more"},
		{"--probe.interval=0s", "must be longer than 0"},
	} {
		t.Run(c.flag, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			// A flag that is let through fails on the address, not by serving.
			code := run(t.Context(), []string{c.flag, "--web.listen-address=127.0.0.1:99999"}, &out, &errs)
			name, _, _ := strings.Cut(c.flag, "=")
			if text := errs.String(); code != 1 || !strings.HasPrefix(text, "gluster_exporter: "+name) || !strings.Contains(text, c.why) || out.Len() > 0 {
				t.Errorf("exit code %d, stdout %q, stderr %q: want 1, nothing, the flag and %q", code, out.String(), text, c.why)
			}
		})
	}
}

func TestTelemetryPathsThatWork(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/metrics", "/prom/gluster-1.0"} {
		f := WebFlags{TelemetryPath: path, ScrapeTimeout: 1}
		if err := f.check(); err != nil {
			t.Error(err)
		}
	}
}

func TestSystemdHearsOfAnExporterThatListensOnly(t *testing.T) {
	dir := t.TempDir()
	socket, none := filepath.Join(dir, "notify"), filepath.Join(dir, "none")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // it was read
	t.Setenv("NOTIFY_SOCKET", socket)
	heard := func(within time.Duration) string {
		t.Helper()
		buffer := make([]byte, 100)
		if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buffer)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
	var said bytes.Buffer
	if code := run(t.Context(), []string{"--web.listen-address=127.0.0.1:99999", "--path.socket=" + none}, io.Discard, &said); code != 1 || heard(10*time.Millisecond) != "" {
		t.Errorf("exit status %d, and it said that it listens: %s", code, said.Bytes())
	}
	servingOn(t, "--path.socket="+none, "--path.workdir="+none, "--path.rundir="+none)
	if got := heard(patience); got != "READY=1" {
		t.Errorf("heard %q", got)
	}
}

// Started by hand with the flag of its unit, it says what is missing instead of listening where nobody asks.
func TestWithoutASocketOfSystemdItSaysSo(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none")
	var said bytes.Buffer
	code := run(t.Context(), []string{"--web.systemd-socket", "--path.socket=" + none, "--path.workdir=" + none}, io.Discard, &said)
	if code != 1 || !strings.Contains(said.String(), "gluster_exporter: --web.systemd-socket: systemd has handed over no socket; start gluster_exporter.service") {
		t.Errorf("exit status %d: %s", code, said.Bytes())
	}
}

func TestAMachineWithoutGlusterFS(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none")
	proc := t.TempDir() // no process is GlusterFS's, and nothing is mounted
	if err := os.Mkdir(filepath.Join(proc, "self"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"self/mountinfo": "", "stat": "btime 1700000000\n"} {
		if err := os.WriteFile(filepath.Join(proc, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := servingOn(t, "--path.socket="+none, "--path.workdir="+none, "--path.rundir="+none, "--path.procfs="+proc, "--path.fstab="+none,
		"--path.tls="+none, "--path.recovery="+none, "--path.check="+none, "--path.cluster-file="+none, "--probe.mount="+none)
	for range 2 {
		status, body, err := s.get("/metrics")
		if err != nil || status != http.StatusOK {
			t.Fatalf("status %d, %v", status, err)
		}
		for _, line := range []string{"gluster_up 0", "gluster_server 0", `gluster_probe_success{mountpoint="` + none + `",volume=""} 0`} {
			if !strings.Contains(string(body), "\n"+line+"\n") {
				t.Errorf("%q is missing from\n%s", line, body)
			}
		}
		if _, failed := succeeded(s.page()); len(failed) > 0 {
			t.Errorf("collectors %v failed where there is nothing to collect", failed)
		}
	}
}
