package hack

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// minimal are the programs that the smallest Debian 12 has (packages that are essential, or required by them), and git and make,
// without which nobody gets here.
var minimal = strings.Fields(`
	apt-cache apt-get awk basename bash cat chmod chown cmp comm cp cut date df diff dirname dpkg dpkg-deb dpkg-query
	env find findmnt flock git grep gzip head hostname id install ln losetup ls mkdir mkfs.ext4 mkfifo mktemp mount mv nice nohup nproc od
	paste readlink realpath rm rmdir sed md5sum seq setsid sha1sum sha256sum sleep sort split stat stdbuf sync tac tail tar tee timeout touch tr
	truncate tune2fs umount uname uniq unshare wc xargs`)

// installed are the other programs, with the packages that hack/install brings them with; those without are made or unpacked by it.
var installed = map[string]string{
	"ip": "iproute2", "iptables": "iptables", "pgrep": "procps", "pkill": "procps", "ps": "procps",
	"podman": "podman", "mmdebstrap": "mmdebstrap", "nsenter": "util-linux", "strace": "strace",
	"python3": "python3", "shellcheck": "shellcheck", "lintian": "lintian", "rpm": "rpm",
	"ssh": "openssh-client", "ssh-keygen": "openssh-client", "scp": "openssh-client",
	"qemu-img": "qemu-utils", "qemu-system-x86_64": "qemu-system-x86",
	"npm": "npm", "npx": "npm", "pngquant": "pngquant", "mke2fs": "e2fsprogs",
	"go": "", "promtool": "", "golangci-lint": "", "govulncheck": "", "nfpm": "", "cyclonedx-gomod": "", "pip": "",
	"ansible": "", "ansible-doc": "", "ansible-galaxy": "", "ansible-lint": "", "ansible-playbook": "", "ansible-test": "", "molecule": "", "yamllint": "",
}

// TestScriptsCallOnlyProgramsThatAreThere: what the scripts of this directory call on this machine is in a minimal Debian, or
// hack/install brings it. What they have others call, on test hosts or through a function, is not looked at.
func TestScriptsCallOnlyProgramsThatAreThere(t *testing.T) {
	install, err := os.ReadFile("install")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.FieldsFunc(string(install), func(r rune) bool { return strings.ContainsRune(" \n\t()\"'", r) })
	for program, pkg := range installed {
		if pkg != "" && !slices.Contains(words, pkg) {
			t.Errorf("hack/install: nothing installs %s, which has %s", pkg, program)
		}
	}
	functions := map[string]bool{}
	var calls []*syntax.CallExpr
	at := map[*syntax.CallExpr]string{}
	for path, file := range scripts(t) {
		syntax.Walk(file, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.FuncDecl:
				functions[n.Name.Value] = true
			case *syntax.CallExpr:
				calls = append(calls, n)
				at[n] = path + ":" + n.Pos().String()
			}
			return true
		})
	}
	for _, call := range calls {
		name := program(call)
		if name == "" || strings.Contains(name, "/") || functions[name] || syntax.IsKeyword(name) || slices.Contains(builtins, name) {
			continue
		}
		if _, ok := installed[name]; !ok && !slices.Contains(minimal, name) {
			t.Errorf("hack/%s: is %s on a minimal Debian 12? If not, do without, or have hack/install bring it and name its package here", at[call], name)
		}
	}
}

var builtins = strings.Fields(`
	: [ alias bg break builtin cd command compgen continue declare echo eval exec exit export false fg getopts hash jobs kill let local
	mapfile printf pwd read readonly return set shift shopt source test times trap true type typeset ulimit umask unset wait`)

// program is the first word of a call that is a program: after command, exec and the like with their options; "" where a shell decides.
func program(call *syntax.CallExpr) string {
	for _, word := range call.Args {
		name := word.Lit()
		if name == "" || !slices.Contains([]string{"command", "exec", "nice", "nohup", "setsid"}, name) && !strings.HasPrefix(name, "-") {
			return name
		}
	}
	return ""
}

// scripts are those of this directory, parsed.
func scripts(t *testing.T) map[string]*syntax.File {
	t.Helper()
	all := map[string]*syntax.File{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "bench-files" {
			return fs.SkipDir // on test hosts
		}
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(text), "\n")
		if !strings.HasSuffix(path, ".sh") && !strings.HasPrefix(first, "#!/bin/bash") {
			return nil
		}
		all[path], err = syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(string(text)), path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d scripts here", len(all))
	}
	return all
}
