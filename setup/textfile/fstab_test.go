package textfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/setup/textfile"
)

const (
	tmpfsLine  = "tmpfs /cache_server tmpfs defaults,size=512m 0 0"
	clientLine = "web1.example.com:/server /client glusterfs defaults,_netdev 0 0"
)

func TestEditFstab(t *testing.T) {
	t.Parallel()
	const root = "UUID=0a1b2c3d-0000-4000-8000-000000000001 / ext4 errors=remount-ro 0 1\n"
	for _, tc := range []struct {
		name  string
		text  string
		lines []string
		want  string
	}{
		{"a block is added behind what is there", root, []string{tmpfsLine, clientLine}, root + block(tmpfsLine, clientLine)},
		{"a block is replaced where it stands", block(clientLine) + root, []string{tmpfsLine}, block(tmpfsLine) + root},
		{"no lines remove the block", root + block(clientLine), nil, root},
		{"a file with CRLF keeps it", crlf(root), []string{tmpfsLine}, crlf(root + block(tmpfsLine))},
		{"a foreign line that says the same replaces ours", tmpfsLine + "\n", []string{tmpfsLine, clientLine}, tmpfsLine + "\n" + block(clientLine)},
		{"a foreign line may order options differently and leave defaults out", "tmpfs  /cache_server\ttmpfs size=512m\n", []string{tmpfsLine}, "tmpfs  /cache_server\ttmpfs size=512m\n"},
		{"a foreign line may have a trailing slash", "tmpfs /cache_server/ tmpfs defaults,size=512m\n", []string{tmpfsLine}, "tmpfs /cache_server/ tmpfs defaults,size=512m\n"},
		{"a foreign line that says the same removes a block that held only ours", tmpfsLine + "\n" + block(tmpfsLine), []string{tmpfsLine}, tmpfsLine + "\n"},
		{"a comment is no entry", "#" + clientLine + "\n# tmpfs /cache_server xfs\n", []string{clientLine}, "#" + clientLine + "\n# tmpfs /cache_server xfs\n" + block(clientLine)},
		{"a word alone is no entry", "tmpfs\n", []string{tmpfsLine}, "tmpfs\n" + block(tmpfsLine)},
		{"escaped white space makes another mount point", "tmpfs /cache_server\\040two tmpfs defaults 0 0\n", []string{tmpfsLine}, "tmpfs /cache_server\\040two tmpfs defaults 0 0\n" + block(tmpfsLine)},
		{"a foreign line may have a file's last two fields, or none, and end as on Windows", "tmpfs /cache_server tmpfs size=512m 1\r\n", []string{tmpfsLine}, "tmpfs /cache_server tmpfs size=512m 1\r\n"},
		{"a comment behind the last field is none", tmpfsLine + " # mine\n", []string{tmpfsLine}, tmpfsLine + " # mine\n"},
		{"a vertical tab does not end a field", "tmpfs /cache_server\v xfs defaults 0 0\n", []string{tmpfsLine}, "tmpfs /cache_server\v xfs defaults 0 0\n" + block(tmpfsLine)},
		{"a no-break space does not end a field", "tmpfs /cache_server\u00a0 xfs defaults 0 0\n", []string{tmpfsLine}, "tmpfs /cache_server\u00a0 xfs defaults 0 0\n" + block(tmpfsLine)},
		{"swap has no mount point", "/dev/vdz none swap sw 0 0\n", []string{tmpfsLine}, "/dev/vdz none swap sw 0 0\n" + block(tmpfsLine)},
		{"a comment of the template stays in the block", "", []string{"# ours", tmpfsLine}, block("# ours", tmpfsLine)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, problems := textfile.EditFstab(tc.text, tc.lines)
			if len(problems) > 0 {
				t.Fatalf("problems: %+v", problems)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			again, problems := textfile.EditFstab(got, tc.lines)
			if again != got || len(problems) > 0 {
				t.Errorf("editing the result again changes it:\n%s%+v", cmp.Diff(got, again), problems)
			}
		})
	}
}

func TestEditFstabRefusesForeignLines(t *testing.T) {
	t.Parallel()
	const twoWays = " (mount and systemd read that line differently: it has too few fields, a word in place of a number, or an escape that only one of them knows)"
	const remedy = "remove that line (gluster-setup writes its own), or choose another path in the cluster file"
	for _, tc := range []struct {
		name, text string
		want       []textfile.Problem
	}{
		{"another device", "# mine\n/dev/vdb /client xfs defaults 0 0\n", []textfile.Problem{{
			Line: 2, Problem: `"/dev/vdb /client xfs defaults 0 0" already configures /client, the cluster file wants "` + clientLine + `"`, Remedy: remedy,
		}}},
		{"another type", "web1.example.com:/server /client nfs defaults,_netdev 0 0\n", []textfile.Problem{{
			Line: 1, Problem: `"web1.example.com:/server /client nfs defaults,_netdev 0 0" already configures /client, the cluster file wants "` + clientLine + `"`, Remedy: remedy,
		}}},
		{"other options", "web1.example.com:/server /client glusterfs noauto,_netdev 0 0\n", []textfile.Problem{{
			Line: 1, Problem: `"web1.example.com:/server /client glusterfs noauto,_netdev 0 0" already configures /client, the cluster file wants "` + clientLine + `"`, Remedy: remedy,
		}}},
		{"no options at all", "web1.example.com:/server /client/ glusterfs\n", []textfile.Problem{{
			Line: 1, Problem: `"web1.example.com:/server /client/ glusterfs" already configures /client, the cluster file wants "` + clientLine + `"`, Remedy: remedy,
		}}},
		{"a line that mount ignores and systemd takes", clientLine + "\n" + strings.Replace(clientLine, " 0 0", " # mine", 1) + "\n", []textfile.Problem{{
			Line: 2, Problem: `"web1.example.com:/server /client glusterfs defaults,_netdev # mine" already configures /client, the cluster file wants "` + clientLine + `"` + twoWays, Remedy: remedy,
		}}},
		{"a line without a type, which systemd takes", "web1.example.com:/server /client\n", []textfile.Problem{{
			Line: 1, Problem: `"web1.example.com:/server /client" already configures /client, the cluster file wants "` + clientLine + `"` + twoWays, Remedy: remedy,
		}}},
		{"an escape that systemd does not know", `web1.example.com:/server /clien\164 glusterfs defaults,_netdev 0 0`, []textfile.Problem{{
			Line: 1, Problem: `"web1.example.com:/server /clien\\164 glusterfs defaults,_netdev 0 0" already configures /client, the cluster file wants "` + clientLine + `"` + twoWays, Remedy: remedy,
		}}},
		{"one line that says the same and one that does not, in front of and behind the block", clientLine + "\n" + block(tmpfsLine) + "\t/dev/vdb /client xfs defaults 0 0\n", []textfile.Problem{{
			Line: 5, Problem: `"/dev/vdb /client xfs defaults 0 0" already configures /client, the cluster file wants "` + clientLine + `"`, Remedy: remedy,
		}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, problems := textfile.EditFstab(tc.text, []string{clientLine})
			if diff := cmp.Diff(tc.want, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseFstab(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, line string
		want       textfile.Fstab
	}{
		{"six fields", "/dev/vdb /server xfs defaults,sync 1 2", textfile.Fstab{Spec: "/dev/vdb", File: "/server", Type: "xfs", Options: []string{"defaults", "sync"}, Dump: 1, Pass: 2}},
		{"three fields", "proc /proc proc", textfile.Fstab{Spec: "proc", File: "/proc", Type: "proc"}},
		{"numbers that are none", "proc /proc proc defaults x y", textfile.Fstab{Spec: "proc", File: "/proc", Type: "proc", Options: []string{"defaults"}, Ambiguous: true}},
		{"two fields", "proc /proc", textfile.Fstab{Spec: "proc", File: "/proc", Ambiguous: true}},
		{"escapes that both know", `a\040b /with\011tab\134\012 ext4 x\040y`, textfile.Fstab{Spec: "a b", File: "/with\ttab\\\n", Type: "ext4", Options: []string{"x y"}}},
		{"escapes that mount knows", `/dev/a\043b /a ext\064 a\054b`, textfile.Fstab{Spec: "/dev/a#b", File: "/a", Type: "ext4", Options: []string{"a", "b"}, Ambiguous: true}},
		{"an escape that systemd knows", `a /with\\two t`, textfile.Fstab{Spec: "a", File: `/with\\two`, Type: "t", Ambiguous: true}},
		{"a backslash that escapes nothing", `\9 /a\40 t`, textfile.Fstab{Spec: `\9`, File: `/a\40`, Type: "t"}},
		{"an escape above one byte", `a /a\777 t`, textfile.Fstab{Spec: "a", File: `/a\777`, Type: "t"}},
		{"a path that is not in its shortest form", "a //a/../b/ t", textfile.Fstab{Spec: "a", File: "/b", Type: "t"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, ok := textfile.ParseFstab(tc.line)
			if diff := cmp.Diff(tc.want, got); diff != "" || !ok {
				t.Errorf("ok %v (-want +got):\n%s", ok, diff)
			}
		})
	}
}

func TestFstabIsReadAsWritten(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/plain", "/with space", "/with\ttab", "/with\nbreak", `/with\backslash`, `/with\040octal`, "/with#sign", "/with\rreturn"} {
		want := textfile.Fstab{Spec: "x" + path, File: path, Type: "xfs", Options: []string{"defaults"}, Dump: 1, Pass: 2}
		got, ok := textfile.ParseFstab(want.String())
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%q: ok %v (-want +got):\n%s", want, ok, diff)
		}
	}
}

func TestWhatMountCallsAComment(t *testing.T) {
	t.Parallel()
	want := textfile.Fstab{Spec: "#dev", File: "/a", Type: "xfs", Options: []string{"defaults"}, Ambiguous: true}
	got, ok := textfile.ParseFstab(textfile.Fstab{Spec: "#dev", File: "/a", Type: "xfs", Options: []string{"defaults"}}.String())
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("ok %v (-want +got):\n%s", ok, diff)
	}
}

func TestLeftFstab(t *testing.T) {
	t.Parallel()
	text := "n1:/theirs /theirs glusterfs defaults 0 0\n" + textfile.Begin + "\n# a comment of the template\n" +
		"tmpfs /cache tmpfs size=64m 0 0\nn1:/server /client/ glusterfs defaults,_netdev 0 0\n" + textfile.End + "\ntmpfs /tmp tmpfs\n"
	for _, tc := range []struct {
		name, text string
		lines      []string
		want       []string
	}{
		{"nothing", text, []string{"tmpfs /cache tmpfs size=32m 0 0", "n2:/server /client glusterfs ro 0 0"}, nil},
		{"a mount", text, []string{"tmpfs /cache tmpfs size=64m 0 0"}, []string{"/client"}},
		{"all", text, nil, []string{"/cache", "/client"}},
		{"no block", "tmpfs /tmp tmpfs\n", nil, nil},
		{"half a block, which is a conflict", strings.Replace(text, textfile.End, "", 1), nil, nil},
	} {
		var got []string
		for _, e := range textfile.LeftFstab(tc.text, tc.lines) {
			got = append(got, e.File)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
