package host

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// View is this machine as a process sees it that has another root directory or
// another mount namespace. It is a command.Files of that process's paths, and
// says what they are here.
type View struct {
	w      *World
	proc   string      // the process's directory in /proc
	root   string      // its root directory's path here; "" where it has none
	inside *World      // what is below that; nil where it has none
	theirs *mountTable // what is mounted for it, as it names that; nil: the same as here

	ours              bool // its root directory is this one, and only its mounts may be others
	samePIDs, sameNet bool
}

var _ command.Files = (*View)(nil)

// Seen is how a process sees this machine. It has to be closed.
func (w *World) Seen(pid int) (*View, error) {
	v := &View{w: w, proc: "/proc/" + strconv.Itoa(pid)}
	root, err := os.Readlink(v.proc + "/root")
	if err != nil {
		return nil, fmt.Errorf("the root directory of process %d: %w", pid, err)
	}
	v.samePIDs, v.sameNet = v.same("pid"), v.same("net")
	sameMounts := v.same("mnt")
	if !sameMounts {
		b, err := os.ReadFile(v.proc + "/mountinfo")
		if err != nil {
			return nil, fmt.Errorf("the mounts of process %d: %w", pid, err)
		}
		v.theirs = parseMounts(b)
	}
	// In another namespace the same path may be another directory. A namespace
	// begins as a copy, so that it mostly is the same.
	if sameMounts || sameFile(v.proc+"/root/", root) {
		v.root = strings.TrimRight(root, "/")
		v.inside = &World{opts: w.opts, root: v.root, mounts: -1, env: w.env}
		v.ours = v.root == ""
	}
	return v, nil
}

// Close lets go what was needed to look.
func (v *View) Close() {
	if v.inside != nil {
		v.inside.Close()
	}
}

// same says whether the process is in this one's namespace of a kind.
func (v *View) same(kind string) bool {
	own, err := os.Readlink("/proc/self/ns/" + kind)
	if err != nil {
		return true
	}
	theirs, err := os.Readlink(v.proc + "/ns/" + kind)
	return err == nil && own == theirs
}

func sameFile(a, b string) bool {
	var x, y unix.Stat_t
	return unix.Stat(a, &x) == nil && unix.Stat(b, &y) == nil && x.Dev == y.Dev && x.Ino == y.Ino
}

// Here is what an absolute path of the process is on this machine. follow says
// that a link in its last component is gone through. ok is false for what is
// the process's own: a file of a container's image, a file system that is
// mounted for it alone.
func (v *View) Here(name string, follow bool) (here string, ok bool) {
	clean := path.Clean("/" + name)
	slash := ""
	if strings.HasSuffix(name, "/") && clean != "/" {
		slash, follow = "/", true
	}
	// Links are its own: one that begins with a slash begins at its root.
	if follow {
		if real, err := v.Real(clean); err == nil {
			clean = real
		}
	} else if real, err := v.Real(path.Dir(clean)); err == nil {
		clean = path.Join(real, path.Base(clean))
	}
	if v.theirs != nil {
		m := v.theirs.of(clean)
		switch {
		case m != nil && (m.Mountpoint != "/" || v.inside == nil):
			here, ok = v.mounted(m.Major, m.Minor, m.Root, m.Mountpoint, clean)
			return here + slash, ok
		case v.inside == nil:
			return "", false
		}
	}
	if clean == "/" && v.root != "" {
		return v.root, true
	}
	return v.root + clean + slash, true
}

// mounted is where what is mounted for the process is mounted here.
func (v *View) mounted(major, minor int, root, at, name string) (here string, ok bool) {
	rest, ok := relative(at, name)
	if !ok {
		return "", false
	}
	inFS := path.Join(root, rest)
	ours := v.w.mountsNow()
	for _, o := range ours.all {
		if o.Major != major || o.Minor != minor {
			continue
		}
		if rest, ok := relative(o.Root, inFS); ok {
			// A mount on top of the name hides what we look for.
			if here := path.Join(o.Mountpoint, rest); ours.of(here) == o && !(at == "/" && o.Mountpoint != "/") {
				return here, true
			}
		}
	}
	return "", false
}

// Effects are those of a process's effects that fall on this machine, with the
// paths that they have here.
func (v *View) Effects(effects []effect.Effect) []effect.Effect {
	var out []effect.Effect
	for _, e := range effects {
		if v.effect(&e) {
			out = append(out, e)
		}
	}
	return out
}

// effect moves one here; false: it falls on nothing of this machine.
func (v *View) effect(e *effect.Effect) bool {
	if !local(e) {
		return true // it names its place itself
	}
	switch e.Object.Type {
	case effect.Path, effect.Device, effect.Repo:
	case effect.Process, effect.Host:
		return v.samePIDs
	case effect.Interface, effect.Firewall, effect.Route:
		return v.sameNet
	case effect.Service, effect.Account, effect.Crontab, effect.Package, effect.Code, effect.Other:
		return v.ours // what a root directory has of its own
	default:
		return true
	}
	switch e.Kind {
	case effect.Mount, effect.Remount, effect.Unmount:
		if v.theirs != nil && !v.shared(e.Object.Name) {
			return false
		}
	}
	if !v.object(&e.Object, follows(e)) {
		return false
	}
	for _, o := range []**effect.Object{&e.Source, &e.Dir, &e.Link} {
		if *o != nil {
			moved := **o
			if *o = &moved; !v.object(&moved, true) {
				*o = nil
			}
		}
	}
	e.Split = nil // nobody typed it
	return true
}

// shared says that what is mounted at a path, or not any more, is so here as well.
func (v *View) shared(name string) bool {
	m := v.theirs.of(path.Clean(name))
	return v.ours && m != nil && strings.Contains(m.Optional, "shared:")
}

func (v *View) object(o *effect.Object, follow bool) bool {
	switch {
	case o.Type != effect.Path && o.Type != effect.Device && o.Type != effect.Repo:
		return true
	case path.IsAbs(o.Name):
		here, ok := v.Here(o.Name, follow)
		o.Name = here
		return ok
	}
	return false
}

// ReadFile reads at most max bytes of a regular file.
func (v *View) ReadFile(name string, max int64) ([]byte, error) {
	if v.inside != nil {
		return v.inside.ReadFile(name, max)
	}
	here, ok := v.Here(name, true)
	if !ok {
		return nil, v.unknown(name)
	}
	return v.w.ReadFile(here, max)
}

// Real is where a path that exists really leads, as the process names it.
func (v *View) Real(name string) (string, error) {
	if v.inside != nil {
		return v.inside.Real(name)
	}
	if slices.ContainsFunc(v.theirs.all, mayHang) {
		return "", v.unknown(name)
	}
	dir, err := unix.Open(v.proc+"/root", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", v.unknown(name)
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, cmp.Or(strings.TrimLeft(name, "/"), "."), &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
	if err != nil {
		return "", v.failed(name, err)
	}
	defer unix.Close(fd)
	// The kernel names it from the root of the process's namespace.
	from, err1 := os.Readlink(v.proc + "/root")
	real, err2 := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	rest, ok := relative(from, real)
	if err1 != nil || err2 != nil || !ok {
		return "", v.unknown(name)
	}
	return "/" + rest, nil
}

func (v *View) failed(name string, err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return fmt.Errorf("resolve %q below another root: %w", name, unix.ENOENT)
	}
	return v.unknown(name)
}

// Glob is not known of another root, and neither are Home and LookPath: the words
// of a program that starts are final.
func (v *View) Glob(_, pattern string, _ command.GlobOptions) ([]string, error) {
	return nil, v.unknown(pattern)
}

// Home is not known: see Glob.
func (v *View) Home(user string) (string, error) { return "", v.unknown("~" + user) }

// LookPath is not known: see Glob.
func (v *View) LookPath(name, _ string) (string, error) { return "", v.unknown(name) }

// Program is under what names this machine has the program that a file is.
func (v *View) Program(file string) []string {
	if here, ok := v.Here(file, true); ok {
		return v.w.Program(here)
	}
	return nil
}

func (v *View) unknown(name string) error {
	return fmt.Errorf("%q below another root: %w", name, ErrUnknown)
}

// Inside is a path of this machine as the process names it; "" where it cannot.
func (v *View) Inside(here string) string {
	if v.inside == nil {
		return ""
	}
	rest, ok := relative(v.root, here)
	if !ok {
		return ""
	}
	return "/" + rest
}
