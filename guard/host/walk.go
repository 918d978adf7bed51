package host

import (
	"errors"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds of one path; the kernel's own.
const (
	maxLinks      = 40
	maxComponents = 4096 // PATH_MAX bytes hold no more
)

// hangs is returned by a walk that would have to touch a mount which may not
// answer.
type hangs struct{ Mount string }

func (h hangs) Error() string { return h.Mount + " may not answer" }

// walker resolves paths by handles, one component after the other, as the
// kernel would, and says where they lead.
type walker struct {
	root string // the directory that is taken for /; "" for the real one
	cwd  string // for /proc/self/cwd; may be ""
	// stop is asked before a directory entry is touched, with its real path.
	stop func(real string) error
	proc func(real string) bool // lies on a proc file system
	// link is told of each symbolic link on the way; may be nil.
	link func(real string)
}

// spot is where a path leads.
type spot struct {
	Real    string
	Exists  bool
	Mode    uint32 // st_mode
	Size    int64
	Mtime   int64 // seconds
	Dev     uint64
	Ino     uint64
	Rdev    uint64
	Link    string // the last component is a link, and this is behind it
	Follows bool   // and the act goes through it
	Denied  string // why the walk ended early: "permission denied"
}

func (s *spot) isDir() bool { return s.Exists && s.Mode&unix.S_IFMT == unix.S_IFDIR }

// component is one name of a path.
type component struct {
	name  string
	final bool // the last name of the path as typed
}

// components are the names of a path that mean something: a trailing slash is
// kept as a last ".", since it asks for a directory.
func components(p string) []component {
	var list []component
	for c := range strings.SplitSeq(p, "/") {
		if c != "" && c != "." {
			list = append(list, component{name: c})
		}
	}
	if len(list) > 0 && (strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.")) {
		list = append(list, component{name: "."})
	}
	return list
}

// find resolves an absolute path. A link in the last component is followed
// when follow is set or something stands behind it, be it only a slash.
func (w *walker) find(p string, follow bool) (spot, error) {
	s, last, err := w.resolve(p, follow)
	if err != nil || last == "" || s.Follows {
		return s, err
	}
	// A link that is not followed: say what is behind it.
	behind, _, err := w.resolve(p, true)
	if err != nil {
		var h hangs
		if errors.As(err, &h) {
			// The act itself touches only the link.
			s.Link = last
			return s, nil
		}
		return s, err
	}
	s.Link = behind.Real
	return s, nil
}

// cannotLook says whether an error tells of this process, which is out of
// descriptors or memory, and nothing of the path.
func cannotLook(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// resolve does the walk; last is the text of the last component's link, if it
// is one.
func (w *walker) resolve(p string, follow bool) (s spot, last string, err error) {
	todo := components(p)
	slash := false
	if n := len(todo); n > 0 {
		if slash = todo[n-1].name == "."; slash {
			n--
		}
		todo[n-1].final = true
	}
	base := w.root
	if base == "" {
		base = "/"
	}
	real := "/"
	if err := w.check(real); err != nil {
		return s, "", err
	}
	if w.straight(unix.AT_FDCWD, real, todo, &s) {
		return s, "", nil
	}
	fd, err := unix.Open(base, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return s, "", err
	}
	defer func() { unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return s, "", err
	}
	links := 0
	for n := 0; len(todo) > 0; n++ {
		if n > maxComponents {
			return s, "", unix.ENAMETOOLONG
		}
		name, final := todo[0].name, todo[0].final
		todo = todo[1:]
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			s.end(path.Join(real, name), todo)
			s.Denied = "not a directory"
			return s, "", nil
		}
		switch name {
		case ".":
			continue
		case "..":
			if real == "/" {
				continue
			}
			up := path.Dir(real)
			if err := w.check(up); err != nil {
				return s, "", err
			}
			if err := step(&fd, "..", unix.O_DIRECTORY, &st); err != nil {
				s.end(up, todo)
				s.Denied = reason(err)
				return s, "", nil
			}
			real = up
			continue
		}
		next := real + "/" + name
		if real == "/" {
			next = real + name
		}
		if err := w.check(next); err != nil {
			return s, "", err
		}
		dir := fd
		nfd, err := unix.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if cannotLook(err) {
			return s, "", err
		}
		if err != nil {
			s.end(next, todo)
			if !errors.Is(err, unix.ENOENT) {
				s.Denied = reason(err)
			}
			return s, last, nil
		}
		if err := unix.Fstat(nfd, &st); err != nil {
			unix.Close(nfd)
			return s, "", err
		}
		if st.Mode&unix.S_IFMT != unix.S_IFLNK {
			unix.Close(fd)
			fd, real = nfd, next
			continue
		}
		if w.link != nil {
			w.link(next)
		}
		text, err := readlink(nfd)
		unix.Close(nfd)
		if err != nil {
			s.end(next, todo)
			s.Denied = reason(err)
			return s, "", nil
		}
		if final {
			last = text
			if !follow && !slash {
				s.stat(next, &st)
				return s, last, nil
			}
		}
		if w.proc != nil && w.proc(next) {
			done, to := procLink(next, text, w.cwd)
			switch {
			case done && len(todo) == 0:
				s.stat(next, &st)
				return s, "", nil
			case done:
				// A process's own view: go on by name.
				if err := step(&fd, name, 0, &st); err != nil {
					s.end(next, todo)
					s.Denied = reason(err)
					return s, "", nil
				}
				real = next
				continue
			}
			text = to
		}
		if links++; links > maxLinks {
			s.end(next, todo)
			s.Denied = "too many levels of symbolic links"
			return s, "", nil
		}
		s.Follows = s.Follows || final
		todo = append(components(text), todo...)
		if strings.HasPrefix(text, "/") {
			if err := w.check("/"); err != nil {
				return s, "", err
			}
			nfd, err := unix.Open(base, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
			if err != nil {
				return s, "", err
			}
			unix.Close(fd)
			fd, real = nfd, "/"
		}
		if err := unix.Fstat(fd, &st); err != nil {
			return s, "", err
		}
		if len(todo) > 1 && w.straight(fd, real, todo, &s) {
			return s, last, nil
		}
	}
	s.stat(real, &st)
	if s.Follows {
		s.Link = s.Real
	}
	return s, last, nil
}

// straight goes the rest of a way at once, from the directory real, which is
// open as dir (AT_FDCWD: the root), and reports whether it could: only where no
// link is on the way, and no mount that may not answer. The rest is walked by
// steps. Linux before 5.6 cannot.
func (w *walker) straight(dir int, real string, todo []component, s *spot) bool {
	var way, next strings.Builder
	next.WriteString(strings.TrimSuffix(real, "/"))
	from := next.Len()
	if dir == unix.AT_FDCWD {
		way.WriteString(w.root + "/")
	}
	for i, c := range todo {
		if c.name == ".." {
			return false // could lead out of what is taken for /
		}
		if i > 0 {
			way.WriteByte('/')
		}
		way.WriteString(c.name)
		if c.name != "." {
			next.WriteString("/" + c.name)
		}
	}
	if way.Len() >= unix.PathMax {
		return false
	}
	end := next.String()
	for i := from + 1; i <= len(end); i++ {
		if (i == len(end) || end[i] == '/') && w.check(end[:i]) != nil {
			return false // what is before it may lead elsewhere
		}
	}
	if end == "" {
		end = "/"
	}
	fd, err := unix.Openat2(dir, way.String(), &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if errors.Is(err, unix.ENOENT) {
		s.end(end, nil)
		return true
	}
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return false
	}
	s.stat(end, &st)
	if s.Follows {
		s.Link = s.Real
	}
	return true
}

func (w *walker) check(real string) error {
	if w.stop == nil {
		return nil
	}
	return w.stop(real)
}

// step replaces a handle by that of one of its entries.
func step(fd *int, name string, flags int, st *unix.Stat_t) error {
	n, err := unix.Openat(*fd, name, unix.O_PATH|unix.O_CLOEXEC|flags, 0)
	if err != nil {
		return err
	}
	unix.Close(*fd)
	*fd = n
	return unix.Fstat(n, st)
}

// stat fills in what is at the end of the walk.
func (s *spot) stat(real string, st *unix.Stat_t) {
	s.Real, s.Exists = real, true
	s.Mtime = st.Mtim.Sec
	s.Mode, s.Size, s.Dev, s.Ino, s.Rdev = st.Mode, st.Size, uint64(st.Dev), st.Ino, uint64(st.Rdev)
}

// end is a walk that stops before its last component: the real parent is
// kept, the rest is only a name.
func (s *spot) end(real string, rest []component) {
	names := make([]string, 1, 1+len(rest))
	names[0] = real
	for _, c := range rest {
		names = append(names, c.name)
	}
	s.Real = path.Join(names...)
	if s.Follows {
		s.Link = s.Real
	}
}

func readlink(fd int) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// procLink says what a link on a proc file system means to the program that
// will run, which is not us: done when it is not to be read as a path, else
// where it leads.
func procLink(real, text, cwd string) (done bool, to string) {
	dir, name := path.Split(real)
	dir = path.Base(dir)
	switch name {
	case "self", "thread-self", "exe":
		return true, ""
	case "root":
		return false, text
	case "cwd":
		if dir == "self" || dir == "thread-self" {
			if cwd == "" {
				return true, ""
			}
			return false, cwd
		}
	}
	if !strings.HasPrefix(text, "/") {
		// "pipe:[1234]"; but /proc/mounts is a plain link.
		return strings.Contains(text, ":["), text
	}
	if _, err := strconv.Atoi(name); err == nil && strings.Contains(real, "/self/") {
		return true, "" // our descriptor, not the program's
	}
	return false, text
}

// Gone reports that nothing is at an absolute path, where that can be told
// without waiting for anything.
func (w *World) Gone(file string) bool {
	if !path.IsAbs(file) {
		return false
	}
	var s spot
	return w.walker(w.mountsNow(), "", true).straight(unix.AT_FDCWD, "/", components(file), &s) && !s.Exists
}

// reason is an error in words that people know.
func reason(err error) string {
	var e unix.Errno
	if errors.As(err, &e) {
		return e.Error()
	}
	return err.Error()
}
