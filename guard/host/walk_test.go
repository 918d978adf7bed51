package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestFind(t *testing.T) {
	root := tree(t,
		"usr/lib/x/so", "lib -> usr/lib", "etc/passwd", "srv/data/f", "home/x/lib -> /lib", "home/x/data -> /srv/data",
		"home/x/rel -> ../../srv", "home/x/chain -> rel/data/", "home/x/self -> self", "home/x/gone -> /nowhere/at",
		"home/x/up -> ..", "home/x/file -> /etc/passwd", "home/x/a b\n/c", "root2 -> /",
	)
	w := &walker{root: root}
	tests := []struct {
		path    string
		follow  bool
		real    string
		exists  bool
		link    string
		follows bool
		denied  string
	}{
		{"/", false, "/", true, "", false, ""},
		{"/../..", false, "/", true, "", false, ""},
		{"//", false, "/", true, "", false, ""},
		{"/./", false, "/", true, "", false, ""},
		{"/srv/..", false, "/", true, "", false, ""},
		{"/srv/../", false, "/", true, "", false, ""},
		{"/home/x/lib", false, "/home/x/lib", true, "/usr/lib", false, ""},
		{"/home/x/lib/", false, "/usr/lib", true, "/usr/lib", true, ""},
		{"/home/x/lib/.", false, "/usr/lib", true, "/usr/lib", true, ""},
		{"/home/x/lib//", false, "/usr/lib", true, "/usr/lib", true, ""},
		{"/home/x/lib", true, "/usr/lib", true, "/usr/lib", true, ""},
		{"/home/x/lib/..", false, "/usr", true, "", false, ""},
		{"/home/x/lib/../../etc", false, "/etc", true, "", false, ""},
		{"/home/x/lib/x/so", false, "/usr/lib/x/so", true, "", false, ""},
		{"/home/x/chain", false, "/home/x/chain", true, "/srv/data", false, ""},
		{"/home/x/chain/", false, "/srv/data", true, "/srv/data", true, ""},
		{"/home/x/chain/f", false, "/srv/data/f", true, "", false, ""},
		{"/home/x/self", true, "/home/x/self", false, "/home/x/self", true, "too many levels of symbolic links"},
		{"/home/x/gone", true, "/nowhere/at", false, "/nowhere/at", true, ""},
		{"/home/x/gone", false, "/home/x/gone", true, "/nowhere/at", false, ""},
		{"/home/x/up/x/lib/", false, "/usr/lib", true, "/usr/lib", true, ""},
		{"/home/x/new/deep", true, "/home/x/new/deep", false, "", false, ""},
		{"/home/x/new/deep/", true, "/home/x/new/deep", false, "", false, ""},
		{"/home/x/new/../deep", true, "/home/x/deep", false, "", false, ""},
		{"/srv/data/./f", true, "/srv/data/f", true, "", false, ""},
		{"/srv/data/f/", true, "/srv/data/f", false, "", false, "not a directory"},
		{"/lib/x/./so", true, "/usr/lib/x/so", true, "", false, ""},
		{"/lib/x/new", true, "/usr/lib/x/new", false, "", false, ""},
		{"/home/x/rel/new", true, "/srv/new", false, "", false, ""},
		{"/home/x/file/", false, "/etc/passwd", false, "/etc/passwd", true, "not a directory"},
		{"/etc/passwd/x", false, "/etc/passwd/x", false, "", false, "not a directory"},
		{"/home/x/a b\n/c", false, "/home/x/a b\n/c", true, "", false, ""},
		{"/root2", true, "/", true, "/", true, ""},
		{"/root2/etc", false, "/etc", true, "", false, ""},
	}
	for _, tt := range tests {
		s, err := w.find(tt.path, tt.follow)
		if err != nil {
			t.Errorf("%q: %v", tt.path, err)
			continue
		}
		if s.Real != tt.real || s.Exists != tt.exists || s.Link != tt.link || s.Follows != tt.follows || s.Denied != tt.denied {
			t.Errorf("%q follow=%v: %q exists=%v link=%q follows=%v denied=%q; want %q %v %q %v %q", tt.path, tt.follow,
				s.Real, s.Exists, s.Link, s.Follows, s.Denied, tt.real, tt.exists, tt.link, tt.follows, tt.denied)
		}
	}
}

// The kernel is the referee: what it opens is what the walk found.
func FuzzFind(f *testing.F) {
	for _, s := range []string{"a/l/../x", "l", "l/", "l/.", "d/up/l//f", "loop/x", "abs", "abs/", "d/../../../x", "d/f/", "gone/x"} {
		f.Add(s)
	}
	root := f.TempDir()
	for _, d := range []string{"a/b", "d/e"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			f.Fatal(err)
		}
	}
	for name, to := range map[string]string{"l": "a/b", "d/up": "..", "loop": "loop", "abs": "/tmp", "gone": "nothing", "a/back": "../d/"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			f.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "d/f"), nil, 0o644); err != nil {
		f.Fatal(err)
	}
	w := &walker{proc: func(real string) bool { return strings.HasPrefix(real, "/proc/") }}
	f.Fuzz(func(t *testing.T, p string) {
		if strings.Contains(p, "\x00") {
			return
		}
		full := root + "/" + p
		for _, follow := range []bool{false, true} {
			s, err := w.find(full, follow)
			if err != nil {
				continue // longer than the kernel takes
			}
			var st unix.Stat_t
			var kernel error
			if follow {
				kernel = unix.Stat(full, &st)
			} else {
				kernel = unix.Lstat(full, &st)
			}
			if strings.HasPrefix(s.Real, "/proc") || strings.HasPrefix(s.Real, "/dev") {
				continue // changes while we look
			}
			if (kernel == nil) != s.Exists {
				t.Fatalf("%q follow=%v: kernel says %v, walk says exists=%v (%+v)", p, follow, kernel, s.Exists, s)
			}
			if kernel == nil && (s.Ino != st.Ino || s.Dev != uint64(st.Dev)) {
				t.Fatalf("%q follow=%v: the kernel finds another file than %q", p, follow, s.Real)
			}
		}
	})
}

func TestFindProc(t *testing.T) {
	w := New(Options{})
	defer w.Close()
	tests := []struct{ path, real string }{
		{"/proc/self/root/etc", "/etc"},
		{"/proc/self/fd/1", "/proc/self/fd/1"},
		{"/dev/stdout", "/proc/self/fd/1"},
		{"/proc/self/cwd/x", "/srv/x"},
		{"/proc/" + strconv.Itoa(os.Getpid()) + "/root/etc", "/etc"},
	}
	if _, err := os.Stat("/srv"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		s, err := w.walker(w.mountsNow(), "/srv", true).find(tt.path, true)
		if err != nil || s.Real != tt.real {
			t.Errorf("%s: %q, %v; want %q", tt.path, s.Real, err, tt.real)
		}
	}
}

// A name of thousands of components, as a slip with seq makes one, takes time
// in proportion to its length.
func TestDeepMissingPath(t *testing.T) {
	w := New(Options{})
	t.Cleanup(w.Close)
	table := w.mountsNow()
	least := func(n int) time.Duration {
		name := "/nowhere" + strings.Repeat("/folder", n)
		best := time.Hour
		for range 20 {
			start := time.Now()
			s, err := w.walker(table, "", true).find(name, true)
			if err != nil || s.Exists || s.Real != name {
				t.Fatalf("%v, %+v", err, s)
			}
			table.of(name)
			best = min(best, time.Since(start))
		}
		return best
	}
	if short, long := least(500), least(8000); long > 64*short {
		t.Errorf("16 times as many components take %d times as long", long/short)
	}
}

// What is not there is told at once only where no link could lead elsewhere and
// no mount has to be waited for.
func TestGone(t *testing.T) {
	dir := tree(t, "a/b", "link -> a")
	w := New(Options{})
	t.Cleanup(w.Close)
	for _, tt := range []struct {
		path string
		gone bool
	}{
		{dir + "/a/none", true},
		{dir + "/none/at/all", true},
		{dir + "/a/b", false},
		{dir + "/link", false},
		{dir + "/link/none", false}, // it has to be walked
		{"none", false},
		{dir + "/a/../none", false},
	} {
		if got := w.Gone(tt.path); got != tt.gone {
			t.Errorf("%s: %v, want %v", tt.path, got, tt.gone)
		}
	}
	if err := os.WriteFile(dir+"/a/none", nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if w.Gone(dir + "/a/none") {
		t.Error("it came meanwhile")
	}
	table := w.mountsNow()
	far := *table.at["/"]
	far.Mountpoint, far.FSType = dir+"/a", "nfs4"
	table.at[far.Mountpoint] = &far
	table.longest = max(table.longest, len(far.Mountpoint))
	if w.Gone(dir + "/a/new") {
		t.Error("a mount that may not answer was asked")
	}
}
