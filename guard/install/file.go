package install

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// replaceFile writes a file so that at each moment the old or the new one is
// there as a whole. Owner and mode of one that is there stay.
func replaceFile(path string, data []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	uid, gid := 0, 0
	if st, err := os.Stat(path); err == nil {
		mode = st.Mode().Perm()
		if s, ok := st.Sys().(*syscall.Stat_t); ok {
			uid, gid = int(s.Uid), int(s.Gid)
		}
	}
	// sudo and sshd read no file with such a name: sudo leaves out names with a
	// dot, sshd_config includes *.conf.
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".new-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when the rename was done
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Chown(uid, gid), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Trusted fails on a program that somebody else than root could exchange, or
// that others cannot start. Of a link it is what it leads to that counts.
func Trusted(path string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for p := path; ; p = filepath.Dir(p) {
		st, err := os.Lstat(p)
		if err != nil {
			return err
		}
		s, ok := st.Sys().(*syscall.Stat_t)
		switch {
		case p == path && !st.Mode().IsRegular():
			return fmt.Errorf("%s is no plain file", p)
		case !ok || s.Uid != 0:
			return fmt.Errorf("%s does not belong to root", p)
		case st.Mode().Perm()&0o022 != 0:
			return fmt.Errorf("%s can be written by others (%04o)", p, st.Mode().Perm())
		case st.Mode().Perm()&0o001 == 0:
			return fmt.Errorf("%s cannot be reached by others (%04o)", p, st.Mode().Perm())
		}
		if p == "/" {
			return nil
		}
	}
}

// sameContent says whether two files are equal.
func sameContent(a, b string) bool {
	x, err := os.ReadFile(a)
	if err != nil {
		return false
	}
	y, err := os.ReadFile(b)
	return err == nil && bytes.Equal(x, y)
}

// ShellsFile is the list of login shells, shells(5).
const ShellsFile = "/etc/shells"

// Listed says whether a shell stands in /etc/shells.
func Listed(shell string) bool {
	b, err := os.ReadFile(ShellsFile)
	return err == nil && hasLine(string(b), shell)
}

func hasLine(text, line string) bool {
	for l := range strings.Lines(text) {
		l, _, _ = strings.Cut(l, "#")
		if strings.TrimSpace(l) == line {
			return true
		}
	}
	return false
}

// withLine is the text with one more line at its end.
func withLine(text, line string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + line + "\n"
}

// withoutLine is the text without the last line of that content.
func withoutLine(text, line string) string {
	at := strings.LastIndex("\n"+text, "\n"+line+"\n")
	if at < 0 {
		return text
	}
	return text[:at] + text[at+len(line)+1:]
}

// defaultShells is what getusershell(3) takes where there is no /etc/shells:
// a file with guardsh alone would take these away.
const defaultShells = "/bin/sh\n/bin/csh\n"
